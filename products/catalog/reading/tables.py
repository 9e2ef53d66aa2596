"""The records of tables, CSV and TSV: the first line names the columns."""

from __future__ import annotations

import csv
import re
from collections import deque
from collections.abc import Callable, Iterator
from enum import StrEnum
from itertools import chain

from django.utils.translation import gettext as _, ngettext

from products.catalog.reading.notices import Notice, Notices
from products.catalog.reading.record import MAX_RAW, Record, Refusal
from products.catalog.reading.source import (
    MAX_RECORD_BYTES,
    Format,
    Line,
    Source,
    SourceError,
)
from products.plain_text import tidy

# "sep=;" above the header tells spreadsheets what separates the columns.
SEPARATOR_LINE = re.compile(r'"?sep=(.)"?\r?\n?', re.IGNORECASE)
DELIMITERS = (",", ";", "\t", "|")
# A cell may be as long as its record; the csv module allows 131,072 characters.
csv.field_size_limit(MAX_RECORD_BYTES)


class Quoting(StrEnum):
    """What a quote at the beginning of a text means.

    AUTO: in CSV what RFC 4180 says. TSV has no quoting, unless the names of the columns
    are quoted too, as in an export of the shop.
    """

    AUTO = "auto"
    NONE = "none"
    CSV = "csv"


class TooMuchQuoted(Exception):
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
            raise TooMuchQuoted(line.problem or _("the record never ends"))
        return line.text

    def start_record(self) -> None:
        self.record, self.length = [], 0

    def first_line(self) -> str:
        """Return the first line of the file, which stays to be read."""
        self.start_record()
        text = next(self, "")
        self.waiting.extendleft(reversed(self.record))
        self.start_record()
        return text

    def put_back_all_but_first(self) -> None:
        """Let the lines be read again that a quote has swallowed.

        None is read more than three times: what swallows ends at the next quote.
        """
        self.waiting.extendleft(reversed(self.record[1:]))

    @property
    def raw(self) -> str:
        if len(self.record) == 1:
            return self.record[0].text
        return "".join(line.text for line in self.record)


