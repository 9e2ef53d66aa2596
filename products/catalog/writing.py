"""Rows into the catalogue: COPY into a staging table, then one statement."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connections, transaction

from products import text
from products.catalog.planning import Change
from products.models import DIMENSIONS

# Kept out of TOAST: a vector in a staging row is read once, right away.
STAGING = f"""
    CREATE TEMPORARY TABLE IF NOT EXISTS import_staging (
        sku text, name text, category text, description text, price numeric,
        embedding vector({DIMENSIONS}) STORAGE MAIN,
        embedding_fingerprint text, embedded_hash text
    )
"""

COPY = "COPY import_staging FROM STDIN WITH (FORMAT BINARY)"

# A row without a vector keeps the one it has: its embedded_hash tells whether it is
# still the vector of the text.
MERGE = """
    INSERT INTO products AS old (
        sku, name, category, description, price,
        embedding, embedding_fingerprint, embedded_hash
    )
    -- One order for all: two imports of the same products never wait for each other
    -- in a circle.
    SELECT * FROM import_staging ORDER BY sku
    ON CONFLICT (sku) DO UPDATE SET
        name = excluded.name,
        category = excluded.category,
        description = excluded.description,
        price = excluded.price,
        embedding = COALESCE(excluded.embedding, old.embedding),
        embedding_fingerprint = CASE WHEN excluded.embedding IS NULL
            THEN old.embedding_fingerprint ELSE excluded.embedding_fingerprint END,
        embedded_hash = CASE WHEN excluded.embedding IS NULL
            THEN old.embedded_hash ELSE excluded.embedded_hash END,
        updated_at = CASE
            WHEN (old.name, old.category, old.description, old.price)
                = (excluded.name, excluded.category, excluded.description, excluded.price)
            THEN old.updated_at ELSE statement_timestamp() END
    WHERE excluded.embedding IS NOT NULL
        OR (old.name, old.category, old.description, old.price)
        <> (excluded.name, excluded.category, excluded.description, excluded.price)
"""


def write(changes: Sequence[Change], *, fingerprint: str, using: str) -> None:
    """Store the rows, all of them or none.

    fingerprint: the recipe of the vectors the rows have. Raises DatabaseError.
    """
    connection = connections[using]
    with transaction.atomic(using=using), connection.cursor() as cursor:
        cursor.execute(STAGING)
        cursor.execute("TRUNCATE import_staging")
        with connection.wrap_database_errors:
            copy_rows(cursor, changes, fingerprint)
        cursor.execute(MERGE)


def copy_rows(cursor: Any, changes: Iterable[Change], fingerprint: str) -> None:
    """Send the rows to the staging table."""
    with cursor.copy(COPY) as copy:
        # The vectors are in their binary form already: bytea sends bytes unchanged.
        copy.set_types(
            ["text", "text", "text", "text", "numeric", "bytea", "text", "text"]
        )
        for change in changes:
            copy.write_row(staging_row(change, fingerprint))


def staging_row(change: Change, fingerprint: str) -> tuple[Any, ...]:
    row = change.row
    columns = (row.sku, row.name, row.category, row.description, row.price)
    if row.vector is None or change.fresh:
        return (*columns, None, "", "")
    text_hash = text.text_hash(row.name, row.category, row.description)
    return (*columns, row.vector, fingerprint, text_hash)


def delete_missing(*, before: datetime.datetime, using: str) -> int:
    """Delete the products whose sku is not in the file and return how many.

    One statement. before: products made later are kept; somebody has added them
    while the file was read.
    """
    with connections[using].cursor() as cursor:
        cursor.execute("ANALYZE import_seen")
        cursor.execute(
            "DELETE FROM products WHERE created_at < %s AND NOT EXISTS "
            "(SELECT FROM import_seen WHERE import_seen.sku = products.sku)",
            [before],
        )
        return int(cursor.rowcount)
