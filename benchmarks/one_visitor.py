"""What others notice of a visitor who asks for what costs most, over and over.

    .venv/bin/python benchmarks/one_visitor.py http://127.0.0.1:8000 --seconds 12

Eight connections ask a running shop for one kind of page, each time with another text of
120 words that nobody searched for before, while a ninth opens the catalogue and a product
in turns. Prints what both get, and how long they wait for it.
"""

from __future__ import annotations

import argparse
import random
import string
import sys
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from statistics import median

CONNECTIONS = 8
WORDS = 120
LETTERS = 7  # of a word, so that a text stays below 1,000 characters
TIMEOUT_SECONDS = 60
PAGES = {
    "search": "/?q={text}",
    "why": "/products/{pk}/why/?q={text}",
    "exact": "/exact/?q={text}",
    "map": "/map.svg",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("shop", help="The address of a running shop.")
    parser.add_argument("--product", type=int, default=1, help="An id that exists.")
    parser.add_argument("--seconds", type=float, default=12, help="For each page.")
    options = parser.parse_args()
    say("| asked for | answers | p50 | others' pages | p50 | p95 |")
    say("|---|---|--:|--:|--:|--:|")
    for name, page in PAGES.items():
        answers, waited, others = measure(options, page)
        counted = ", ".join(f"{count} × {code}" for code, count in answers.items())
        late = sorted(others)[int(len(others) * 0.95)]
        say(
            f"| {name} | {counted} | {median(waited):.2f} s "
            f"| {len(others)} | {median(others):.2f} s | {late:.2f} s |"
        )


def measure(
    options: argparse.Namespace, page: str
) -> tuple[Counter[int], list[float], list[float]]:
    """Return the answers to the eight, how long they took, and those to the ninth."""
    end = time.monotonic() + options.seconds
    answers: Counter[int] = Counter()
    waited: list[float] = []

    def ask(seed: int) -> None:
        chance = random.Random(f"{time.time()} {seed}")
        while time.monotonic() < end:
            text = "+".join(
                "".join(chance.choices(string.ascii_lowercase, k=LETTERS))
                for _ in range(WORDS)
            )
            path = page.format(text=text, pk=options.product)
            code, seconds = get(options.shop + path)
            answers[code] += 1
            waited.append(seconds)

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    others = []
    while time.monotonic() < end:
        for path in ("/", f"/products/{options.product}/"):
            others.append(get(options.shop + path)[1])
    for thread in threads:
        thread.join()
    return answers, waited, others


def get(address: str) -> tuple[int, float]:
    """Return the status of an answer, and the seconds until all of it was there."""
    started = time.monotonic()
    try:
        with urllib.request.urlopen(address, timeout=TIMEOUT_SECONDS) as response:
            response.read()
            code = response.status
    except urllib.error.HTTPError as error:
        with error:
            error.read()
        code = error.code
    return code, time.monotonic() - started


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
