"""Rows into the catalogue: new ones by COPY, others through a staging table."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence
from typing import Any

from django.db import DataError, IntegrityError, connections, transaction

from products.catalog.changes import Change, Kind
from products.catalog.checking import COLUMNS
from products.embeddings import text
from products.models import DIMENSIONS
from products.sql.sharding import ID_OF_SKU, id_of_sku, is_sharded

# STORAGE MAIN keeps vectors in their rows: each is read once, right away.
STAGING = f"""
    CREATE TEMPORARY TABLE IF NOT EXISTS import_staging (
        sku text, name text, category text, description text, price numeric, image text,
        embedding vector({DIMENSIONS}) STORAGE MAIN,
        embedding_fingerprint text, embedded_hash text
    )
"""

COPY = """
    COPY {} (
        {}sku, name, category, description, price, image,
        embedding, embedding_fingerprint, embedded_hash
    ) FROM STDIN WITH (FORMAT BINARY)
"""

# Where the file says nothing, the staging table has NULL. What is stored is read here
# and not when the file was compared, since somebody may have changed it meanwhile.
LOCK_PARTIAL = """
    SELECT FROM products JOIN import_staging AS new USING (sku)
    WHERE new.name IS NULL OR new.category IS NULL
        OR new.description IS NULL OR new.price IS NULL OR new.image IS NULL
    ORDER BY sku COLLATE "C"  -- in the order of MERGE
    FOR UPDATE OF products
"""
FILL_PARTIAL = """
    UPDATE import_staging AS new SET
        name = COALESCE(new.name, old.name),
        category = COALESCE(new.category, old.category),
        description = COALESCE(new.description, old.description),
        price = COALESCE(new.price, old.price),
        image = COALESCE(new.image, old.image)
    FROM products AS old
    WHERE old.sku = new.sku AND (new.name IS NULL OR new.category IS NULL
        OR new.description IS NULL OR new.price IS NULL OR new.image IS NULL)
"""

# A product keeps its vector when the row brings none: embedded_hash shows whether the
# vector is still that of the text.
MERGE = """
    INSERT INTO products AS old (
        {id}sku, name, category, description, price, image,
        embedding, embedding_fingerprint, embedded_hash, updated_at
    )
    -- One order for all, that of insert(): two imports of the same products never
    -- wait for each other in a circle.
    SELECT {id_of_sku}*, statement_timestamp() FROM import_staging ORDER BY sku COLLATE "C"
    ON CONFLICT ({key}) DO UPDATE SET
        {same_sku}name = excluded.name,
        category = excluded.category,
        description = excluded.description,
        price = excluded.price,
        image = excluded.image,
        embedding = COALESCE(excluded.embedding, old.embedding),
        embedding_fingerprint = CASE WHEN excluded.embedding IS NULL
            THEN old.embedding_fingerprint ELSE excluded.embedding_fingerprint END,
        embedded_hash = CASE WHEN excluded.embedding IS NULL
            THEN old.embedded_hash ELSE excluded.embedded_hash END,
        updated_at = CASE
            WHEN (old.name, old.category, old.description, old.price, old.image)
                = (excluded.name, excluded.category, excluded.description, excluded.price,
                    excluded.image)
            THEN old.updated_at ELSE excluded.updated_at END
    WHERE excluded.embedding IS NOT NULL
        OR (old.name, old.category, old.description, old.price, old.image)
        <> (excluded.name, excluded.category, excluded.description, excluded.price,
            excluded.image)
