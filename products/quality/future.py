"""The catalogue as a change would leave it, to be searched before the change is made.

Nothing is written: a session of its own has temporary tables with the rows that change,
and a temporary view with the name of the table, in which they stand in place of the old
ones. A statement that names `products` in that session reads the view, so that the
search as it is, with all its rules, answers from the future. Other sessions see none of
it and wait for nothing: no row is locked, and no transaction stays open.

Both sides of a comparison read all vectors: an index that finds another product by
chance would look like a change.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import NamedTuple

from django.db import connections
from psycopg import sql

from products.models import Product
from products.search import vocabulary, written_words
from products.sql.own_session import own_session
from products.sql.statements import execute, rows


class FutureRow(NamedTuple):
    """A product as it would be.

    embedding: as text. embedded_hash: "" where nothing was embedded, and what is stored
    stays.
    """

    sku: str
    name: str
    category: str
    description: str
    price: Decimal
    image: str
    embedding: str | None
    embedding_fingerprint: str
    embedded_hash: str


COLUMNS = [str(field.column) for field in Product._meta.concrete_fields]
# Of which `migrate_embeddings --to` makes a second one, see SecondEmbedding.
EMBEDDING = ("embedding", "embedding_fingerprint", "embedded_hash")

# The HNSW index is read by plain index scans only; the others serve by bitmaps too.
EXACT = "SET enable_indexscan = off"

TABLES = """
    CREATE TEMPORARY TABLE future_gone (id bigint PRIMARY KEY);
    CREATE TEMPORARY TABLE future_products
        (LIKE products INCLUDING DEFAULTS INCLUDING GENERATED)
"""
GONE = """
    INSERT INTO future_gone SELECT id FROM products WHERE sku = ANY(%s)
    ON CONFLICT DO NOTHING
"""
# As an import stores rows: one that nothing was embedded of keeps what is stored.
ROWS = """
    INSERT INTO future_products (
        id, sku, name, category, description, price, image,
        embedding, embedding_fingerprint, embedded_hash, created_at
    )
    SELECT
        coalesce(old.id, new.place + (SELECT coalesce(max(id), 0) FROM products)),
        sku, new.name, new.category, new.description, new.price, new.image,
        CASE WHEN new.embedded_hash = '' THEN old.embedding
            ELSE new.embedding::vector END,
        CASE WHEN new.embedded_hash = '' THEN coalesce(old.embedding_fingerprint, '')
            ELSE new.embedding_fingerprint END,
        CASE WHEN new.embedded_hash = '' THEN coalesce(old.embedded_hash, '')
            ELSE new.embedded_hash END,
        coalesce(old.created_at, statement_timestamp())
    FROM unnest(
        %s::text[], %s::text[], %s::text[], %s::text[], %s::numeric[], %s::text[],
        %s::text[], %s::text[], %s::text[]
    ) WITH ORDINALITY AS new (
        sku, name, category, description, price, image,
        embedding, embedding_fingerprint, embedded_hash, place
    )
    LEFT JOIN products AS old USING (sku)
"""
VIEW = sql.SQL(
    "CREATE TEMPORARY VIEW products AS "
    "SELECT {columns} FROM {table} AS old "
    "WHERE NOT EXISTS (SELECT FROM future_gone WHERE future_gone.id = old.id) "
    "UNION ALL SELECT {columns} FROM future_products"
)
SECOND_VIEW = sql.SQL("CREATE TEMPORARY VIEW products AS SELECT {columns} FROM {table}")


@contextmanager
def as_it_is(using: str) -> Iterator[str]:
    """Yield the alias of a session that searches the catalogue as it is, exactly.

    Raises OwnSessionError behind a pooler that cannot be passed by.
    """
    alias = f"{using}-{uuid.uuid4().hex}"
    connection = connections[using].copy(alias)
    connection.settings_dict["OPTIONS"].pop("pool", None)
    connections[alias] = connection
    vocabulary.lend(using, to=alias)
    try:
        with own_session(alias):
            execute(EXACT, using=alias)
            yield alias
    finally:
        connection.close()
        del connections[alias]
        vocabulary.forget(alias)
        written_words.forget(alias)


@contextmanager
def with_rows(
    changed: Sequence[FutureRow], gone: Collection[str], *, using: str
) -> Iterator[str]:
    """Yield the alias of a session that searches the catalogue after an import.

    changed: its new rows, and those that change; gone: the skus that it deletes.
    """
    with as_it_is(using) as alias:
        execute(TABLES, using=alias)
        execute(GONE, [[*gone, *(row.sku for row in changed)]], using=alias)
        values = [list(column) for column in zip(*changed, strict=True)]
        execute(ROWS, values or [[]] * len(FutureRow._fields), using=alias)
        columns = sql.SQL(", ").join([sql.Identifier(name) for name in COLUMNS])
        execute(VIEW.format(columns=columns, table=table(alias)), using=alias)
        yield alias


@contextmanager
def with_second_model(using: str) -> Iterator[str]:
    """Yield the alias of a session that searches by the second column's embeddings."""
    columns = sql.SQL(", ").join(
        [
            sql.SQL("{} AS {}").format(
                sql.Identifier(f"second_{name}" if name in EMBEDDING else name),
                sql.Identifier(name),
            )
            for name in COLUMNS
        ]
    )
    with as_it_is(using) as alias:
        execute(SECOND_VIEW.format(columns=columns, table=table(alias)), using=alias)
        yield alias


def table(alias: str) -> sql.Identifier:
    """Return the name of the table of products with its schema."""
    found = rows(
        "SELECT relnamespace::regnamespace::text FROM pg_class "
        "WHERE oid = 'products'::regclass",
        using=alias,
    )
    return sql.Identifier(found[0][0], "products")
