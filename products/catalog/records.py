"""Records of a catalogue file: one mapping of column to value for each product."""

from __future__ import annotations

import csv
import json
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import ijson
from django.utils.formats import number_format
from django.utils.translation import gettext as _, ngettext

from products.catalog.source import MAX_RECORD_BYTES, Format, Line, Source, SourceError

# How many characters of a refused record are kept.
MAX_RAW = 10_000


@dataclass(frozen=True, slots=True)
class Record:
    """What the file says about one product; *line* is the number of its first line."""

    line: int
    fields: dict[str, Any]
    raw: str = ""  # as it is in the file, where the reader knows it

    def refuse(self, reason: str) -> Refusal:
        """Return the refusal of this record."""
        raw = self.raw or json.dumps(self.fields, ensure_ascii=False)
        return Refusal(self.line, reason, raw[:MAX_RAW])


@dataclass(frozen=True, slots=True)
class Refusal:
    """A record that is not imported, and why; *raw* as it is in the file."""

    line: int
    reason: str
    raw: str


def read_records(
    source: Source,
    *,
    delimiter: str = "",
    check_header: Callable[[list[str]], None] = lambda header: None,
) -> Iterator[Record | Refusal]:
    """Yield the records of a file in order, or why one cannot be read.

    delimiter: what separates the columns of a CSV file, by default a comma.
    check_header: called with the columns of a table, before the first record. Holds
    one record in memory. Raises SourceError when the file cannot be read on, or has
    no usable header.
    """
    match source.format:
        case Format.CSV:
            return read_table(source, delimiter or ",", check_header)
        case Format.TSV:
            return read_table(source, delimiter or "\t", check_header)
        case Format.JSONL:
            return read_json_lines(source)
        case Format.JSON:
            return read_json_array(source)


# Tables: CSV and TSV


class RecordTooLong(Exception):
    """The lines of one record are longer than any record may be."""


class RecordLines:
    """Lines for csv.reader; remembers those of the record at hand.

    A quote that is never closed swallows the lines that follow. They are put back
    and read again, so that only the line with the quote is lost.
    """

    def __init__(self, lines: Iterator[Line]) -> None:
        self.lines = lines
        self.waiting: deque[Line] = deque()
        self.record: list[Line] = []
        self.length = 0

    def __iter__(self) -> RecordLines:
        return self

    def __next__(self) -> str:
        line = self.waiting.popleft() if self.waiting else next(self.lines)
        self.record.append(line)
        self.length += len(line.text)
        if line.too_long or self.length > MAX_RECORD_BYTES:
            raise RecordTooLong(line.problem or _("the record never ends"))
        return line.text

    def start_record(self) -> None:
        self.record, self.length = [], 0

    def put_back_all_but_first(self) -> None:
        self.waiting.extendleft(reversed(self.record[1:]))

    @property
    def raw(self) -> str:
        if len(self.record) == 1:
            return self.record[0].text
        return "".join(line.text for line in self.record)


def read_table(
    source: Source, delimiter: str, check_header: Callable[[list[str]], None]
) -> Iterator[Record | Refusal]:
    """Yield the records of a CSV file as RFC 4180 describes it, with a header."""
    lines = RecordLines(source.lines())
    try:
        reader = csv.reader(lines, delimiter=delimiter, strict=True)
    except TypeError as err:
        raise SourceError(
            _("%(delimiter)r cannot separate columns.") % {"delimiter": delimiter}
        ) from err
    header = read_header(source, lines, reader, delimiter)
    check_header(header)
    while True:
        lines.start_record()
        try:
            values = next(reader)
        except StopIteration:
            return
        except (csv.Error, RecordTooLong) as err:
            first = lines.record[0]
            lines.put_back_all_but_first()
            reason = first.problem or broken_quotes(err)
            yield Refusal(first.number, reason, first.text[:MAX_RAW])
            continue
        if record := table_record(header, values, lines):
            yield record


def table_record(
    header: list[str], values: list[str], lines: RecordLines
) -> Record | Refusal | None:
    """Return the record of one line, None for an empty line."""
    problems = [line.problem for line in lines.record if line.problem]
    number = lines.record[0].number
    if problems:
        return Refusal(number, problems[0], lines.raw[:MAX_RAW])
    if not values:
        return None
    if len(values) != len(header):
        text = ngettext(
            "has %(count)d column where the header has %(header)d",
            "has %(count)d columns where the header has %(header)d",
            len(values),
        )
        reason = text % {"count": len(values), "header": len(header)}
        return Refusal(number, reason, lines.raw[:MAX_RAW])
    return Record(number, dict(zip(header, values, strict=True)), lines.raw)


