"""What an import shows: lines of a preview, and its progress as a bar or as lines."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from django.core.management.base import OutputWrapper
from tqdm import tqdm

from products.catalog.changes import Change, Kind
from products.catalog.importing import ImportResult
from products.catalog.reading.records import Refusal
from products.catalog.reading.source import Source
from products.management.base import show_build
from products.upkeep.vector_index import Progress

# How often a line shows the progress where there is no terminal for a bar.
LINE_SECONDS = 10

# How many rows of each kind are shown; --verbosity 2 shows all.
SHOWN = 20


class ImportDisplay:
    """Shows an import while it runs; a context manager.

    make_bar: makes a progress bar of the options that tqdm takes.
    """

    def __init__(
        self,
        stdout: OutputWrapper,
        source: Source,
        verbosity: int,
        make_bar: Callable[..., tqdm[Any]],
    ) -> None:
        self.stdout = stdout
        self.source = source
        self.verbosity = verbosity
        self.make_bar = make_bar
        self.seen: Counter[str] = Counter()
        self.index_bar: tqdm[Any] | None = None

    def __enter__(self) -> Self:
        self.started = self.told = time.monotonic()
        known = self.source.size is not None
        self.bar = self.make_bar(
            total=self.source.size,
            unit="B" if known else " rows",
            unit_scale=known,
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.bar.close()
        if self.index_bar is not None:
            self.index_bar.close()
        if self.verbosity == 1:
            for kind_of_row, count in self.seen.items():
                if count > SHOWN:
                    self.stdout.write(
                        f"... and {count - SHOWN:,} more {kind_of_row} "
                        "(--verbosity 2 shows all)"
                    )

    def progress(self, result: ImportResult) -> None:
        """Show how far the file is read, and the rows and texts per second."""
        now = time.monotonic()
        seconds = max(now - self.started, 1e-6)
        position = self.source.position
        done = result.read if position is None else position
        texts = result.embedded + result.without_vector
        state = (
            f"{result.read:,} rows {result.read / seconds:,.0f}/s, {result.embedded:,} "
            f"of {texts:,} texts {result.embedded / seconds:,.0f}/s"
        )
        self.bar.set_postfix_str(state, refresh=False)
        self.bar.update(done - self.bar.n)
        if self.bar.disable and self.verbosity and now - self.told >= LINE_SECONDS:
            self.told = now
            self.stdout.write(f"{seconds:,.0f} s: {state}")
            self.stdout.flush()

    def index(self, progress: Progress) -> None:
        """Show how far the index is built."""
        if self.index_bar is None:
            self.index_bar = self.make_bar(unit=" blocks")
        show_build(self.index_bar, progress)

    def change(self, change: Change) -> None:
        """Show what would become of a row; of unchanged ones only with verbosity 2."""
        if change.kind is Kind.UNCHANGED and self.verbosity < 2:
            return
        what = ", ".join(change.columns) if change.columns else change.row.name
        self.line(change.line, change.kind, f"{change.row.sku}: {what}")

    def refusal(self, refusal: Refusal) -> None:
        """Show why a row is refused."""
        self.line(refusal.line, "refused", refusal.reason)

    def line(self, number: int, kind: str, message: str) -> None:
        self.seen[kind] += 1
        if self.verbosity == 0 or (self.verbosity == 1 and self.seen[kind] > SHOWN):
            return
        with tqdm.external_write_mode(file=self.stdout):
            self.stdout.write(
                f"{self.source.format.unit} {number}: {kind}  {printable(message)}"
            )


def printable(text: str) -> str:
    """Return text from a file so that it cannot move a terminal's cursor."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)
