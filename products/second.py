"""A second embedding of every product, filled while the shop serves the first."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import copy
from typing import Any

from django.apps.registry import Apps
from django.db import connections, models
from django.db.backends.utils import CursorWrapper
from pgvector.django import VectorField

from products.models import DIMENSIONS, EmbeddedText, Product
from products.querysets import ProductQuerySet

INDEX = "products_embedding_idx"
SECOND_INDEX = "products_second_embedding_idx"
# Any number: only one process builds the index.
BUILD_LOCK = 5_384_002
POLL_SECONDS = 0.5


class SecondEmbedding(EmbeddedText, models.Model):
    """A product seen by its second column: the same row, `embedding` is another.

    Has the fields of a Product that embedding takes, under the same names, so that
    the same code fills both. Kept out of Django's registry, as Django does with the
    table of its migrations: the columns exist only between `migrate_embeddings --to`
    and `--finish`, and neither dumpdata nor makemigrations should see them.
    """

    id = models.BigAutoField(primary_key=True)
    sku = models.CharField(max_length=200)
    name = models.CharField(max_length=300)
    category = models.CharField(max_length=200)
    description = models.TextField()
    text_hash = models.CharField(max_length=32)
    embedding = VectorField(
        dimensions=DIMENSIONS, null=True, db_column="second_embedding"
    )
    embedding_fingerprint = models.CharField(
        max_length=100, db_default="", db_column="second_embedding_fingerprint"
    )
    embedded_hash = models.CharField(
        max_length=32, db_default="", db_column="second_embedded_hash"
    )

    objects = ProductQuerySet.as_manager()

    class Meta:
        apps = Apps()
        app_label = "products"
        db_table = "products"
        managed = False

    def __str__(self) -> str:
        return self.name


def add_columns(using: str) -> None:
    """Add the second columns, unless they are there: no row is rewritten.

    Call it with the table locked. The new check is validated later, by
    validate_check(), which keeps nobody waiting.
    """
    connection = connections[using]
    with connection.cursor() as cursor:
        there = columns(cursor)
        with connection.schema_editor() as editor:
            for field in SecondEmbedding._meta.local_concrete_fields:
                if field.column not in there:
                    editor.add_field(SecondEmbedding, field)
        if "second_embedding" not in there:
            cursor.execute(
                "ALTER TABLE products ADD CONSTRAINT products_second_embedding_not_zero "
                "CHECK (second_embedding IS NULL OR vector_norm(second_embedding) > 0) "
                "NOT VALID"
            )


def validate_check(using: str) -> None:
    """Validate the check of the second column; reading and writing go on."""
    with connections[using].cursor() as cursor:
        cursor.execute(
            "ALTER TABLE products VALIDATE CONSTRAINT products_second_embedding_not_zero"
        )


def columns(cursor: CursorWrapper) -> set[str]:
    """Return the names of the columns of products."""
    cursor.execute(
        "SELECT attname FROM pg_attribute WHERE attrelid = 'products'::regclass "
        "AND attnum > 0 AND NOT attisdropped"
    )
    return {name for [name] in cursor.fetchall()}


def drop_columns(using: str) -> None:
    """Drop the second columns: no row is rewritten. Call it with the table locked."""
    with connections[using].cursor() as cursor:
        cursor.execute(
            "ALTER TABLE products DROP COLUMN IF EXISTS second_embedding, "
            "DROP COLUMN IF EXISTS second_embedding_fingerprint, "
            "DROP COLUMN IF EXISTS second_embedded_hash"
        )


def drop_index(using: str) -> None:
    """Drop the index of the second column; reading and writing go on."""
    with connections[using].cursor() as cursor:
        cursor.execute(
            "DROP INDEX CONCURRENTLY IF EXISTS products_second_embedding_idx"
        )


def index_state(using: str) -> bool | None:
    """Return whether the index of the second column is valid, None for no index."""
    with connections[using].cursor() as cursor:
        cursor.execute(
            "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)",
            [SECOND_INDEX],
        )
        found = cursor.fetchone()
    return found[0] if found else None


def build_index(using: str, *, progress: Callable[[float], None]) -> None:
    """Build the index of the second column as that of the first is declared.

    Reading and writing go on (CREATE INDEX CONCURRENTLY). An index that was left
    half built is dropped first; where another process builds it, this waits for
    that. progress: called with the share that is done, 0 to 1.
    See https://www.postgresql.org/docs/current/sql-createindex.html
    """
    with alone(using):
        valid = index_state(using)
        if valid:
            return
        if valid is not None:
            drop_index(using)
        index = copy(next(i for i in Product._meta.indexes if i.name == INDEX))
        index.name = SECOND_INDEX
        with (
            watched(using, progress),
            connections[using].schema_editor(atomic=False) as editor,
        ):
            editor.add_index(SecondEmbedding, index, concurrently=True)  # type: ignore[call-arg]


@contextmanager
def alone(using: str) -> Iterator[None]:
    """Wait until no other process builds the index.

    Asks again and again: waiting inside one statement would hold a snapshot, and
    CREATE INDEX CONCURRENTLY waits for those.
    """
    with connections[using].cursor() as cursor:
        while True:
            cursor.execute("SELECT pg_try_advisory_lock(%s)", [BUILD_LOCK])
            if cursor.fetchone()[0]:
                break
            time.sleep(POLL_SECONDS)
        try:
            yield
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [BUILD_LOCK])


@contextmanager
def watched(using: str, progress: Callable[[float], None]) -> Iterator[None]:
    """Call *progress* while the index is built, from a thread with its connection."""
    done = threading.Event()

    def watch() -> None:
        try:
            while not done.wait(POLL_SECONDS):
                share = index_progress(using)
                if share is not None:
                    progress(share)
        finally:
            connections[using].close()

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def index_progress(using: str) -> float | None:
    """Return the share of the build that is done, 0 to 1; None while none runs.

    See https://www.postgresql.org/docs/current/progress-reporting.html
    """
    with connections[using].cursor() as cursor:
        cursor.execute(
            "SELECT blocks_done::float / nullif(blocks_total, 0) "
            "FROM pg_stat_progress_create_index WHERE relid = 'products'::regclass"
        )
        found: Any = cursor.fetchone()
    return found[0] if found else None