def broken_quotes(err: Exception) -> str:
    """Return the reason for a record that csv.reader or RecordLines gave up on."""
    if isinstance(err, RecordTooLong):
        return str(err)
    return _("the quotes do not fit (%(error)s)") % {"error": err}


def read_header(
    source: Source, lines: RecordLines, reader: Iterator[list[str]], delimiter: str
) -> list[str]:
    """Return the names of the columns, in small letters, from the first line."""
    try:
        header = [name.strip().casefold() for name in next(reader, [])]
    except (csv.Error, RecordTooLong) as err:
        raise SourceError(
            _("The header of %(name)s cannot be read: %(error)s")
            % {"name": source.name, "error": err}
        ) from err
    if lines.record and lines.record[0].problem:
        raise SourceError(
            _("%(name)s, line 1: %(problem)s")
            % {"name": source.name, "problem": lines.record[0].problem},
            choice="encoding",
        )
    twice = sorted({name for name in header if name and header.count(name) > 1})
    if twice:
        raise SourceError(
            _("%(name)s has two columns named %(columns)s. Rename one.")
            % {"name": source.name, "columns": ", ".join(twice)}
        )
    if len(header) == 1 and delimiter != ";" and ";" in header[0]:
        raise SourceError(
            _("%(name)s separates its columns by semicolons. %(hint)s")
            % {"name": source.name, "hint": source.hints.delimiter},
            choice="delimiter",
        )
    return header


# JSON


def read_json_lines(source: Source) -> Iterator[Record | Refusal]:
    """Yield the records of a file with one JSON object in each line."""
    for line in source.lines():
        raw = line.text[:MAX_RAW]
        if line.problem:
            yield Refusal(line.number, line.problem, raw)
        elif not line.text.isspace():
            yield json_line(line, raw)


def json_line(line: Line, raw: str) -> Record | Refusal:
    try:
        fields = json.loads(line.text)
    except json.JSONDecodeError as err:
        reason = _("is not JSON: %(error)s at %(position)d")
        reason %= {"error": err.msg, "position": err.pos + 1}
        return Refusal(line.number, reason, raw)
    except (ValueError, RecursionError) as err:
        reason = _("is not usable JSON: %(error)s") % {"error": err}
        return Refusal(line.number, reason, raw)
    return json_record(line.number, fields, raw)


def json_record(number: int, fields: Any, raw: str) -> Record | Refusal:
    if isinstance(fields, dict):
        return Record(number, fields, raw)
    raw = raw or json.dumps(fields)[:MAX_RAW]
    return Refusal(number, _("is not a JSON object with the columns as keys"), raw)


class BoundedReader:
    """What ijson reads from; refuses a single item that would fill the memory."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.since_item = 0
        self.items = 0

    def read(self, size: int = -1) -> bytes:
        if size == 0:  # ijson asks for the type
            return b""
        data = self.source.read(size)
        self.since_item += len(data)
        # Reading is ahead of parsing by up to one buffer.
        if self.since_item > MAX_RECORD_BYTES + 2 * size:
            raise SourceError(
                _(
                    "%(name)s: item %(item)d is larger than %(most)s bytes; the rest "
                    "was not read. Write one object per line (JSON Lines) to have only "
                    "such items refused."
                )
                % {
                    "name": self.source.name,
                    "item": self.items + 1,
                    "most": number_format(MAX_RECORD_BYTES, force_grouping=True),
                }
            )
        return data


def read_json_array(source: Source) -> Iterator[Record | Refusal]:
    """Yield the records of a file that is one JSON array of objects.

    The items are counted from 1, since JSON has no lines. A syntax error ends the
    reading: nobody can know where the next item begins.
    """
    reader = BoundedReader(source)
    with source.errors():
        start = source.file.peek(64).lstrip()[:1]
    if start not in (b"[", b""):
        raise SourceError(
            _("%(name)s is not a JSON array of objects. %(hint)s")
            % {"name": source.name, "hint": source.hints.json_lines},
            choice="format",
        )
    try:
        for fields in ijson.items(reader, "item", use_float=True, buf_size=1 << 16):
            reader.items += 1
            reader.since_item = 0
            yield json_record(reader.items, fields, "")
    except ijson.JSONError as err:
        reason = str(err).split("\n")[0].strip()
        raise SourceError(
            _(
                "%(name)s is broken JSON after item %(item)d (%(reason)s); the rest "
                "was not read. Correct it, or write one object per line (JSON Lines)."
            )
            % {"name": source.name, "item": reader.items, "reason": reason}
        ) from err
