"""The file of refused rows: the line, the reason and the text of each."""

from __future__ import annotations

import csv
from pathlib import Path
from types import TracebackType
from typing import Self, TextIO

from products.catalog.reading.records import Refusal
from products.catalog.reading.source import Source

HEADER = ("line", "reason", "row")


def rejects_path(source: Source) -> Path:
    """Return where the refused rows of a file go by default: next to it."""
    name = "import" if source.size is None else source.name
    return Path(f"{name}.rejects.csv")


class Rejects:
    """A CSV file that is made by the first refused row.

    The file of an earlier import is removed: it would show rows that are corrected by
    now. Raises OSError when the file cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.file: TextIO | None = None

    def __enter__(self) -> Self:
        if self.path.is_file():
            self.path.unlink()
        return self

    def add(self, refusal: Refusal) -> None:
        """Write a refused row."""
        if self.file is None:
            self.file = self.path.open("w", encoding="utf-8", newline="")
            self.writer = csv.writer(self.file)
            self.writer.writerow(HEADER)
        row = refusal.raw.encode(errors="backslashreplace").decode()
        self.writer.writerow([refusal.line, refusal.reason, row.rstrip("\r\n")])

    def flush(self) -> None:
        """Write to the disk what is still in memory."""
        if self.file:
            self.file.flush()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self.file:
            self.file.close()
