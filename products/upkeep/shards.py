"""Spreading the products over the servers of a Citus cluster, once and for all.

Citus keeps no constraint that is unique without the column by which it splits a table,
and no reference from other tables to it. So the ids are made of the skus first (see
products/sql/sharding.py), in all tables that have them. See
https://docs.citusdata.com/en/stable/develop/api_udf.html#create-distributed-table
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from django.db import connections, transaction

from products.models import EmbeddingRecipe
from products.querysets import EF_SEARCH
from products.sql import sharding
from products.sql.sharding import CHECK, ID_OF_SKU, is_sharded
from products.sql.statements import execute, rows
from products.upkeep.vector_index import HALFVEC, VECTOR, configured_kind

# One more than what the session of the coordinator needs for itself.
SPARE_CONNECTIONS = 1

# What the index of one server looks at for 201 results, the most that are paged through.
MOST_CANDIDATES = 402

NODES = """
    SELECT count(*) FILTER (WHERE shouldhaveshards AND isactive) FROM pg_dist_node
"""
VERSIONS = """
    SELECT DISTINCT result FROM run_command_on_all_nodes(
        $$SELECT coalesce(max(extversion), 'none')
        FROM pg_extension WHERE extname = 'vector'$$
    ) WHERE success AND result <> 'none' ORDER BY 1
"""
SAME_ID = f"""
    SELECT sku FROM (
        SELECT sku, count(*) OVER (PARTITION BY {ID_OF_SKU}) FROM products
    ) AS numbered (sku, others) WHERE others > 1 ORDER BY sku LIMIT 5
"""  # noqa: S608
REFERENCES = """
    SELECT conrelid::regclass::text, quote_ident(conname), quote_ident(attname)
    FROM pg_constraint JOIN pg_attribute
        ON (attrelid, attnum) = (conrelid, conkey[1])
    WHERE confrelid = 'products'::regclass AND contype = 'f' ORDER BY 1, 2
"""
UNIQUE = """
    SELECT quote_ident(conname) FROM pg_constraint
    WHERE conrelid = 'products'::regclass AND contype = 'u'
