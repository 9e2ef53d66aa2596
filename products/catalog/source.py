"""A catalogue file being read: its format, its lines, and how far reading has come."""

from __future__ import annotations

import codecs
import gzip
import io
import os
import stat
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast

from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _

# The records of real catalogues are far smaller: 20,000 characters of description
# are at most 240 kB, a vector is 10 kB.
MAX_RECORD_BYTES = 1_000_000
BUFFER_BYTES = 1 << 20
GZIP_MAGIC = b"\x1f\x8b"


class SourceError(Exception):
    """The file cannot be read, or no further; the message says what to do next.

    choice: the field in which another choice may help: "format", "delimiter",
    "encoding", or "column_" and a column of the catalogue; "" when none may help.
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

    encoding: the end of a reason for a refusal, so it has no full stop. column: has
    the place %(column)s for the column's name. All but encoding are sentences.
    """

    delimiter: str | Promise
    encoding: str | Promise
    json_lines: str | Promise
    column: str | Promise


COMMAND_HINTS = Hints(
    delimiter="Pass --delimiter ';'",
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
            self.file = (
                io.BufferedReader(gzip.GzipFile(fileobj=raw), BUFFER_BYTES)
                if self.packed
                else raw
            )
            start = self.file.peek(4)[:4]
        if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            raise SourceError(
                _("%(name)s is UTF-16. Save it as UTF-8 and import it again.")
                % {"name": self.name}
            )
        if start.startswith(codecs.BOM_UTF8):
            self.file.read(len(codecs.BOM_UTF8))

    @property
    def position(self) -> int | None:
        """How many bytes of *size* were read, None for a pipe."""
        return self.raw.tell() if self.size is not None else None

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Turn what a failing disk, network or gzip file raises into SourceError."""
        try:
            yield
        except (OSError, EOFError, zlib.error) as err:
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
            "size": number_format(length, force_grouping=True),
            "most": number_format(MAX_RECORD_BYTES, force_grouping=True),
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

    Raises SourceError for an encoding that Python does not know, or in which a line end
    or a comma is another byte than in ASCII.
    """
    try:
        encoding = codecs.lookup(name).name
        if '\n\t,;"{'.encode(encoding) == b'\n\t,;"{':
            return encoding
    except (LookupError, UnicodeError):
        pass
    raise SourceError(
        _("Files in the encoding %(name)r cannot be read. Save the file as UTF-8.")
        % {"name": name}
    )


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
