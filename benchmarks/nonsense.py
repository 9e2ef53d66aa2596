"""How many texts that no shop sells anything for find something: nonsense.py.

Searches the shop's own catalogue (DB_NAME) by meaning and words for each line of
benchmarks/nonsense.txt: random letters, other scripts, and things no shop sells.
"""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TEXTS = ROOT / "benchmarks" / "nonsense.txt"


def main() -> None:
    """Print the texts that find something, and how much."""
    sys.path.insert(0, str(ROOT))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "vectorshop.settings")
    import django

    django.setup()
    from products.search import search

    texts = TEXTS.read_text(encoding="utf-8").splitlines()
    found = {text: search(text).total for text in texts}
    for text, total in found.items():
        if total:
            sys.stdout.write(f"{total:4} {text}\n")
    hits = sum(map(bool, found.values()))
    sys.stdout.write(f"{hits} of {len(texts)} texts find something.\n")


if __name__ == "__main__":
    main()
