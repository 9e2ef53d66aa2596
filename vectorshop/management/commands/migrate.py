"""`manage.py migrate`: Django's own, one at a time in a database."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management.commands import migrate
from django.db import connections

MIGRATING = 0x5A3B1E6  # key of the advisory lock: any number that nothing else uses
PAUSE_SECONDS = 0.5


class Command(migrate.Command):
    def handle(self, *args: Any, **options: Any) -> None:
        """Migrate once no other `migrate` of this database runs.

        Several servers may start together, each with its own `migrate`. The second
        waits, and then finds nothing left to do.
        """
        if options["plan"] or options["check_unapplied"]:
            super().handle(*args, **options)
            return
        with self.alone(options["database"], options["verbosity"]):
            super().handle(*args, **options)

    @contextmanager
    def alone(self, alias: str, verbosity: int) -> Iterator[None]:
        """Run the block while no other process migrates the database."""
        # A connection of its own keeps the lock in an open transaction. A pooler such as
        # PgBouncer gives each transaction a session, and a lock of the session would
        # stay behind in it.
        lock = connections[alias].copy()
        lock.settings_dict["OPTIONS"].pop("pool", None)
        try:
            lock.set_autocommit(False)
            if not acquired(lock):
                if verbosity:
                    self.stdout.write("Another migrate is running; waiting for it.")
                # It asks again and again: CREATE INDEX CONCURRENTLY in the other
                # process would wait for a statement that waits here.
                while not acquired(lock):
                    pause()
            yield
        finally:
            lock.close()


def pause() -> None:
    """Wait before the lock is asked for again."""
    time.sleep(PAUSE_SECONDS)


def acquired(connection: Any) -> bool:
    """Return whether the transaction of *connection* now has the lock.

    Without it the transaction is over.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [MIGRATING])
        got: bool = cursor.fetchone()[0]
    if not got:
        connection.rollback()
    return got
