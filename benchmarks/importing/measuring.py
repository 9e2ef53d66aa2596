"""What all measurements share: clocks, verdicts, an empty catalogue, imports."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

from django.db import connection

from products.catalog.importing import CatalogImport
from products.catalog.reading.source import open_source
from products.upkeep import vector_index
from products.upkeep.vector_index import VECTOR

USING = {"using": "default"}


def say(text: str = "") -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def verdict(name: str, value: float, needed: float) -> None:
    state = "ok" if value >= needed else "MISSED"
    say(f"  => {name}: {value:.2f}, needed {needed:g}: {state}")


def empty(*, index: bool = True) -> None:
    """Empty the table, with the HNSW index or without it."""
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE products CASCADE")
    if not index:
        assert vector_index.drop_index(VECTOR, **USING)
    elif not vector_index.is_usable(VECTOR, **USING):
        vector_index.build_index(VECTOR, **USING)


def timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


class RowsOnly(CatalogImport):
    """An import without the building of the index at its end."""

    def finish(self) -> None:
        pass


def import_rows(path: Path) -> None:
    """Import in this process, without the index."""
    with open_source(str(path)) as source:
        result = RowsOnly(source).run()
    assert not (result.refused or result.stopped or result.without_vector), result


def copy_rows(table: str, data: list[tuple]) -> None:
    """Send rows by one bare binary COPY."""
    sql = (
        f"COPY {table} (sku, name, category, description, price, embedding, "
        "embedding_fingerprint, embedded_hash) FROM STDIN (FORMAT BINARY)"
    )
    with connection.cursor() as cursor, cursor.copy(sql) as copy:
        copy.set_types(["text"] * 4 + ["numeric", "bytea", "text", "text"])
        for row in data:
            copy.write_row(row)
