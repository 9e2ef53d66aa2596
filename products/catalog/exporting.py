"""The export of products to a file that an import reads back without a change."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Literal, TextIO, cast

from django.db import transaction
from django.db.models import BinaryField, Case, F, Func, Q, Value, When

from products.catalog.checking import COLUMNS, VECTOR_COLUMNS, vector_base64
from products.catalog.reading.source import Format
from products.plain_text import as_import_reads
from products.querysets import ProductQuerySet

CHUNK_ROWS = 2000


def export(
    products: ProductQuerySet,
    file: BinaryIO,
    format: Format,
    *,
    vectors: bool = False,
    on_progress: Callable[[int], None] = lambda rows: None,
) -> int:
    """Return how many products were written to an open file.

    vectors: also write the columns embedding (base64 of little-endian float32, exact)
    and embedding_fingerprint, both empty when the text has changed since. Text is
    written unchanged, even where a spreadsheet would take it for a formula; only one that
    an import would read as HTML is written as HTML. All rows
    are of one moment; the memory used does not grow with their number.
    """
    names = COLUMNS + (VECTOR_COLUMNS if vectors else ())
    rows = Counted(export_rows(products, vectors), on_progress)
    # newline="": the csv module writes its own line ends.
    stream = io.TextIOWrapper(file, encoding="utf-8", newline="")
    try:
        match format:
            case Format.CSV:
                write_table(stream, names, rows, ",")
            case Format.TSV:
                # Names in quotes tell the import that the texts are quoted too.
                write_table(stream, names, rows, "\t", csv.QUOTE_ALL)
            case Format.JSONL:
                write_json_lines(stream, names, rows)
            case Format.JSON:
                write_json_array(stream, names, rows)
    finally:
        stream.detach()  # flushes; the file stays open
    return rows.count


def export_rows(products: ProductQuerySet, vectors: bool) -> Iterator[list[str]]:
    """Yield the columns of the products as text, vectors in base64.

    Reads through a cursor in the server, inside one transaction.
    """
    query = products.order_by("pk").values_list(*COLUMNS)
    if vectors:
        is_fresh = Q(embedding__isnull=False, embedded_hash=F("text_hash"))
        sent = Func("embedding", function="vector_send")
        recipe = "embedding_fingerprint"
        query = products.order_by("pk").values_list(
            *COLUMNS,
            Case(When(is_fresh, then=sent), output_field=BinaryField()),
            Case(When(is_fresh, then=recipe), default=Value("")),
        )
    with transaction.atomic(using=products.db):
        for sku, name, category, description, price, image, *vector in query.iterator(
            chunk_size=CHUNK_ROWS
        ):
            texts = map(as_import_reads, (name, category, description))
            yield [sku, *texts, str(price), image, *vector_texts(*vector)]


def vector_texts(vector: bytes | None = None, recipe: str | None = None) -> list[str]:
    """Return the texts of VECTOR_COLUMNS, none when they are not exported."""
    if recipe is None:
        return []
    return [vector_base64(vector) if vector else "", recipe]


class Counted:
    """Rows that are counted, and reported, as they pass."""

    def __init__(
        self, rows: Iterable[list[str]], on_progress: Callable[[int], None]
    ) -> None:
        self.rows = rows
        self.on_progress = on_progress
        self.count = 0

    def __iter__(self) -> Iterator[list[str]]:
        for row in self.rows:
            yield row
            self.count += 1
            if self.count % CHUNK_ROWS == 0:
                self.on_progress(self.count)
        self.on_progress(self.count)


def write_table(
    stream: TextIO,
    names: Sequence[str],
    rows: Iterable[list[str]],
    delimiter: str,
    quoting: Literal[0, 1] = csv.QUOTE_MINIMAL,
) -> None:
    """Write a CSV file (RFC 4180), with any delimiter."""
    writer = csv.writer(stream, delimiter=delimiter, quoting=quoting)
    writer.writerow(names)
    writer.writerows(rows)


def write_json_lines(
    stream: TextIO, names: Sequence[str], rows: Iterable[list[str]]
) -> None:
    """Write one JSON object per line."""
    for row in rows:
        stream.write(json_object(names, row) + "\n")


def write_json_array(
    stream: TextIO, names: Sequence[str], rows: Iterable[list[str]]
) -> None:
    """Write one JSON array of objects."""
    separator = "["
    for row in rows:
        stream.write(f"{separator}\n" + json_object(names, row))
        separator = ","
    stream.write("\n]\n" if separator == "," else "[]\n")


def json_object(names: Sequence[str], row: list[str]) -> str:
    return json.dumps(dict(zip(names, row, strict=True)), ensure_ascii=False)


@contextmanager
def open_target(
    path: Path, *, packed: bool, private: bool = False
) -> Iterator[BinaryIO]:
    """Yield an open file that takes its name only when it is complete.

    packed: pack it by gzip; the same products give the same bytes. private: only its
    owner may read it. A pipe or device is written to directly. Raises OSError.
    """
    if path.exists() and not path.is_file():
        with path.open("wb") as file, packer(file, packed) as target:
            yield target
        return
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file, packer(file, packed) as target:
            yield target
        if not private:
            Path(name).chmod(0o666 & ~current_umask())
        Path(name).replace(path)
    finally:
        Path(name).unlink(missing_ok=True)


@contextmanager
def packer(file: BinaryIO, packed: bool) -> Iterator[BinaryIO]:
    """Yield a file that packs by gzip what is written to it, or *file* itself."""
    if not packed:
        yield file
        return
    # Without its name and time, so that the same products give the same bytes.
    with gzip.GzipFile("", "wb", fileobj=file, mtime=0) as stream:
        yield cast(BinaryIO, stream)


def current_umask() -> int:
    """Return the permissions that new files do not get; mkstemp gives even fewer."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
