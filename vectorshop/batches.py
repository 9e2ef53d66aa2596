"""Work that no request waits for: a thread of the process does it, in batches."""

from __future__ import annotations

import logging
import os
import threading
import time
import weakref
from abc import ABC, abstractmethod
from collections import deque
from typing import Any, ClassVar, Generic, TypeVar

logger = logging.getLogger(__name__)

LAST_SECONDS = 2.0  # as long a process that ends may go on

T = TypeVar("T")


class Batches(ABC, Generic[T]):
    """Hands what requests put in to handle(), in a thread that starts with the first.

    So it starts after a web server has forked. It ends when the main thread has ended
    and the rest is handled. What there is no room for is dropped and counted.

    name: of the thread. gather_seconds: as long a batch waits for more. most_waiting: how
    many there is room for. batch: how many are handled at once at most.
    """

    name: ClassVar[str]
    gather_seconds: float = 1.0
    most_waiting: int = 10_000
    batch: int = 500

    def __init__(self) -> None:
        self.forget()
        everything.add(self)

    def forget(self) -> None:
        """Begin anew, in a process that was forked: its parent handles what waits."""
        self.waiting: deque[T] = deque()
        self.thread: threading.Thread | None = None
        self.starting = threading.Lock()
        self.dropped = self.dropped_before = 0

    @abstractmethod
    def handle(self, batch: list[T]) -> None:
        """Do what is to be done with a batch."""

    def rest(self) -> None:
        """Do what the thread does after all that waited was handled: nothing."""

    def put(self, item: T) -> None:
        """Have an item handled soon; never wait."""
        if len(self.waiting) < self.most_waiting:
            self.waiting.append(item)
        else:
            self.dropped += 1
        if self.thread is None or not self.thread.is_alive():
            self.start()

    def start(self) -> None:
        """Start the thread, if no other request does."""
        with self.starting:
            if self.thread is None or not self.thread.is_alive():
                # Threads that answer requests are daemons, which a process that ends
                # does not wait for; a thread that they start would be one, too.
                self.thread = threading.Thread(
                    target=self.run, name=self.name, daemon=False
                )
                self.thread.start()

    def run(self) -> None:
        """Handle batches until the main thread ends, and then what is left."""
        while threading.main_thread().is_alive():
            time.sleep(self.gather_seconds)
            self.handle_all()
            self.rest()
        self.handle_all(seconds=LAST_SECONDS)

    def handle_all(self, *, seconds: float = float("inf")) -> None:
        """Handle all that waits, in this thread; begin no batch after so many seconds."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and (batch := self.take()):
            try:
                self.handle(batch)
            except Exception:
                logger.exception(
                    "The thread %s lost %s entries.", self.name, len(batch)
                )
        if self.dropped > self.dropped_before:
            logger.warning(
                "The thread %s was too slow: %s entries are lost since the process began.",
                self.name,
                self.dropped,
            )
            self.dropped_before = self.dropped

    def take(self) -> list[T]:
        """Return what waits now, at most a batch."""
        return [
            self.waiting.popleft() for _ in range(min(len(self.waiting), self.batch))
        ]


everything: weakref.WeakSet[Batches[Any]] = weakref.WeakSet()


def forget_all() -> None:
    """Begin anew in a process that was forked."""
    for batches in everything:
        batches.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=forget_all)
