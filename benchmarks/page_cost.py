"""What a page costs the web server and PostgreSQL, in processor time: page_cost.py.

    DB_NAME=shop .venv/bin/python benchmarks/page_cost.py --rows 100000

Makes a catalogue of so many rows beside the configured one, once, and asks Django's test
client for each kind of page, over and over. Prints the processor time of this process
and of PostgreSQL's, and how many such pages a core of each gives in a second. Other
programs on the machine change it less than the time on the clock. What the HTTP server
takes is not in it. Needs Linux, and PostgreSQL on this machine.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from itertools import cycle
from pathlib import Path
from statistics import fmean

from large_catalogue import parser, say, use_large_catalogue

# isort: split
from bench_serving import default_database
from django.test import Client
from serving.queries import QUERIES, read_queries
from serving.scenarios import check, scenarios

from products.sql.statements import rows

WARM_UP = 50
PAGES = 400


def main() -> None:
    chosen = parser(__doc__).parse_args()
    logging.disable()
    name = use_large_catalogue(rows=chosen.rows, rebuild=chosen.rebuild)
    with default_database(name):
        for scenario in scenarios(read_queries(QUERIES)):
            show(scenario.name, scenario.urls)


def show(name: str, urls: list[str]) -> None:
    """Print what a kind of page costs."""
    client = Client(headers={"host": "localhost"})
    address = cycle(urls)

    def ask() -> None:
        url = next(address)
        check(client.get(url).status_code, url)

    for _ in range(max(WARM_UP, 2 * len(urls) if len(urls) < PAGES else 0)):
        ask()
    python, postgresql = costs(ask)
    say(
        f"{name:24}Python {python:6.2f} ms, {1000 / python:5,.0f}/s a core   "
        f"PostgreSQL {postgresql:6.2f} ms, {1000 / postgresql:6,.0f}/s a core"
    )


def costs(ask: Callable[[], None]) -> tuple[float, float]:
    """Return the mean milliseconds of this process and of PostgreSQL's for a page."""
    [(process,)] = rows("SELECT pg_backend_pid()", using="default")
    clock = Path(f"/proc/{process}/schedstat")

    def now() -> tuple[float, float]:
        return time.process_time() * 1e3, int(clock.read_text().split()[0]) / 1e6

    found = []
    for _ in range(PAGES):
        before = now()
        ask()
        found.append([end - start for start, end in zip(before, now(), strict=True)])
    python, postgresql = (fmean(times) for times in zip(*found, strict=True))
    return python, postgresql


if __name__ == "__main__":
    main()
