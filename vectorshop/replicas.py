"""Read replicas: pages that only read are answered by a standby that is fit for them.

Everything else stays at the primary: commands, the worker, whatever writes, every
transaction on the primary, and all tables but those of settings.REPLICATED_APPS. A
request asks one database for the catalogue, from its beginning to its end.

replica_middleware.py chooses the database of a request, by what this process knows of
its servers.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import Model
from django.db.utils import InterfaceError, OperationalError

AWAY = (OperationalError, InterfaceError)  # what a server that is gone raises
ASK_AGAIN_SECONDS = 1.0  # as long a standby's position is taken as known
TRY_AGAIN_SECONDS = 2.0  # as long a server that did not answer is left alone

# The position in the log as a number of bytes. An idle standby has nothing to replay,
# so that the age of its last transaction says nothing. Without a stream from the primary
# nobody knows how late it is.
POSITION = """
SELECT pg_is_in_recovery(),
       (pg_last_wal_replay_lsn() - '0/0')::bigint,
       CASE
           WHEN NOT EXISTS (SELECT FROM pg_stat_wal_receiver) THEN NULL
           WHEN pg_last_wal_replay_lsn() >= pg_last_wal_receive_lsn() THEN 0
           ELSE extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp())
       END::float
"""
WRITTEN = "SELECT (pg_current_wal_insert_lsn() - '0/0')::bigint"

_reads: ContextVar[str] = ContextVar("reads", default=DEFAULT_DB_ALIAS)


@contextmanager
def reading_from(alias: str) -> Iterator[None]:
    """Let the block read the catalogue from the database *alias*."""
    token = _reads.set(alias)
    try:
        yield
    finally:
        _reads.reset(token)


def reads_from_standby() -> bool:
    """Return whether this request reads the catalogue from a standby."""
    return _reads.get() != DEFAULT_DB_ALIAS


class Router:
    """Sends reads of the catalogue where the request reads, all else to the primary."""

    def db_for_read(self, model: type[Model], **hints: Any) -> str:
        """Return the alias; inside a transaction on the primary that is the primary."""
        if model._meta.app_label not in settings.REPLICATED_APPS:
            return DEFAULT_DB_ALIAS
        if connections[DEFAULT_DB_ALIAS].in_atomic_block:
            return DEFAULT_DB_ALIAS
        return _reads.get()

    def db_for_write(self, model: type[Model], **hints: Any) -> str:
        """Return the primary."""
        return DEFAULT_DB_ALIAS

    def allow_relation(self, first: Model, second: Model, **hints: Any) -> bool:
        """Return True: all aliases hold the same rows."""
        return True

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool:
        """Return whether *db* is the primary; a standby gets its tables from there."""
        return db == DEFAULT_DB_ALIAS


@dataclass(frozen=True)
class Position:
    """Where a standby is in the primary's log, in bytes, and how many seconds late.

    lag: None where it cannot be known.
    """

    in_recovery: bool
    replayed: int | None
    lag: float | None

    @property
    def in_time(self) -> bool:
        """Whether it is a standby that is not too late."""
        return (
            self.in_recovery
            and self.lag is not None
            and self.lag <= settings.DB_REPLICA_LAG
        )

    def has(self, written: int | None) -> bool:
        """Return whether the log was replayed up to *written*."""
        return written is None or (
            self.replayed is not None and self.replayed >= written
        )


@dataclass
class Server:
    """A database server, as this process knows it."""

    alias: str
    position: Position | None = field(default=None, init=False)
    asked_at: float = field(default=float("-inf"), init=False)
    is_away: bool = field(default=False, init=False)
    try_at: float = field(default=float("-inf"), init=False)

    def answers(self) -> bool:
        """Return whether the server lets this thread in; remember a failure shortly.

        A server that was away is tried by one thread: to try takes as long as it takes
        to give up, and the others need not wait for that as well.
        """
        if time.monotonic() < self.try_at:
            return False
        if self.is_away:
            self.leave_alone()
        try:
            connection = connections[self.alias]
            connection.close_if_health_check_failed()
            connection.ensure_connection()
        except AWAY:
            self.leave_alone()
            return False
        self.is_away, self.try_at = False, float("-inf")
        return True

    def leave_alone(self) -> None:
        """Let nobody try the server for a moment."""
        self.is_away, self.try_at = True, time.monotonic() + TRY_AGAIN_SECONDS

    def ask(self, written: int | None = None) -> Position | None:
        """Return where the server is in the log, None if it does not answer.

        The position of a moment ago will do, if *written* was replayed by then.
        """
        if not self.answers():
            return None
        known = self.position
        is_fresh = time.monotonic() - self.asked_at < ASK_AGAIN_SECONDS
        if known and is_fresh and known.has(written):
            return known
        try:
            self.position = position_of(self.alias)
        except AWAY:
            self.leave_alone()
            return None
        self.asked_at = time.monotonic()
        return self.position


def position_of(alias: str) -> Position:
    """Return where the server *alias* is in the log. Raises OperationalError."""
    return Position(*one_row(alias, POSITION))


def one_row(alias: str, sql: str) -> tuple[Any, ...]:
    """Return the row of a statement that has one. Raises OperationalError."""
    with connections[alias].cursor() as cursor:
        cursor.execute(sql)
        row: tuple[Any, ...] = cursor.fetchone()
        return row


# What this process knows of its servers; the sessions ask about the primary as well.
primary = Server(DEFAULT_DB_ALIAS)


def replica_aliases() -> list[str]:
    """Return the aliases of the standbys that the settings name, in their order."""
    return [alias for alias in connections if alias != DEFAULT_DB_ALIAS]