class Table:
    """A CSV or TSV file whose header is read.

    delimiter: what separates the columns; by default what the file says (`sep=;`), or
    the usual one of the format, or another one where *is_known* knows the header that
    it makes. Raises SourceError when the header cannot be used.
    """

    def __init__(
        self,
        source: Source,
        *,
        delimiter: str = "",
        quoting: Quoting = Quoting.AUTO,
        is_known: Callable[[list[str]], bool] = lambda header: False,
        notices: Notices | None = None,
    ) -> None:
        self.source = source
        self.notices = notices or Notices()
        self.lines = RecordLines(source.lines())
        try:
            first = self.lines.first_line()
            if separator := SEPARATOR_LINE.fullmatch(first):
                next(self.lines)
                first = self.lines.first_line()
                delimiter = delimiter or separator[1]
        except TooMuchQuoted as err:
            raise self.unreadable(err) from err
        self.delimiter = delimiter or self.likely_delimiter(first, is_known)
        self.quoted = self.is_quoted(first, quoting)
        self.doubts_quotes = self.quoted and quoting is Quoting.AUTO
        limit = f"(?:^|(?<={re.escape(self.delimiter)}))"
        end = rf"(?=[\r\n]*\Z|{re.escape(self.delimiter)})"
        self.quoted_text = re.compile(f'{limit}"(?:[^"]|"")*"{end}')
        self.reader = self.make_reader()
        self.header = self.read_header()

    @property
    def is_tsv(self) -> bool:
        return self.source.format is Format.TSV

    def likely_delimiter(
        self, first: str, is_known: Callable[[list[str]], bool]
    ) -> str:
        usual = "\t" if self.is_tsv else ","
        for delimiter in (usual, *DELIMITERS):
            if is_known(names(next(csv.reader([first], delimiter=delimiter), []))):
                return delimiter
        return usual

    def is_quoted(self, first: str, quoting: Quoting) -> bool:
        """Return whether texts may be quoted as in CSV."""
        if quoting is Quoting.AUTO and self.is_tsv:
            return any(map(in_quotes, first.rstrip("\r\n").split(self.delimiter)))
        return quoting is not Quoting.NONE

    def make_reader(self) -> Iterator[list[str]]:
        try:
            return csv.reader(
                self.lines,
                delimiter=self.delimiter,
                strict=self.quoted,
                quoting=csv.QUOTE_MINIMAL if self.quoted else csv.QUOTE_NONE,
            )
        except TypeError as err:
            raise SourceError(
                _("%(delimiter)r cannot separate columns.")
                % {"delimiter": self.delimiter},
                choice="delimiter",
            ) from err

    def read_header(self) -> list[str]:
        """Return the names of the columns, in small letters, from the first line."""
        self.lines.start_record()
        try:
            header = names(next(self.reader, []))
        except (csv.Error, TooMuchQuoted) as err:
            raise self.unreadable(err) from err
        name = self.source.name
        if self.lines.record and self.lines.record[0].problem:
            problem = self.lines.record[0].problem
            raise SourceError(
                _("%(name)s, line 1: %(problem)s") % {"name": name, "problem": problem},
                choice="encoding",
            )
        twice = sorted({name for name in header if name and header.count(name) > 1})
        if twice:
            raise SourceError(
                _("%(name)s has two columns named %(columns)s. Rename one.")
                % {"name": name, "columns": ", ".join(twice)}
            )
        if self.delimiter != ";" and self.lines.raw.count(";") >= max(len(header), 1):
            raise SourceError(
                _("%(name)s separates its columns by semicolons. %(hint)s")
                % {"name": name, "hint": self.source.hints.delimiter},
                choice="delimiter",
            )
        return header

    def unreadable(self, err: Exception) -> SourceError:
        return SourceError(
            _("The header of %(name)s cannot be read: %(error)s")
            % {"name": self.source.name, "error": err}
        )

    def records(self) -> Iterator[Record | Refusal]:
        """Yield the records, or why one cannot be read; rows of blanks are left out."""
        lines = self.lines
        while True:
            lines.start_record()
            try:
                values = next(self.reader)
            except StopIteration:
                return
            except (csv.Error, TooMuchQuoted) as err:
                first = lines.record[0]
                lines.put_back_all_but_first()
                reason = first.problem or broken_quotes(err)
                yield Refusal(first.number, reason, first.text[:MAX_RAW])
                continue
            if self.swallows_rows():
                first = lines.record[0]
                lines.put_back_all_but_first()
                reason = _(
                    "a quote is not closed on its line, and a line after it looks like "
                    "a row of its own. If all of it is one text, %(hint)s"
                )
                reason %= {"hint": self.source.hints.quoted}
                yield Refusal(first.number, reason, first.text[:MAX_RAW])
            elif record := self.record(values):
                yield record

    def swallows_rows(self) -> bool:
        """Return whether a quote that was forgotten makes one record of several rows.

        Then a line has as many columns as the header, and what is before it has at
        least as many, would the open quote mean nothing.
        """
        record, wanted = self.lines.record, len(self.header)
        if not self.doubts_quotes or len(record) < 2 or wanted < 2:
            return False
        for number, line in enumerate(record[1:], start=1):
            if self.columns_in(line.text) == wanted and (
                line is not record[-1] or self.begins_like_a_row(line.text)
            ):
                before = "".join(line.text for line in record[:number])
                return self.columns_in(before) >= wanted
        return False

    def begins_like_a_row(self, text: str) -> bool:
        """Return whether what is before the closing quote has cells, not a sentence."""
        inside = text.partition('"')[0]
        return self.delimiter in inside and f"{self.delimiter} " not in inside

    def columns_in(self, text: str) -> int:
        """Return how many columns a text has; a quote that is not closed is a letter."""
        return self.quoted_text.sub("", text).count(self.delimiter) + 1

    def record(self, values: list[str]) -> Record | Refusal | None:
        """Return the record of one line, None for one without a value."""
        record, raw = self.lines.record, self.lines.raw
        number = record[0].number
        if problems := [line.problem for line in record if line.problem]:
            return Refusal(number, problems[0], raw[:MAX_RAW])
        if not any(map(str.strip, values)):
            return None
        if len(values) != len(self.header):
            if self.is_tsv and not self.quoted and self.goes_on():
                reason = _("a text in quotes goes over several lines: %(hint)s")
                reason %= {"hint": self.source.hints.quoted}
                return Refusal(number, reason, self.lines.raw[:MAX_RAW])
            text = ngettext(
                "has %(count)d column where the header has %(header)d",
                "has %(count)d columns where the header has %(header)d",
                len(values),
            )
            reason = text % {"count": len(values), "header": len(self.header)}
            return Refusal(number, reason, raw[:MAX_RAW])
        self.notice(number, values)
        return Record(number, dict(zip(self.header, values, strict=True)), raw)

    def notice(self, number: int, values: list[str]) -> None:
        """Note what a TSV file would mean in the other quoting."""
        if self.is_tsv and self.quoted and len(self.lines.record) > 1:
            self.notices.add(Notice.SEVERAL_LINES, number)
        if self.is_tsv and not self.quoted and any(map(in_quotes, values)):
            self.notices.add(Notice.QUOTES_KEPT, number)

    def goes_on(self) -> bool:
        """Return whether a line of TSV is whole only with lines that a quote swallows.

        If so, these lines belong to its record; otherwise they are read again.
        """
        first = self.lines.raw
        if '"' not in first:
            return False
        lines = chain([first], self.lines)
        try:
            reader = csv.reader(lines, delimiter=self.delimiter, strict=True)
            if len(next(reader)) == len(self.header) and len(self.lines.record) > 1:
                return True
        except (csv.Error, TooMuchQuoted):
            pass  # the quotes mean nothing
        self.lines.put_back_all_but_first()
        return False


def names(header: list[str]) -> list[str]:
    """Return the names of the columns as they are compared: trimmed, in small letters."""
    return [tidy(name).casefold() for name in header]


def in_quotes(text: str) -> bool:
    """Return whether a text begins and ends with a quote."""
    return len(text) > 1 and text[0] == text[-1] == '"'


def broken_quotes(err: Exception) -> str:
    """Return the reason for a record that csv.reader or RecordLines gave up on."""
    if isinstance(err, TooMuchQuoted):
        return str(err)
    return _("the quotes do not fit (%(error)s)") % {"error": err}
