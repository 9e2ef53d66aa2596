"""How fast the shop serves, beside pgbench running the same SQL.

    DB_NAME=shop .venv/bin/python benchmarks/bench_serving.py --rows 10000 100000

Makes a catalogue of each number of rows beside the configured one, once, from perturbed
copies of its embedded products. For each catalogue it measures, in turns and in one run:
the SQL of the pages by pgbench (1 and 8 clients, and 8 with prepared statements), the
shop under granian (2 workers of 4 threads) and wrk with 8 connections, on the same
machine, and what it is compared with: another checkout of it (--against), and for the
product's page one of FastAPI and asyncpg (see serving/fastapi_page.py). Each figure is the
median of three. Then, in this process, the SQL, the queryset alone and the view alone
(Django's test client); search() in turns with the plain fusion in one statement (see
serving/fusion.py); and the lab's approach (see serving/lab.py). Ratios are to pgbench of
the same scenario. "cold" texts are embedded on every request. Ends with what should be
reached, and whether it is.
"""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from large_catalogue import parser, say, use_large_catalogue

# isort: split
from django.conf import settings
from django.core.cache import cache
from django.db import connection
from serving.figures import Figures
from serving.goals import goals
from serving.measure import CHECKOUT, STANDBY, measure_catalogue
from serving.plot import plot
from serving.queries import QUERIES, read_queries
from serving.server import CONNECTIONS
from serving.startup import measure_check

LAB_ROWS = (10, 100_000)
INDEX_ROWS = 10_000  # smaller catalogues need no index
# These ask one after the other, so they are compared with one client of pgbench.
ALONE = (
    "SQL in this process",
    "queryset alone",
    "view alone",
    "one embedding",
    "pgbench, 1 clients",
)


# One address asks for everything, as often as it can: the servers, and this process.
os.environ["API_RATE_ADDRESS"] = "0"
settings.API_RATE_ADDRESS = 0


def main() -> None:
    options = parser(__doc__, rows=[10, 10_000, 100_000, 1_000_000])
    options.add_argument(
        "--seconds", type=float, default=10, help="Of each measurement."
    )
    options.add_argument(
        "--index",
        action="store_true",
        help="Also build the HNSW index of catalogues from 10,000 products anew, with "
        "vectors and with half precision, and measure both (a million: 10 minutes).",
    )
    options.add_argument(
        "--queries",
        type=Path,
        default=QUERIES,
        metavar="FILE",
        help="What is searched for, a query a line; a tab may divide it from an id.",
    )
    options.add_argument(
        "--servers",
        nargs="+",
        choices=["granian", "gunicorn"],
        default=["granian"],
        help="Of the shop. The goals are for the first. gunicorn has to be installed.",
    )
    options.add_argument(
        "--against",
        type=Path,
        metavar="FOLDER",
        help="Also serve another checkout of the shop, in turns with this one.",
    )
    options.add_argument(
        "--standby",
        action="store_true",
        help="Also serve the shop with a standby of the embedded server, in turns with "
        "the shop without one. They share this machine's processors.",
    )
    options.add_argument("--json", type=Path, help="Also write the figures to a file.")
    options.add_argument(
        "--plot",
        type=Path,
        metavar="FILE.svg",
        help="Also draw the cost of a page against the rows.",
    )
    chosen = options.parse_args()
    try:
        queries = read_queries(chosen.queries)
    except (OSError, ValueError) as err:
        options.error(str(err))
    for server in chosen.servers:
        if find_spec(server) is None:
            options.error(f"{server} is not installed. Run pip install {server}.")
    results = []
    for rows in sorted(chosen.rows):
        name = use_large_catalogue(rows=rows, rebuild=chosen.rebuild)
        with default_database(name):
            results.append(
                measure_this(
                    seconds=chosen.seconds,
                    queries=queries,
                    servers=chosen.servers,
                    against=chosen.against and chosen.against.resolve(),
                    lab=rows in LAB_ROWS,
                    index=chosen.index and rows >= INDEX_ROWS,
                    standby=chosen.standby,
                )
            )
    found = {
        "machine": machine(),
        "server": chosen.servers[0],
        "catalogues": results,
        "check": measure_check(),
    }
    say_check(found["check"])
    for goal in goals(found):
        say(str(goal))
    if chosen.json:
        chosen.json.write_text(json.dumps(found, indent=2) + "\n")
    if chosen.plot:
        plot(results, found["server"], chosen.plot)


@contextmanager
def default_database(name: str) -> Iterator[None]:
    """Make a database the default one, here and in processes that start meanwhile."""
    settings = connection.settings_dict
    before = settings["NAME"], os.environ.get("DB_NAME", "")
    connection.close()
    cache.clear()
    settings["NAME"] = os.environ["DB_NAME"] = name
    try:
        yield
    finally:
        connection.close()
        settings["NAME"], os.environ["DB_NAME"] = before


def measure_this(**options: Any) -> dict[str, Any]:
    """Return the figures of the default database; say them as they come.

    options: those of measure_catalogue().
    """
    baseline: dict[str, Figures] = {}

    def report(scenario: str, name: str, figures: Figures) -> None:
        baseline[f"{scenario}, {name}"] = figures
        clients = 1 if name in ALONE else CONNECTIONS
        compared = baseline.get(f"{scenario}, pgbench, {clients} clients")
        ratio = f"{figures.rate / compared.rate:7.2f}" if compared else " " * 7
        say(
            f"  {scenario:24}{name:22}{figures.rate:10,.1f}/s  p50 {figures.p50:8.2f} ms"
            f"  p99 {figures.p99:8.2f} ms{ratio}"
        )

    result = measure_catalogue(**options, report=report)
    for name, worker in result["workers"].items():
        say(
            f"  {name}: a worker {worker['mb']:.0f} MB, first answer after "
            f"{worker['start_seconds']:.1f} s"
        )
    say(f"  table with indexes {result['table_mb']:,.0f} MB")
    for name, figures in result["scenarios"].items():
        first = figures.get(options["servers"][0])
        if CHECKOUT in figures:
            times = first["rate"] / figures[CHECKOUT]["rate"]
            say(f"  {name}: {times:.2f} times the pages of the other checkout")
        if STANDBY in figures:
            times = figures[STANDBY]["rate"] / first["rate"]
            say(f"  {name}: with a standby {times:.2f} times the pages without one")
    for name, figures in result.get("indexes", {}).items():
        say(
            f"  {name:8} built in {figures['build_seconds']:.0f} s with "
            f"{figures['memory_mb']:,} MB, {figures['mb']:,.0f} MB, recall@10 "
            f"{figures['recall']:.3f}, {figures['rate']:,.0f}/s by pgbench"
        )
    return result


def say_check(check: dict[str, float]) -> None:
    say(
        f"manage.py check: {check['shop']:.2f} s; of an empty Django project "
        f"{check['bare']:.2f} s, of one on PostgreSQL {check['bare_postgresql']:.2f} s"
    )


def machine() -> dict[str, Any]:
    """Return what the figures were measured on."""
    return {
        "system": platform.platform(),
        "processor": processor(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
    }


def processor() -> str:
    """Return the name of the processor, where Linux shows it."""
    path = Path("/proc/cpuinfo")
    names = path.read_text().splitlines() if path.exists() else []
    found = [
        line.split(":")[1].strip() for line in names if line.startswith("model name")
    ]
    return found[0] if found else platform.processor()


if __name__ == "__main__":
    main()
