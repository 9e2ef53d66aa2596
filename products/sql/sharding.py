"""Whether the products are spread over the servers of a Citus cluster, and what follows.

Citus splits a table into shards by a column, here the id. No constraint can then be
unique without that column, so on shards the id is made from the sku: the primary key
keeps skus unique, and a check, which also tells that the table is sharded, keeps id and
sku together. See https://docs.citusdata.com/en/stable/develop/reference_ddl.html
"""

from __future__ import annotations

import hashlib
from itertools import chain, islice
from typing import Any, TypeVar

from django.core.cache import cache
from django.db import models

from products.sql.statements import rows

Row = TypeVar("Row")

CHECK = "products_id_of_sku"

# 53 bits, which the numbers of JavaScript hold exactly. Of ten million skus, two have
# the same id with a chance of 1 in 180; the second one is then refused.
LARGEST = 2**53 - 1
ID_OF_SKU = f"(('x' || left(md5(sku), 14))::bit(56)::bigint & {LARGEST})"

# How long what ANALYZE found on the shards is kept: asking them takes a while.
KEPT_SECONDS = 300

# Whether the table is sharded, by the alias of the database: asked once a process.
_sharded: dict[str, bool] = {}

IS_SHARDED = """
    SELECT EXISTS (
        SELECT FROM pg_constraint
        WHERE conrelid = to_regclass('products') AND conname = %s
    )
"""
ON_SHARDS = "SELECT success, result FROM run_command_on_shards('products', %s)"
ESTIMATE = "SELECT reltuples FROM pg_class WHERE oid = '{}'::regclass"


class ShardError(Exception):
    """A shard did not answer."""


def is_sharded(using: str) -> bool:
    """Return whether the products of a database are spread over several servers.

    One statement in the life of a process: after manage.py shard_products it must be
    started anew.
    """
    if using not in _sharded:
        [(_sharded[using],)] = rows(IS_SHARDED, [CHECK], using=using)
    return _sharded[using]


def forget() -> None:
    """Let the databases be asked again."""
    _sharded.clear()


def id_of_sku(sku: str) -> int:
    """Return the id of the product with this sku on shards, as ID_OF_SKU makes it."""
    digest = hashlib.md5(sku.encode(), usedforsecurity=False).hexdigest()
    return int(digest[:14], 16) & LARGEST


def on_shards(statement: str, *, using: str) -> list[str]:
    """Return the one value that a statement gives on each shard, as text.

    %s in it stands for the shard's name. Raises ShardError.
    """
    results = rows(ON_SHARDS, [statement], using=using)
    for success, result in results:
        if not success:
            raise ShardError(result)
    return [result for _, result in results]


def estimated_rows(using: str) -> float:
    """Return how many products PostgreSQL's last ANALYZE saw; -1 before the first.

    On shards one statement every five minutes: the coordinator's own table is empty, and
    so are its statistics.
    """
    if not is_sharded(using):
        [(estimate,)] = rows(ESTIMATE.format("products"), using=using)
        return float(estimate)
    key = f"shards-rows-{using}"
    known: float | None = cache.get(key)
    if known is None:
        found = map(float, on_shards(ESTIMATE.format("%s"), using=using))
        seen = [count for count in found if count >= 0]
        known = sum(seen) if seen else -1.0
        if known > 0:
            cache.set(key, known, KEPT_SECONDS)
    return known


def locked(
    found: models.QuerySet[Any, Row],
    *,
    limit: int | None = None,
    skip_locked: bool = False,
    no_key: bool = False,
) -> list[Row]:
    """Return rows, the first *limit* of them, locked until the transaction ends.

    skip_locked: leave out those that others have locked; on shards the others are looked
    for among ten times *limit*. no_key: let others still refer to the rows. Shards lock
    one row at a time, so there it takes a statement for each.
    """
    locking = found.select_for_update(skip_locked=skip_locked, no_key=no_key)
    if not is_sharded(found.db):
        return list(locking[:limit])
    ids = found.values_list("pk", flat=True)[: limit and 10 * limit]
    each = (locking.filter(pk=pk) for pk in ids)
    return list(islice(chain.from_iterable(each), limit))
