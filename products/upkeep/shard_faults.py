"""How well the shards of a Citus cluster search, and what is wrong with them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from django.db import transaction

from products.models import DIMENSIONS
from products.sql.statements import execute, rows
from products.upkeep.shards import PAIRS
from products.upkeep.vector_index import configured_kind

DANGLING = """
    SELECT count(*) FROM {} AS row
    LEFT JOIN products ON products.id = row.{} WHERE products.id IS NULL
"""
SETTINGS = """
    SELECT current_setting('citus.propagate_set_commands'),
        current_setting('citus.max_cached_conns_per_worker')::int,
        (SELECT max(count) FROM (
            SELECT count(*) FROM citus_shards
            WHERE table_name = 'products'::regclass GROUP BY nodename, nodeport
        ) AS node)
"""


def shards_with_index(using: str) -> tuple[int, int]:
    """Return how many shards answer a search by their index, and how many there are.

    Small ones would rather be read whole; that is ruled out for the question.
    """
    kind = configured_kind()
    vector = str([1] * DIMENSIONS)
    asked = f"SELECT id FROM products ORDER BY {kind.expression} <=> %s LIMIT 10"  # noqa: S608
    with transaction.atomic(using=using):
        for setting in ("enable_seqscan", "enable_sort", "enable_bitmapscan"):
            execute(f"SET LOCAL {setting} = off", using=using)
        execute("SET LOCAL citus.explain_all_tasks = on", using=using)
        [(plan,)] = rows(f"EXPLAIN (FORMAT JSON) {asked}", [vector], using=using)
    tasks = tasks_of(json.loads(plan) if isinstance(plan, str) else plan)
    return sum(kind.name in json.dumps(task) for task in tasks), len(tasks)


def tasks_of(explained: Any) -> list[Any]:
    """Return the plans of the shards in EXPLAIN's JSON."""
    if isinstance(explained, list):
        return [task for each in explained for task in tasks_of(each)]
    if not isinstance(explained, dict):
        return []
    if "Tasks" in explained:
        return list(explained["Tasks"])
    return [task for value in explained.values() for task in tasks_of(value)]


def faults(using: str) -> Iterator[str]:
    """Yield what is wrong with the products of a cluster, and what to do about it."""
    [(propagated, kept, per_node)] = rows(SETTINGS, using=using)
    if propagated != "local":
        yield (
            "citus.propagate_set_commands is not 'local', so settings do not reach the "
            "shards, and filtered searches find too few products. Run ALTER DATABASE … "
            "SET citus.propagate_set_commands = 'local'."
        )
    if kept < per_node:
        yield (
            f"citus.max_cached_conns_per_worker is {kept}, and a node has {per_node} "
            "shards: each search opens connections anew. Raise it by ALTER DATABASE."
        )
    indexed, shards = shards_with_index(using)
    if indexed < shards:
        yield (
            f"{indexed} of {shards} shards search by {configured_kind().name}. Run "
            "manage.py build_index."
        )
    for table, column in (
        ("products_judgement", "product_id"),
        (PAIRS, "product_id"),
        (PAIRS, "other_id"),
    ):
        [(count,)] = rows(DANGLING.format(table, column), using=using)
        if count:
            yield (
                f"{count} rows of {table} are of products that are gone: SQL that "
                "deletes products does not delete them. Delete them too."
            )
