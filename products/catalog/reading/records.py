"""Records of a catalogue file: one mapping of column to value for each product."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from products.catalog.reading.json_records import read_json_array, read_json_lines
from products.catalog.reading.record import MAX_RAW, Record, Refusal
from products.catalog.reading.source import Format, Source
from products.catalog.reading.tables import Quoting, Table

__all__ = ["MAX_RAW", "Record", "Refusal", "read_records"]


def read_records(
    source: Source,
    *,
    delimiter: str = "",
    quoting: Quoting = Quoting.AUTO,
    check_header: Callable[[list[str]], None] = lambda header: None,
) -> Iterator[Record | Refusal]:
    """Yield the records of a file in order, or why one cannot be read.

    delimiter, quoting: see tables.Table. check_header: called with the columns of a
    table, before the first record. Holds one record in memory. Raises SourceError when
    the file cannot be read on, or has no usable header.
    """
    if source.format is Format.JSONL:
        yield from read_json_lines(source)
    elif source.format is Format.JSON:
        yield from read_json_array(source)
    else:
        table = Table(source, delimiter=delimiter, quoting=quoting)
        check_header(table.header)
        yield from table.records()
