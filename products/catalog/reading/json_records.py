"""The records of JSON: one array of objects, or one object in each line."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import lru_cache
from typing import Any, NoReturn

from django.utils.translation import gettext as _

from products.catalog.reading.record import MAX_RAW, Record, Refusal
from products.catalog.reading.source import MAX_RECORD_BYTES, Line, Source, SourceError
from products.numbers import grouped
from products.plain_text import tidy

# A product with its vector has three levels. Work and memory of a parser grow with
# every level of hostile input.
MAX_NESTING = 20
READ_BYTES = 1 << 16

# A string, or a bracket, or a quote whose string goes on beyond what was read. A comma
# separates items, and the numbers of a vector: those need not be looked at.
STRING = rb'"[^"\\]*(?:\\.[^"\\]*)*"'
BETWEEN_ITEMS = re.compile(STRING + rb'|[\[\]{},"]', re.DOTALL)
INSIDE_ITEM = re.compile(STRING + rb'|[\[\]{}"]', re.DOTALL)


class RepeatedKey(ValueError):
    """A JSON object has a key more than once, and nobody knows which value is meant."""


def fields_of(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return a JSON object as a dictionary. Raises RepeatedKey."""
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise RepeatedKey(repeated([key for key, _value in pairs]))
    return fields


def repeated(names: Iterable[str]) -> str:
    """Return what is wrong with names of which one stands there more than once."""
    [(name, count)] = Counter(names).most_common(1)
    reason = _("has the column %(name)r %(count)d times")
    return reason % {"name": name[:40], "count": count}


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
        fields = json.loads(line.text, object_pairs_hook=fields_of)
    except json.JSONDecodeError as err:
        reason = _("is not JSON: %(error)s at %(position)d")
        reason %= {"error": err.msg, "position": err.pos + 1}
        return Refusal(line.number, reason, raw)
    except (ValueError, RecursionError) as err:
        return unusable(line.number, err, raw)
    return json_record(line.number, fields, raw)


def json_record(number: int, fields: Any, raw: str) -> Record | Refusal:
    if isinstance(fields, dict):
        record = Record(number, fields, raw)
        named = {name_of_column(key): value for key, value in fields.items()}
        if len(named) == len(fields):
            return replace(record, fields=named)
        return record.refuse(repeated(map(name_of_column, fields)))
    raw = raw or json.dumps(fields)[:MAX_RAW]
    return Refusal(number, _("is not a JSON object with the columns as keys"), raw)


@lru_cache(maxsize=256)
def short_name(key: str) -> str:
    return tidy(key).casefold()


def name_of_column(key: str) -> str:
    """Return a key as the names of a table are compared: trimmed, in small letters."""
    return short_name(key) if len(key) < 100 else tidy(key).casefold()


def unusable(number: int, err: Exception, raw: str) -> Refusal:
    """Return the refusal of JSON that Python does not read.

    It can be nested too deeply, or have a key twice. What is left is a whole number of
    more digits than Python converts.
    """
    if isinstance(err, RepeatedKey):
        return Refusal(number, str(err), raw)
    if isinstance(err, RecursionError):
        return Refusal(number, _("nests lists or objects too deeply"), raw)
    return Refusal(number, _("has a number with too many digits"), raw)


def read_json_array(source: Source) -> Iterator[Record | Refusal]:
    """Yield the records of a file that is one JSON array of objects.

    The items are counted from 1, since JSON has no lines. A syntax error ends the
    reading: nobody can know where the next item begins.
    """
    items = JsonItems(source)
    for data in items:
        try:
            text = data.decode(source.encoding)
            fields = json.loads(text, object_pairs_hook=fields_of)
        except UnicodeDecodeError as err:
            line = source.undecodable(data, err)
            yield Refusal(items.count, line.problem, line.text[:MAX_RAW])
        except json.JSONDecodeError as err:
            items.count -= 1
            items.broken(f"{err.msg}: {text[err.pos : err.pos + 40]!r}")
        except (ValueError, RecursionError) as err:
            yield unusable(items.count, err, text[:MAX_RAW])
        else:
            yield json_record(items.count, fields, "")


