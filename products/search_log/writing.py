"""Writes the log, behind the visitors' backs: no page waits for it.

Pages put what they note into a queue in memory. A thread of the process takes it from
there, makes the visitors' keys, and writes in batches. What there is no room for, or
what the database does not take, is dropped and counted.
"""

from __future__ import annotations

import logging
import os
import queue
import threading
import time

from django.db import (
    DEFAULT_DB_ALIAS,
    Error,
    close_old_connections,
    connections,
    transaction,
)

from products.logged import LoggedEvent, LoggedQuery
from products.search_log.half_typed import forget_half_typed
from products.search_log.visitors import Salts, Visitor

logger = logging.getLogger(__name__)

MOST_WAITING = 10_000
BATCH = 500
GATHER_SECONDS = 1.0  # as long a batch waits for more
LAST_SECONDS = 2.0  # as long a process that ends may go on writing

Noted = tuple[Visitor, LoggedQuery | LoggedEvent]


class Writer:
    """Writes what is noted, in a thread that starts with the first note.

    So it starts after a web server has forked. It ends when the main thread has ended
    and the rest is written. written, dropped: how many notes were, in this process.
    """

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Begin anew, in a process that was forked: its parent writes what was noted."""
        self.waiting: queue.Queue[Noted] = queue.Queue(MOST_WAITING)
        self.thread: threading.Thread | None = None
        self.starting = threading.Lock()
        self.salts = Salts()
        self.written = self.dropped = 0

    def note(self, visitor: Visitor, row: LoggedQuery | LoggedEvent) -> None:
        """Have a row written soon, with the key of its visitor; never wait."""
        try:
            self.waiting.put_nowait((visitor, row))
        except queue.Full:
            self.dropped += 1
        self.start()

    def start(self) -> None:
        """Start the thread, if it does not run."""
        if self.thread and self.thread.is_alive():
            return
        with self.starting:
            if self.thread is None or not self.thread.is_alive():
                # Threads that answer requests are daemons, which a process that ends
                # does not wait for; a thread that they start would be one, too.
                self.thread = threading.Thread(
                    target=self.run, name="search-log", daemon=False
                )
                self.thread.start()

    def run(self) -> None:
        """Write batches until the main thread ends, and then what is left."""
        while threading.main_thread().is_alive():
            time.sleep(GATHER_SECONDS)
            if batch := self.take():
                self.write_by_itself(batch)
        end = time.monotonic() + LAST_SECONDS
        while time.monotonic() < end and (batch := self.take()):
            self.write_by_itself(batch)
        connections.close_all()

    def take(self) -> list[Noted]:
        """Return what is noted now, at most a batch."""
        batch: list[Noted] = []
        while len(batch) < BATCH:
            try:
                batch.append(self.waiting.get_nowait())
            except queue.Empty:
                break
        return batch

    def write_by_itself(self, batch: list[Noted]) -> None:
        """Write a batch, and look after the thread's connection as a request does."""
        close_old_connections()
        self.write(batch)
        close_old_connections()

    def write(self, batch: list[Noted]) -> None:
        """Write a batch to the primary, or drop it."""
        try:
            self.store(batch)
        except Error as err:
            self.dropped += len(batch)
            logger.warning(
                "The search log lost %s entries: %s", len(batch), str(err).strip()
            )
        else:
            self.written += len(batch)

    def store(self, batch: list[Noted]) -> None:
        """Write a batch in one transaction. Raises django.db.Error."""
        salt = self.salts.today()
        for visitor, row in batch:
            row.client_id = visitor.key(salt)
        searches = [row for _, row in batch if isinstance(row, LoggedQuery)]
        events = [row for _, row in batch if isinstance(row, LoggedEvent)]
        with transaction.atomic(using=DEFAULT_DB_ALIAS):
            LoggedQuery.objects.using(DEFAULT_DB_ALIAS).bulk_create(searches)
            LoggedEvent.objects.using(DEFAULT_DB_ALIAS).bulk_create(
                events, ignore_conflicts=True
            )
            forget_half_typed(search.query_id for search in searches if search.typed)

    def write_all(self) -> None:
        """Write all that is noted now, in this thread."""
        while batch := self.take():
            self.write(batch)


writer = Writer()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=writer.forget)