"""
MERGE_BY_SKU = MERGE.format(id="", id_of_sku="", key="sku", same_sku="")
# On shards no constraint knows the sku, and the id is made of it. Where another sku has
# the same id, the null is refused.
MERGE_BY_ID = MERGE.format(
    id="id, ",
    id_of_sku=f"{ID_OF_SKU}, ",
    key="id",
    same_sku="sku = CASE WHEN old.sku = excluded.sku THEN old.sku END, ",
)


def write(changes: Sequence[Change], *, fingerprint: str, using: str) -> None:
    """Store the rows, all of them or none.

    fingerprint: the recipe of the vectors the rows have. Raises DatabaseError.
    """
    if all(change.kind is Kind.NEW for change in changes):
        try:
            insert(changes, fingerprint, using)
            return
        except (DataError, IntegrityError):
            pass  # somebody added one of them meanwhile, or merge() reports the error
    merge(changes, fingerprint, using)


def insert(changes: Sequence[Change], fingerprint: str, using: str) -> None:
    """Send new rows right into the catalogue: a fifth quicker than merge()."""
    in_order = sorted(changes, key=lambda change: change.row.sku)
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        copy_rows(cursor, "products", in_order, fingerprint, with_id=is_sharded(using))


def merge(changes: Sequence[Change], fingerprint: str, using: str) -> None:
    """Send rows to the staging table, and from there insert some and update others."""
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        cursor.execute(STAGING)
        cursor.execute("TRUNCATE import_staging")
        copy_rows(cursor, "import_staging", changes, fingerprint)
        if any(change.row.unsaid for change in changes):
            if not is_sharded(using):  # shards lock one row at a time
                cursor.execute(LOCK_PARTIAL)
            cursor.execute(FILL_PARTIAL)
        cursor.execute(MERGE_BY_ID if is_sharded(using) else MERGE_BY_SKU)


def copy_rows(
    cursor: Any,
    table: str,
    changes: Iterable[Change],
    fingerprint: str,
    *,
    with_id: bool = False,
) -> None:
    """Send the rows to a table. with_id: with the ids that shards want."""
    statement = COPY.format(table, "id, " if with_id else "")
    with cursor.db.wrap_database_errors, cursor.copy(statement) as copy:
        # The vectors are in their binary form already: bytea sends bytes unchanged.
        types = ["text"] * 4 + ["numeric", "text", "bytea", "text", "text"]
        copy.set_types(["bigint", *types] if with_id else types)
        for change in changes:
            row = staging_row(change, fingerprint)
            copy.write_row((id_of_sku(change.row.sku), *row) if with_id else row)


def staging_row(change: Change, fingerprint: str) -> tuple[Any, ...]:
    row = change.row
    columns = tuple(
        None if name in row.unsaid else getattr(row, name) for name in COLUMNS
    )
    if row.vector is None or change.fresh:
        return (*columns, None, "", "")
    text_hash = text.text_hash(row.name, row.category, row.description)
    return (*columns, row.vector, fingerprint, text_hash)


# Shards see a table of the coordinator only as a CTE.
COUNT_MISSING = """
    WITH seen AS MATERIALIZED (SELECT sku FROM import_seen)
    SELECT count(*) FROM products
    WHERE created_at < %s
        AND NOT EXISTS (SELECT FROM seen WHERE seen.sku = products.sku)
"""
MISSING_SKUS = """
    WITH seen AS MATERIALIZED (SELECT sku FROM import_seen)
    SELECT sku FROM products
    WHERE created_at < %s
        AND NOT EXISTS (SELECT FROM seen WHERE seen.sku = products.sku)
    ORDER BY sku LIMIT %s
"""
# Their judgements and settled pairs go with them: the database refuses those of a
# product that is gone, or, on shards, would keep them.
DELETE_MISSING = """
    WITH seen AS MATERIALIZED (SELECT sku FROM import_seen), gone AS (
        DELETE FROM products
        WHERE created_at < %s
            AND NOT EXISTS (SELECT FROM seen WHERE seen.sku = products.sku)
        RETURNING id
    ), judged AS (
        DELETE FROM products_judgement USING gone WHERE product_id = gone.id
    ), settled AS (
        DELETE FROM products_not_duplicate
        WHERE product_id IN (SELECT id FROM gone) OR other_id IN (SELECT id FROM gone)
    )
    SELECT count(*) FROM gone
"""


def delete_missing(*, before: datetime.datetime, using: str) -> int:
    """Return how many products were deleted, since their sku is not in the file.

    Runs one statement. before: products made later are kept; somebody has added them
    while the file was read.
    """
    return counted(DELETE_MISSING, before, using)


def count_missing(*, before: datetime.datetime, using: str) -> int:
    """Return how many products delete_missing() would delete."""
    return counted(COUNT_MISSING, before, using)


def missing_skus(*, before: datetime.datetime, most: int, using: str) -> list[str]:
    """Return the skus of products that delete_missing() would delete, *most* at most."""
    with connections[using].cursor() as cursor:
        cursor.execute(MISSING_SKUS, [before, most])
        return [sku for (sku,) in cursor.fetchall()]


def counted(statement: str, before: datetime.datetime, using: str) -> int:
    with connections[using].cursor() as cursor:
        cursor.execute("ANALYZE import_seen")
        cursor.execute(statement, [before])
        [count] = cursor.fetchone()
        return int(count)