class JsonItems:
    """The items of a JSON array, each as its bytes; an iterator.

    Finds where an item ends and leaves it to the json module to read it. One item is
    in memory at a time. Incremental parsers (ijson) keep the path to every level they
    are in, and lose the file at a number that C cannot hold.

    count: how many items were found. Raises SourceError for what is no array, and for
    an item that is larger than MAX_RECORD_BYTES or nests deeper than MAX_NESTING.
    """

    def __init__(self, source: Source) -> None:
        self.source = source
        self.count = 0
        self.buffer = b""
        self.start = 0  # of the item at hand
        self.scanned = 0
        self.depth = 0

    def __iter__(self) -> Iterator[bytes]:
        while not self.buffer.lstrip():
            self.read_more()
        if not self.buffer.lstrip().startswith(b"["):
            raise SourceError(
                _("%(name)s is not a JSON array of objects. %(hint)s")
                % {"name": self.source.name, "hint": self.source.hints.json_lines},
                choice="format",
            )
        self.start = self.scanned = self.buffer.index(b"[") + 1
        while token := self.next_token():
            if token in b"[{":
                self.go_deeper()
            elif token in b"]}" and self.depth:
                self.depth -= 1
            elif token == b",":
                yield self.item()
            elif token == b"]":
                break
            elif token == b"}":
                self.broken("}")
        if self.count or self.text().strip():
            yield self.item()
        self.check_end()

    def next_token(self) -> bytes:
        """Return the next bracket, or comma between items; read as far as needed."""
        while True:
            pattern = INSIDE_ITEM if self.depth else BETWEEN_ITEMS
            found = pattern.search(self.buffer, self.scanned)
            if found is None:
                self.scanned = len(self.buffer)
                self.read_more()
            elif found[0] == b'"':
                self.scanned = found.start()
                self.read_more()
            else:
                self.scanned = found.end()
                if not found[0].startswith(b'"'):
                    return found[0]

    def read_more(self) -> None:
        """Read on; only the item at hand stays in memory."""
        self.buffer, self.scanned = self.buffer[self.start :], self.scanned - self.start
        self.start = 0
        if len(self.buffer) > MAX_RECORD_BYTES:
            self.stop(
                _("is larger than %(most)s bytes") % {"most": grouped(MAX_RECORD_BYTES)}
            )
        data = self.source.read(READ_BYTES)
        if not data:
            self.broken(_("the file ends too early"))
        self.buffer += data

    def go_deeper(self) -> None:
        self.depth += 1
        if self.depth > MAX_NESTING:
            self.stop(_("nests deeper than %(most)d levels") % {"most": MAX_NESTING})

    def text(self) -> bytes:
        """Return the bytes of the item at hand, without the token after it."""
        return self.buffer[self.start : self.scanned - 1]

    def item(self) -> bytes:
        data = self.text()
        if not data.strip():
            self.broken(_("an item is missing"))
        self.start = self.scanned
        self.count += 1
        return data

    def check_end(self) -> None:
        rest = self.buffer[self.scanned :]
        while not rest.strip() and (rest := self.source.read(READ_BYTES)):
            pass
        if rest.strip():
            self.broken(_("more follows the array"))

    def stop(self, problem: str) -> NoReturn:
        raise SourceError(
            _(
                "%(name)s: item %(item)d %(problem)s; the rest was not read. Write one "
                "object per line (JSON Lines) to have only such items refused."
            )
            % {"name": self.source.name, "item": self.count + 1, "problem": problem}
        )

    def broken(self, reason: str) -> NoReturn:
        raise SourceError(
            _(
                "%(name)s is broken JSON after item %(item)d (%(reason)s); the rest "
                "was not read. Correct it, or write one object per line (JSON Lines)."
            )
            % {"name": self.source.name, "item": self.count, "reason": reason}
        )
