"""Work that costs much: so many threads of a process do it at a time, others queue.

A visitor can ask for such work as often as they like. Without turns, all threads of a
worker would do it at once, and nobody else would get a page.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class BusyError(Exception):
    """Others are at work, and the turn did not come as soon as it must."""


class Turns:
    """The turns of one kind of work in this process.

    at_once: how many threads may work at a time. waiting: how many more may queue, None
    for any number; the rest are refused at once, so that the queue does not take all
    threads of a worker.
    """

    def __init__(self, at_once: int, *, waiting: int | None = None) -> None:
        self.most = None if waiting is None else at_once + waiting
        self.inside = 0  # those at work and those in the queue
        self._counting = threading.Lock()
        self._working = threading.BoundedSemaphore(at_once)

    @contextmanager
    def taken(self, *, seconds: float) -> Iterator[None]:
        """Have a turn. Raises BusyError when it does not come within some seconds."""
        self._enter()
        try:
            if not self._working.acquire(timeout=seconds):
                raise BusyError
            try:
                yield
            finally:
                self._working.release()
        finally:
            with self._counting:
                self.inside -= 1

    def _enter(self) -> None:
        with self._counting:
            if self.most is not None and self.inside >= self.most:
                raise BusyError
            self.inside += 1
