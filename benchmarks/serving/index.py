"""What the HNSW index costs and gives: with vectors, and with half precision."""

from __future__ import annotations

import random
import time
from functools import partial
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext, override_settings

from products.models import Product
from products.quality.recall import NEIGHBOURS, ask
from products.sql.statements import rows
from products.upkeep import vector_index
from products.upkeep.vector_index import HALFVEC, VECTOR, IndexKind
from serving.figures import Figures
from serving.pgbench import run_pgbench
from serving.scenarios import for_any_id, ids
from serving.server import CONNECTIONS

SAMPLES = 100


def measure_indexes(*, seconds: float) -> dict[str, dict[str, Any]]:
    """Return the figures of both kinds of index, each built anew; one is dropped."""
    found = {}
    for name, kind in {"halfvec": HALFVEC, "vector": VECTOR}.items():
        with override_settings(HNSW_HALFVEC=kind is HALFVEC):
            found[name] = measure_index(kind, seconds=seconds)
    vector_index.drop_index(HALFVEC, using="default")
    return found


def measure_index(kind: IndexKind, *, seconds: float) -> dict[str, Any]:
    """Return build time, memory, size, recall and speed of one kind of index.

    recall: of the ten nearest, as the shop looks for them; rate and p50: of "similar to
    this product" for any product, by pgbench with 8 clients.
    """
    memory_mb = vector_index.graph_memory_mb(kind, "default")
    started = time.perf_counter()
    vector_index.build_index(kind, using="default", memory_mb=memory_mb)
    build_seconds = time.perf_counter() - started
    [(size,)] = rows(
        "SELECT pg_relation_size(%s::regclass)", [kind.name], using="default"
    )
    figures = speed(seconds)
    return {
        "build_seconds": build_seconds,
        "memory_mb": memory_mb,
        "mb": size / 2**20,
        "recall": mean_recall(),
        "rate": figures.rate,
        "p50": figures.p50,
    }


def mean_recall() -> float:
    """Return which share of the ten nearest the index finds, of 100 products."""
    chance, known = random.Random(4), ids()
    products = [Product.objects.get(pk=chance.randint(*known)) for _ in range(SAMPLES)]
    exact, found = (
        ask(partial(similar_ids, product, exact=exact) for product in products)
        for exact in (True, False)
    )
    return found.recall(exact)


def similar_ids(product: Product, *, exact: bool) -> list[int]:
    """Return the ids of the products like one, as the shop looks for them."""
    similar = Product.objects.similar_to(product, exact=exact)
    return list(similar.values_list("pk", flat=True)[:NEIGHBOURS])


def speed(seconds: float) -> Figures:
    """Return how fast pgbench gets what is similar to any product."""
    known = ids()
    product = Product.objects.get(pk=known[0])
    with CaptureQueriesContext(connection) as captured:
        list(Product.objects.for_display().similar_to(product)[:NEIGHBOURS])
    sql = [for_any_id(query["sql"], product.pk) for query in captured]
    return run_pgbench(
        [sql], clients=CONNECTIONS, seconds=seconds, protocol="prepared", ids=known
    )