"""
DATABASE = "SELECT quote_ident(current_database())"

NEW_IDS = f"""
CREATE TEMPORARY TABLE new_ids ON COMMIT DROP AS SELECT id, {ID_OF_SKU} AS new FROM products
""".strip()  # noqa: S608
NEW_REFERENCES = "UPDATE {table} AS row SET {column} = new FROM new_ids WHERE new_ids.id = row.{column}"
# Pairs have the lower id first, which the new ids change.
PAIRS = "products_not_duplicate"
NEW_PAIRS = f"""
UPDATE {PAIRS} AS pair
SET product_id = least(one.new, two.new), other_id = greatest(one.new, two.new)
FROM new_ids AS one, new_ids AS two
WHERE one.id = product_id AND two.id = other_id
""".strip()  # noqa: S608


class ShardingError(Exception):
    """The products cannot be spread; the message says what to do next."""


# Before


def check_server(using: str) -> int:
    """Return how many nodes can have shards. Raises ShardingError."""
    if not rows("SELECT 1 FROM pg_extension WHERE extname = 'citus'", using=using):
        raise ShardingError(
            "The database has no Citus. On a coordinator run CREATE EXTENSION citus, and "
            "citus_add_node() for each worker; on Azure make an elastic cluster "
            "(azdeploy --nodes)."
        )
    if is_sharded(using):
        raise ShardingError("The products are on shards already. Look with --check.")
    [(nodes,)] = rows(NODES, using=using)
    if not nodes:
        raise ShardingError(
            "The cluster has no worker. Run SELECT citus_add_node('host', 5432) for each."
        )
    versions = [version for (version,) in rows(VERSIONS, using=using)]
    if len(versions) > 1:
        raise ShardingError(
            f"The nodes have different versions of pgvector: {', '.join(versions)}. "
            "Install the same on all, then run ALTER EXTENSION vector UPDATE."
        )
    return int(nodes)


def check_products(using: str) -> None:
    """Raise ShardingError for products that cannot be spread."""
    if EmbeddingRecipe.objects.current(using).second_backend:
        raise ShardingError(
            "A change of the model is under way. First run manage.py migrate_embeddings "
            "--finish (or --abort)."
        )
    if same := [sku for (sku,) in rows(SAME_ID, using=using)]:
        raise ShardingError(
            f"Two of these skus would have the same id: {', '.join(same)}. Give one of "
            "the products another sku."
        )


# The work


def statements(using: str, *, shards: int, nodes: int) -> list[str]:
    """Return what spread() runs, in this order."""
    references = rows(REFERENCES, using=using)
    columns = [(table, column) for table, _, column in references if table != PAIRS]
    kind = configured_kind()
    return [
        "LOCK TABLE products IN ACCESS EXCLUSIVE MODE",
        f"DROP INDEX IF EXISTS {VECTOR.name}",
        f"DROP INDEX IF EXISTS {HALFVEC.name}",
        # Ids made of the skus, also where other tables have them.
        NEW_IDS,
        *(
            f"ALTER TABLE {table} DROP CONSTRAINT {name}"
            for table, name, _ in references
        ),
        *(
            NEW_REFERENCES.format(table=table, column=column)
            for table, column in columns
        ),
        NEW_PAIRS,
        "DELETE FROM products_projection",
        "ALTER TABLE products ALTER COLUMN id DROP IDENTITY IF EXISTS",
        f"UPDATE products SET id = {ID_OF_SKU}",  # noqa: S608
        # The primary key alone stays unique.
        *(
            f"ALTER TABLE products DROP CONSTRAINT {name}"
            for (name,) in rows(UNIQUE, using=using)
        ),
        "CREATE INDEX products_sku_idx ON products (sku)",
        f"ALTER TABLE products ADD CONSTRAINT {CHECK} CHECK (id = {ID_OF_SKU})",
        "SELECT create_distributed_table('products', 'id', colocate_with => 'none', "
        f"shard_count => {shards})",
        # Built on the shards, after the rows.
        f"CREATE INDEX {kind.name} ON products USING hnsw "
        f"({kind.expression} {kind.operator_class}) "
        "WITH (m = 16, ef_construction = 64)",
        *settings(using, shards=shards, nodes=nodes),
    ]


def settings(using: str, *, shards: int, nodes: int) -> Iterator[str]:
    """Yield the statements that set what each session of the database needs.

    A connection for each shard of a node is kept, since opening them takes longer than
    to search. Each shard gives its part of the results, and so looks at that part of
    what the index of one server would.
    """
    [(database,)] = rows(DATABASE, using=using)
    per_node = -(-shards // nodes)
    ef_search = max(EF_SEARCH, -(-MOST_CANDIDATES // shards))
    for name, value in {
        "citus.propagate_set_commands": "local",
        "citus.max_cached_conns_per_worker": per_node + SPARE_CONNECTIONS,
        "hnsw.ef_search": ef_search,
    }.items():
        yield f"ALTER DATABASE {database} SET {name} = {value}"


def spread(
    using: str, *, shards: int, nodes: int, progress: Callable[[str], object]
) -> None:
    """Spread the products, all of them or none, and let ANALYZE look at the shards.

    progress: called with each statement before it runs. Nobody else can use the table
    meanwhile.
    """
    with transaction.atomic(using=using):
        for statement in statements(using, shards=shards, nodes=nodes):
            progress(statement)
            execute(statement, using=using)
    sharding.forget()
    for statement in (
        "SELECT truncate_local_data_after_distributing_table('products')",
        "ANALYZE products",
    ):
        progress(statement)
        execute(statement, using=using)
    connections[using].close()  # the settings are those of new sessions
