"""All measurements of one catalogue: DB_NAME names it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from products.models import Product
from products.sql.statements import rows
from serving.baselines import fastapi_pages, serve_checkout, serve_lab, serve_shop
from serving.figures import Figures, measure_in_turns, median
from serving.fusion import measure_search
from serving.in_process import bare_sql, one_embedding, queryset, view
from serving.index import measure_indexes
from serving.pgbench import run_pgbench
from serving.scenarios import OF_FASTAPI, PARTS, SIMILAR, Scenario, scenarios
from serving.server import CONNECTIONS, Server
from serving.standby import serve_with_standby

ROUNDS = PARTS - 1
TIMES = 8  # asked so often, a page misses one of two workers once in 128 times
WARM_SECONDS = 300  # at most
CHECKOUT = "other checkout"
STANDBY = "with a standby"
LAB = "the lab's approach"

Report = Callable[[str, str, Figures], None]


def measure_catalogue(
    *,
    seconds: float,
    queries: list[str],
    servers: Sequence[str],
    against: Path | None,
    lab: bool,
    index: bool,
    standby: bool,
    report: Report,
) -> dict[str, Any]:
    """Return the figures of every scenario, by who serves it.

    The baselines and what is compared with them run in turns, scenario by scenario.
    servers: that serve the shop; against: another checkout, which is served too; lab:
    measure the lab's approach too; index: build both kinds of index and measure them;
    standby: serve the shop with a standby too.
    report: called with the scenario, who served it and its figures.
    """
    count = Product.objects.count()
    result: dict[str, Any] = {"rows": count, "scenarios": {}, "table_mb": table_mb()}

    def keep(scenario: str, found: dict[str, Figures]) -> None:
        for name, figures in found.items():
            report(scenario, name, figures)
        result["scenarios"][scenario] = {
            name: asdict(figures) for name, figures in found.items()
        }

    if index:
        result["indexes"] = measure_indexes(seconds=seconds)
    keep("hybrid search alone", measure_search(queries, seconds=seconds))
    asked = scenarios(queries)
    with ExitStack() as stack:
        shops = {name: stack.enter_context(serve_shop(name)) for name in servers}
        ours = shops[servers[0]]
        same = [each for each in asked if each.name in OF_FASTAPI]
        others = stack.enter_context(fastapi_pages(same, ours))
        if against:
            shops[CHECKOUT] = stack.enter_context(serve_checkout(against))
        if standby:
            shops[STANDBY] = stack.enter_context(serve_with_standby(servers[0]))
        for scenario in asked:
            same = others if scenario.name in OF_FASTAPI else {}
            keep(scenario.name, measure_scenario(scenario, shops | same, seconds))
        result["workers"] = {
            name: {"mb": server.memory_mb(), "start_seconds": server.seconds}
            for name, server in shops.items()
        }
    if lab:
        found = measure_lab(asked[0], seconds=seconds)
        report(asked[0].name, LAB, found)
        result["lab"] = asdict(found)
    return result


def measure_scenario(
    scenario: Scenario, servers: dict[str, Server], seconds: float
) -> dict[str, Figures]:
    """Return the figures of one kind of page by who serves it.

    Of the servers the median of three rounds, in turns. Chance deals the connections
    of each load among a server's workers, and the one with most of them is the slower.
    """
    runs: dict[str, Callable[[int], Figures]] = {}
    if not scenario.cold:
        run = partial(run_pgbench, scenario.sql, seconds=seconds, ids=scenario.ids)
        runs["pgbench, 1 clients"] = lambda _: run(clients=1)
        runs["pgbench, 8 clients"] = lambda _: run(clients=CONNECTIONS)
        runs["pgbench, 8, prepared"] = lambda _: run(
            clients=CONNECTIONS, protocol="prepared"
        )
        for server in servers.values():
            warm_up(server, scenario)
    for name, server in servers.items():
        runs[name] = partial(load, scenario, server, seconds=seconds)
    rounds = [
        {name: take(number) for name, take in runs.items()} for number in range(ROUNDS)
    ]
    figures = {name: median([each[name] for each in rounds]) for name in runs}
    urls = scenario.part(ROUNDS)
    asked: dict[str, Callable[[int], object]] = {
        "SQL in this process": bare_sql(scenario),
        "view alone": view(urls),
    }
    if scenario.name == SIMILAR:
        asked["queryset alone"] = queryset()
    if scenario.cold:
        asked["one embedding"] = one_embedding(urls)
    return figures | measure_in_turns(
        asked, seconds=seconds, warm=5 if scenario.cold else 50
    )


def warm_up(server: Server, scenario: Scenario) -> None:
    """Ask until each worker has most likely had each page that has SQL of its own."""
    asked, started = 0.0, time.monotonic()
    while asked < TIMES * len(scenario.sql):
        asked += 2 * server.load(scenario.urls, seconds=2).rate
        if time.monotonic() - started > WARM_SECONDS:
            raise RuntimeError(f"{asked:.0f} pages in {WARM_SECONDS} s are too few.")


def load(scenario: Scenario, server: Server, part: int, *, seconds: float) -> Figures:
    """Return how fast a server is with a part of the pages."""
    urls = scenario.part(part)
    figures = server.load(urls, seconds=seconds)
    if not figures.rate:
        raise RuntimeError(f"No answer in {seconds:g} s. Give more --seconds.")
    if scenario.cold and figures.rate * seconds > len(urls):
        raise RuntimeError(
            f"{len(urls):,} texts do not last {seconds:g} s, so some were cached. "
            "Give fewer --seconds, or a file with more --queries."
        )
    return figures


def measure_lab(scenario: Scenario, *, seconds: float) -> Figures:
    """Return the figures of the lab's approach for the same products."""
    with serve_lab() as server:
        loads = [
            server.load(scenario.urls, seconds=max(seconds, 20)) for _ in range(ROUNDS)
        ]
    return median(loads)


def table_mb() -> float:
    """Return the megabytes of the table with all its indexes."""
    [(table,)] = rows("SELECT pg_total_relation_size('products')", using="default")
    return float(table / 2**20)
