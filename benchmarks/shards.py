"""How long searches take on one server and on a Citus cluster, in turns: shards.py URL URL.

    DB_HOST=… .venv/bin/python benchmarks/shards.py postgres://…/one postgres://…/cluster

Both have the same products, imported from one file; those of the cluster are on shards
(manage.py shard_products). Asks each question of both, one after the other, and prints
the median times, their ratio, how many statements each takes on average, and how many lists of ten
have the same scores: products with the same score are in the order of their ids, which
differ.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parent.parent
GOAL = 2.5


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("one", help="The address of the database of one server.")
    options.add_argument("cluster", help="That of the coordinator.")
    options.add_argument("--questions", type=int, default=30)
    options.add_argument("--rounds", type=int, default=5)
    given = options.parse_args()
    sys.path.insert(0, str(ROOT))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "vectorshop.settings")
    import django

    django.setup()
    from django.db import connections

    shared = connections.databases["default"]
    for name, address in (("one", given.one), ("cluster", given.cluster)):
        url = urlsplit(address)
        connections.databases[name] = shared | {
            "ENGINE": "vectorshop.db.entra",
            "HOST": url.hostname,
            "PORT": url.port or 5432,
            "NAME": url.path.strip("/"),
            "USER": url.username,
            "PASSWORD": url.password or "",
        }
    compare(given.questions, given.rounds)


def compare(questions: int, rounds: int) -> None:
    """Print the figures of each kind of search."""
    from products.models import Product
    from products.search import search
    from products.search.answer import similar_to

    products = list(
        Product.objects.using("one").embedded().order_by("sku")[:: max(1, questions)]
    )[:questions]
    texts = [" ".join(product.name.split()[1:3]) for product in products]
    ids = {
        using: dict(Product.objects.using(using).values_list("sku", "pk"))
        for using in ("one", "cluster")
    }
    kinds: dict[str, Callable[[int, str], list[float]]] = {
        mode: lambda place, using, mode=mode: scores(
            search(texts[place], mode=mode, page_size=10, using=using)
        )
        for mode in ("hybrid", "keyword", "semantic")
    }
    kinds["similar"] = lambda place, using: scores(
        similar_to(ids[using][products[place].sku], page_size=10, using=using)[1]
    )
    slow = [
        kind for kind, ask in kinds.items() if measured(kind, ask, questions, rounds)
    ]
    if {"hybrid", "similar"} & {*slow}:
        raise SystemExit(
            f"The cluster takes more than {GOAL} times: {', '.join(slow)}."
        )


def measured(
    kind: str, ask: Callable[[int, str], list[float]], questions: int, rounds: int
) -> bool:
    """Print the figures of one kind; return whether the cluster takes too long."""
    from products.sql.watch import recorded

    times: dict[str, list[float]] = {"one": [], "cluster": []}
    statements = {"one": 0, "cluster": 0}
    same = 0
    for turn in range(rounds):
        for place in range(questions):
            found = {}
            for using in times:
                with recorded(using=using) as record:
                    started = time.perf_counter()
                    found[using] = ask(place, using)
                    took = time.perf_counter() - started
                statements[using] += len(record.statements)
                if turn:  # the first one warms up
                    times[using].append(took * 1000)
            same += turn == 1 and found["one"] == found["cluster"]
    one, cluster = (median(times[using]) for using in ("one", "cluster"))
    each = {using: count / rounds / questions for using, count in statements.items()}
    sys.stdout.write(
        f"{kind:9} one server {one:6.1f} ms, cluster {cluster:6.1f} ms, ratio "
        f"{cluster / one:4.1f}; statements {each['one']:.1f} and "
        f"{each['cluster']:.1f}; {same} of {questions} lists have the same scores\n"
    )
    return cluster > GOAL * one


def scores(results: object) -> list[float]:
    return [round(hit.score, 4) for hit in results]  # type: ignore[attr-defined]


if __name__ == "__main__":
    main()
