"""All measurements of one catalogue: DB_NAME names it."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from django.db import connection, reset_queries

from products.embeddings import get_backend
from products.models import Product
from products.sql.statements import rows
from serving.figures import Figures, measure_in_turns, median
from serving.gunicorn import CONNECTIONS, Server, serving
from serving.index import measure_indexes
from serving.pgbench import run_pgbench
from serving.scenarios import Scenario, get_all, scenarios

ROOT = Path(__file__).resolve().parent.parent.parent
LISTED = 5
ROUNDS = 3

Report = Callable[[str, str, Figures], None]


def measure_catalogue(
    *, seconds: float, lab: bool, index: bool, report: Report
) -> dict[str, Any]:
    """Return the figures of every scenario, by who serves it.

    The baselines and what is compared with them run in turns, scenario by scenario.
    lab: measure the lab's approach too; index: build both kinds of index and measure
    them. report: called with the scenario, who served it and its figures.
    """
    rows = Product.objects.count()
    result: dict[str, Any] = {"rows": rows, "scenarios": {}, "table_mb": table_mb()}
    if index:
        result["indexes"] = measure_indexes(seconds=seconds)
    asked = scenarios()
    with serving("vectorshop.wsgi", folder=ROOT) as server:
        for scenario in asked:
            figures = measure_scenario(scenario, server, seconds=seconds)
            for name, found in figures.items():
                report(scenario.name, name, found)
            result["scenarios"][scenario.name] = {
                name: asdict(found) for name, found in figures.items()
            }
        result["worker_mb"] = server.memory_mb()
        result["start_seconds"] = server.seconds
    if lab:
        found = measure_lab(asked[0], seconds=seconds)
        report(asked[0].name, "the lab's approach", found)
        result["lab"] = asdict(found)
    return result


def measure_scenario(
    scenario: Scenario, server: Server, *, seconds: float
) -> dict[str, Figures]:
    """Return the figures of one kind of page by who serves it.

    Of the servers the median of three rounds, in turns. Chance deals the connections
    of each load among gunicorn's workers, and the one with most of them is the slower.
    """
    runs: dict[str, Callable[[], Figures]] = {}
    if not scenario.cold:
        run = partial(run_pgbench, scenario.sql, seconds=seconds, ids=scenario.ids)
        runs["pgbench, 1 clients"] = partial(run, clients=1)
        runs["pgbench, 8 clients"] = partial(run, clients=CONNECTIONS)
        runs["pgbench, 8, prepared"] = partial(
            run, clients=CONNECTIONS, protocol="prepared"
        )
        server.load(scenario.urls, seconds=2)  # each worker's cache
    runs["gunicorn"] = partial(server.load, scenario.urls, seconds=seconds)
    rounds = [{name: take() for name, take in runs.items()} for _ in range(ROUNDS)]
    figures = {name: median([each[name] for each in rounds]) for name in runs}
    asked: dict[str, Callable[[int], object]] = {
        "SQL in this process": bare_sql(scenario),
        "view alone": get_all(scenario),
    }
    if scenario.name == "similar page":
        asked["queryset alone"] = queryset()
    if scenario.cold:
        asked["one embedding"] = one_embedding(scenario)
    return figures | measure_in_turns(
        asked, seconds=seconds, warm=5 if scenario.cold else 50
    )


def bare_sql(scenario: Scenario) -> Callable[[int], None]:
    """Return what runs the statements of a page, and nothing else."""
    connection.ensure_connection()
    chance = random.Random(2)

    def run(number: int) -> None:
        pk = str(chance.randint(*scenario.ids)) if scenario.ids else ""
        with connection.connection.cursor() as cursor:
            for statement in scenario.sql[number % len(scenario.sql)]:
                cursor.execute(statement.replace(":id", pk) if pk else statement)
                if cursor.description:
                    cursor.fetchall()

    return run


def queryset() -> Callable[[int], None]:
    """Return what finds the products like a random one, and makes them."""
    ids = list(Product.objects.embedded().order_by("pk").values_list("pk", flat=True))
    chance = random.Random(3)
    products = list(
        Product.objects.filter(pk__in=chance.sample(ids, min(50, len(ids))))
    )

    def find(number: int) -> None:
        chosen = products[number % len(products)]
        list(Product.objects.for_display().similar_to(chosen)[:LISTED])
        reset_queries()

    return find


def measure_lab(scenario: Scenario, *, seconds: float) -> Figures:
    """Return the figures of the lab's approach for the same products."""
    params = connection.get_connection_params()
    names = ("host", "port", "user", "password", "dbname", "sslmode")
    chosen = {name: params[name] for name in names if params.get(name)}
    with serving(
        "serving.lab",
        folder=Path(__file__).parent.parent,
        LAB_CONNECTION=json.dumps(chosen),
    ) as server:
        loads = [
            server.load(scenario.urls, seconds=max(seconds, 20)) for _ in range(ROUNDS)
        ]
    return median(loads)


def one_embedding(scenario: Scenario) -> Callable[[int], object]:
    """Return what embeds the text of the nth page of a scenario."""
    texts = [parse_qs(urlsplit(url).query)["q"][0] for url in scenario.urls]
    backend = get_backend()
    return lambda number: backend.embed([texts[number % len(texts)]])


def table_mb() -> float:
    """Return the megabytes of the table with all its indexes."""
    [(table,)] = rows("SELECT pg_total_relation_size('products')", using="default")
    return float(table / 2**20)
