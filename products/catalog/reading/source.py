"""A catalogue file being read: its format, its lines, and how far reading has come."""

from __future__ import annotations

import codecs
import gzip
import io
import os
import re
import stat
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, cast

from django.utils.functional import Promise
from django.utils.translation import gettext as _

from products.numbers import grouped

# The records of real catalogues are far smaller: 20,000 characters of description
# are at most 240 kB, a vector is 10 kB.
MAX_RECORD_BYTES = 1_000_000
BUFFER_BYTES = 1 << 20
TRANSCODED_BYTES = 1 << 16
GZIP_MAGIC = b"\x1f\x8b"

# UTF-32's mark begins with that of UTF-16, so it comes first.
BYTE_ORDER_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
WIDE = frozenset(
    ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"]
)
# The first line ends with CR, and no LF follows.
CR_ENDS = re.compile(rb"[^\r\n]*\r(?!\n)")


class SourceError(Exception):
    """The file cannot be read, or no further; the message says what to do next.

    choice: the field in which another choice may help: "format", "delimiter",
    "quoting", "encoding", "preset", or "column_" and a column of the catalogue; "" when none may help.
    """

    def __init__(self, message: str, *, choice: str = "") -> None:
        super().__init__(message)
        self.choice = choice


class Format(StrEnum):
    CSV = "csv"
    TSV = "tsv"
    JSON = "json"
    JSONL = "jsonl"

    @property
    def unit(self) -> str:
        """What the numbers of records count."""
        return _("item") if self is Format.JSON else _("line")

    @property
    def is_table(self) -> bool:
        """Whether the first line names the columns."""
        return self in (Format.CSV, Format.TSV)


ENDINGS = {
    ".csv": Format.CSV,
    ".tsv": Format.TSV,
    ".tab": Format.TSV,
    ".json": Format.JSON,
    ".jsonl": Format.JSONL,
    ".ndjson": Format.JSONL,
}


def format_of(name: str) -> Format:
    """Return the format that the name of a file shows by its ending, before any `.gz`.

    Raises SourceError for an unknown ending.
    """
    ending = Path(name.lower().removesuffix(".gz")).suffix
    if ending not in ENDINGS:
        raise SourceError(
            _(
                "The name %(name)r does not show the format. Pass --format with one of "
                "%(formats)s, or use one of the endings %(endings)s."
            )
            % {
                "name": name,
                "formats": ", ".join(Format),
                "endings": ", ".join(ENDINGS),
            }
        )
    return ENDINGS[ending]


@dataclass(frozen=True)
class Hints:
    """How to read a file another way, in the words of the command or of a form.

    encoding, quoted: the end of a reason for a refusal, without a full stop. column: has
    the place %(column)s for the column's name. All others are sentences.
    """

    delimiter: str | Promise
    quoted: str | Promise
    encoding: str | Promise
    json_lines: str | Promise
    column: str | Promise


COMMAND_HINTS = Hints(
    delimiter="Pass --delimiter ';'",
    quoted="pass --quoting csv",
    encoding="pass its --encoding, such as cp1252",
    json_lines="For one object per line pass --format jsonl.",
    column="Name the one with the %(column)s: --map %(column)s=COLUMN",
)


class Line(NamedTuple):
    """One line of text, its ending included."""

    number: int
    text: str
    problem: str  # why it cannot be used, "" when it can
    too_long: bool = False  # *text* is then only its beginning


