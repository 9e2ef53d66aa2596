"""The processor time of a search, beside plain fusion: search_cost.py --queries FILE.

Asks search() and the plain reciprocal rank fusion in one statement
(benchmarks/serving/fusion.py) in turns for each query, with their vectors cached, and
prints the processor time that Python and PostgreSQL take. Other programs on the machine
change it less than the time on the clock. Needs Linux, and PostgreSQL on this machine.
"""

import argparse
import os
import sys
import time
from collections import defaultdict
from pathlib import Path
from statistics import fmean, median

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    """Print the processor time of both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--queries", required=True, type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "vectorshop.settings")
    import django

    django.setup()
    from serving.fusion import fusion

    from products.quality.judged import read_queries
    from products.search import search
    from products.sql.statements import rows

    texts = list(read_queries(args.queries).values())
    [(process,)] = rows("SELECT pg_backend_pid()", using="default")

    def postgresql_ms():
        on_processor = Path(f"/proc/{process}/schedstat").read_text().split()[0]
        return int(on_processor) / 1e6

    def cost(ask, text):
        before = time.process_time() * 1e3, postgresql_ms()
        ask(text)
        return time.process_time() * 1e3 - before[0], postgresql_ms() - before[1]

    asks = {"search()": lambda text: list(search(text)), "plain fusion": fusion}
    costs = defaultdict(list)
    for number in range(1 + args.rounds):
        for name, ask in asks.items():
            of_round = [cost(ask, text) for text in texts]
            costs[name] += of_round if number else []  # the first fills the caches
    for name, measured in costs.items():
        python, postgresql = (median(times) for times in zip(*measured, strict=True))
        both = median(map(sum, measured))
        sys.stdout.write(
            f"{name:12}  p50 {both:5.2f} ms, mean {fmean(map(sum, measured)):5.2f}; "
            f"Python {python:.2f}, PostgreSQL {postgresql:.2f}\n"
        )


if __name__ == "__main__":
    main()
