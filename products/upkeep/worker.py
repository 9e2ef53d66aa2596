"""A process that keeps the embeddings up to date until it is stopped."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.db import InterfaceError, OperationalError, connections

from products.embeddings import EmbeddingError
from products.upkeep.pending import Failures, embed_pending

FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 60.0

# How often the worker looks after the rest: it reads the table, so not at each pass.
UPKEEP_SECONDS = 600.0


@dataclass
class Worker:
    """Looks for products to embed every *interval* seconds, and embeds them.

    stop: set it to end the worker after the batch at hand. report: called with a line
    for people when a pass embedded something, a text failed, or a fault is waited out.
    upkeep: what to do besides every ten minutes; returns a line to report, or None.
    failures: the texts that failed so far. embedded: how many products were embedded.
    """

    using: str
    interval: float
    stop: threading.Event
    report: Callable[[str], None]
    upkeep: Callable[[], str | None] | None = None
    failures: Failures = field(default_factory=Failures)
    embedded: int = 0
    next_upkeep: float = 0.0  # by time.monotonic()

    def run(self) -> None:
        """Embed until *stop* is set.

        A busy or unreachable service, or database, is tried again after a pause that
        doubles from one second to a minute. Raises EmbeddingError for a fault of the
        backend that does not pass.
        """
        pause = FIRST_PAUSE_SECONDS
        while not self.stop.is_set():
            fault = self.try_pass()
            if fault is None:
                pause = FIRST_PAUSE_SECONDS
                self.stop.wait(self.interval)
                continue
            self.report(f"{fault} Trying again in {pause:.0f} s.")
            self.stop.wait(pause)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    def try_pass(self) -> str | None:
        """Embed what there is to embed; return the fault that may pass, if any."""
        try:
            self.embed_all()
            self.look_after_the_rest()
        except EmbeddingError as err:
            if err.permanent:
                raise
            return str(err)
        except (OperationalError, InterfaceError) as err:
            # The next query connects anew.
            connections[self.using].close()
            return f"The database does not answer: {str(err).strip()}"
        return None

    def embed_all(self) -> None:
        """Embed the products that need it, and report."""
        before, known = self.embedded, set(self.failures.reasons)
        for count in embed_pending(using=self.using, failures=self.failures):
            self.embedded += count
            if self.stop.is_set():
                break
        if self.embedded > before:
            self.report(f"Embedded {self.embedded - before} products.")
        for key, reason in self.failures.reasons.items():
            if key not in known:
                self.report(f"Not embedded: {reason}")

    def look_after_the_rest(self) -> None:
        """Call *upkeep* if its time has come, and report what it says."""
        now = time.monotonic()
        if self.upkeep is None or self.stop.is_set() or now < self.next_upkeep:
            return
        self.next_upkeep = now + UPKEEP_SECONDS
        if line := self.upkeep():
            self.report(line)


@contextmanager
def stop_on_signals() -> Iterator[threading.Event]:
    """Give an event that SIGTERM or Ctrl-C sets; a second one interrupts at once.

    For the main thread of a command, which looks at the event between two steps.
    """
    stop = threading.Event()

    def handle(number: int, frame: Any) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    before = {
        number: signal.signal(number, handle)
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