@dataclass(kw_only=True)
class Source:
    """An open file, unpacked when it is gzip.

    name: what messages call the file. size: bytes of the file on the disk, None when
    unknown. All methods raise SourceError when the file cannot be read on.
    """

    name: str
    format: Format
    raw: BinaryIO
    encoding: str = "utf-8"
    size: int | None = None
    hints: Hints = COMMAND_HINTS
    line: int = field(default=0, init=False)  # how many lines were read

    def __post_init__(self) -> None:
        self.encoding = checked_encoding(self.encoding)
        self.state = file_state(self.raw)
        with self.errors():
            raw = io.BufferedReader(cast(io.RawIOBase, self.raw), BUFFER_BYTES)
            self.packed = raw.peek(2)[:2] == GZIP_MAGIC
            self.file: io.BufferedReader[Any] = (
                io.BufferedReader(gzip.GzipFile(fileobj=raw), BUFFER_BYTES)
                if self.packed
                else raw
            )
            start = self.file.peek(4)[:4]
            if wide := wide_encoding(start, self.encoding):
                self.wrap(Transcoded(self.file, wide))
                self.encoding = "utf-8"
            if self.file.peek(3)[:3] == codecs.BOM_UTF8:
                self.file.read(len(codecs.BOM_UTF8))
                self.encoding = "utf-8"  # whatever somebody said
            if self.format is not Format.JSON and CR_ENDS.match(self.file.peek(1)):
                self.wrap(CarriageReturns(self.file))

    def wrap(self, file: io.RawIOBase) -> None:
        self.file = io.BufferedReader(file, BUFFER_BYTES)

    @property
    def position(self) -> int | None:
        """How many bytes of *size* were read, None for a pipe."""
        return self.raw.tell() if self.size is not None else None

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Turn what a failing disk, network or gzip file raises into SourceError."""
        try:
            yield
        except (OSError, EOFError, UnicodeError, zlib.error) as err:
            raise SourceError(
                _("%(name)s cannot be read after line %(line)d: %(error)s")
                % {"name": self.name, "line": self.line, "error": err}
            ) from err

    def read(self, size: int) -> bytes:
        """Return the next *size* bytes, fewer at the end."""
        with self.errors():
            data = self.file.read(size)
        if not data and size:
            self.check_unchanged()
        return data

    def lines(self) -> Iterator[Line]:
        """Yield the lines. At most MAX_RECORD_BYTES of one are held in memory."""
        with self.errors():
            while data := self.file.readline(MAX_RECORD_BYTES + 1):
                self.line += 1
                if len(data) > MAX_RECORD_BYTES:
                    yield self.too_long(data)
                    continue
                try:
                    text = data.decode(self.encoding)
                except UnicodeDecodeError as err:
                    yield self.undecodable(data, err)
                else:
                    yield Line(self.line, text, "")
        self.check_unchanged()

    def too_long(self, data: bytes) -> Line:
        """Return the beginning of a line whose rest is skipped."""
        beginning, length = data[:200], len(data)
        while not data.endswith(b"\n"):
            data = self.file.readline(BUFFER_BYTES)
            length += len(data)
            if not data:
                break
        text = beginning.decode(self.encoding, "replace")
        problem = _(
            "the line has %(size)s bytes; %(most)s are allowed. "
            "Is a line end or a closing quote missing?"
        ) % {
            "size": grouped(length),
            "most": grouped(MAX_RECORD_BYTES),
        }
        return Line(self.line, text, problem, too_long=True)

    def undecodable(self, data: bytes, err: UnicodeDecodeError) -> Line:
        """Return the line, with the bytes that are not characters written as \\xNN."""
        text = data.decode(self.encoding, "backslashreplace")
        problem = _(
            "byte 0x%(byte)02X at position %(position)d is not %(encoding)s. Save the "
            "file as UTF-8, or %(hint)s"
        ) % {
            "byte": data[err.start],
            "position": err.start + 1,
            "encoding": self.encoding,
            "hint": self.hints.encoding,
        }
        return Line(self.line, text, problem)

    def check_unchanged(self) -> None:
        """Raise SourceError when the file is not the one that was opened.

        A file that is cut or written while it is read looks complete but is not.
        """
        if file_state(self.raw) != self.state:
            raise SourceError(
                _(
                    "%(name)s changed while it was being read. Import it again when "
                    "it is complete."
                )
                % {"name": self.name}
            )


def file_state(file: BinaryIO) -> tuple[int, int] | None:
    """Return size and time of change of a regular file, None for anything else."""
    try:
        info = os.fstat(file.fileno())
    except (OSError, AttributeError):  # in memory: io.UnsupportedOperation
        return None
    return (info.st_size, info.st_mtime_ns) if stat.S_ISREG(info.st_mode) else None


def checked_encoding(name: str) -> str:
    """Return the encoding's usual name.

    Raises SourceError for an encoding that Python does not know, and for one that is
    not UTF and has a line end or a comma in another byte than ASCII.
    """
    try:
        encoding = codecs.lookup(name).name
        if encoding == "utf-8-sig":  # a mark is left out anyway
            return "utf-8"
        if encoding in WIDE or '\n\t,;"{'.encode(encoding) == b'\n\t,;"{':
            return encoding
    except (LookupError, UnicodeError):
        pass
    raise SourceError(
        _("Files in the encoding %(name)r cannot be read. Save the file as UTF-8.")
        % {"name": name}
    )


def wide_encoding(start: bytes, encoding: str) -> str:
    """Return the encoding of a file that has no single bytes for ASCII, or else "".

    start: the first four bytes; a byte order mark is believed before *encoding*, and so
    are the zero bytes that no other text has.
    """
    for mark, name in BYTE_ORDER_MARKS.items():
        if start.startswith(mark):
            return name
    if len(start) == 4 and [bool(byte) for byte in start] == [True, False] * 2:
        return "utf-16-le"
    if len(start) == 4 and [bool(byte) for byte in start] == [False, True] * 2:
        return "utf-16-be"
    return encoding if encoding in WIDE else ""


class Transcoded(io.RawIOBase):
    """A file of UTF-16 or UTF-32, read as UTF-8.

    Half of a surrogate pair, and half of a character at the end, become bytes that are
    not UTF-8, so that only their line is refused.
    """

    def __init__(self, file: io.BufferedReader[Any], encoding: str) -> None:
        self.file = file
        self.decoder = codecs.getincrementaldecoder(encoding)("surrogatepass")
        self.waiting = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = b"."
        while data and not self.waiting:
            data = self.file.read(TRANSCODED_BYTES)
            try:
                text = self.decoder.decode(data, final=not data)
            except UnicodeDecodeError:
                if data:
                    raise
                self.waiting = b"\xff"
                self.decoder.reset()
            else:
                self.waiting = text.encode("utf-8", "surrogatepass")
        count = min(len(buffer), len(self.waiting))
        buffer[:count] = self.waiting[:count]
        self.waiting = self.waiting[count:]
        return count


class CarriageReturns(io.RawIOBase):
    """A file whose lines end with CR, as old programs of the Mac write it."""

    def __init__(self, file: io.BufferedReader[Any]) -> None:
        self.file = file

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self.file.read1(len(buffer))
        buffer[: len(data)] = data.replace(b"\r", b"\n")
        return len(data)


@contextmanager
def open_source(
    path: str,
    *,
    format: Format | None = None,
    encoding: str = "utf-8",
    name: str = "",
    hints: Hints = COMMAND_HINTS,
) -> Iterator[Source]:
    """Yield the open file at *path*, `-` for standard input.

    name: what messages call the file, by default its path. Raises SourceError when the
    file cannot be read or its format is not known.
    """
    if path == "-":
        if format is None:
            raise SourceError("Pass --format when reading standard input.")
        stdin = cast(BinaryIO, sys.stdin.buffer)
        yield Source(name="standard input", format=format, raw=stdin, encoding=encoding)
        return
    format = format or format_of(path)
    try:
        # Without a buffer of its own, raw.tell() says how far Source has read.
        file = Path(path).open("rb", buffering=0)  # noqa: SIM115
    except OSError as err:
        raise SourceError(
            _("%(path)s cannot be opened: %(error)s.")
            % {"path": path, "error": err.strerror}
        ) from err
    with file:
        state = file_state(cast(BinaryIO, file))
        yield Source(
            name=name or path,
            format=format,
            raw=cast(BinaryIO, file),
            encoding=encoding,
            size=state[0] if state else None,
            hints=hints,
        )
