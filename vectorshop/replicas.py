"""Read replicas: pages that only read are answered by a standby that is fit for them.

Everything else stays at the primary: commands, the worker, whatever writes, every
transaction on the primary, and all tables but those of settings.REPLICATED_APPS. A
request asks one database for the catalogue, from its beginning to its end.

A page comes from a standby that answers, is at most settings.DB_REPLICA_LAG seconds
behind, and has replayed what this visitor wrote last: after a write a signed cookie
carries the position in PostgreSQL's write-ahead log. If no standby is fit, the page
comes from the primary; if that is away as well, from a standby all the same, because an
old page is better than none.
"""

from __future__ import annotations

import itertools
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import Model
from django.db.utils import InterfaceError, OperationalError
from django.http import HttpRequest
from django.http.response import HttpResponseBase

logger = logging.getLogger(__name__)

Respond = Callable[[HttpRequest], HttpResponseBase]

AWAY = (OperationalError, InterfaceError)  # what a server that is gone raises
COOKIE = "written"
COOKIE_SECONDS = 3600
HEADER = "X-Answered-By"
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
    failed_at: float = field(default=float("-inf"), init=False)

    def answers(self) -> bool:
        """Return whether the server lets this thread in; remember a failure shortly."""
        if time.monotonic() - self.failed_at < TRY_AGAIN_SECONDS:
            return False
        try:
            connection = connections[self.alias]
            connection.close_if_health_check_failed()
            connection.ensure_connection()
        except AWAY:
            self.failed_at = time.monotonic()
            return False
        return True

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
            self.failed_at = time.monotonic()
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


class ReplicaMiddleware:
    """Chooses the database that a request reads from. It stands before all others."""

    def __init__(self, get_response: Respond) -> None:
        self.get_response = get_response
        self.standbys = [Server(alias) for alias in replica_aliases()]
        if not self.standbys:
            raise MiddlewareNotUsed("No DB_REPLICA_HOSTS.")
        self.turns = itertools.count()

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not only_reads(request):
            return self.answer_to_write(request)
        alias = self.choose(written_by(request))
        with reading_from(alias):
            response = self.get_response(request)
        response.headers[HEADER] = alias
        return response

    def choose(self, written: int | None) -> str:
        """Return the alias for a visitor who wrote up to the position *written*.

        The standbys take turns.
        """
        last_resort = None
        for standby in self.in_turn():
            position = standby.ask(written)
            if position is None:
                continue
            if position.in_time and position.has(written):
                return standby.alias
            last_resort = last_resort or standby.alias
        if last_resort is None or primary.answers():
            return DEFAULT_DB_ALIAS
        return last_resort

    def in_turn(self) -> Iterator[Server]:
        """Yield the standbys, each time beginning with the next one."""
        count = len(self.standbys)
        first = next(self.turns) % count
        return (self.standbys[(first + number) % count] for number in range(count))

    def answer_to_write(self, request: HttpRequest) -> HttpResponseBase:
        """Return the answer of the primary, and let the visitor see what was written."""
        response = self.get_response(request)
        response.headers[HEADER] = DEFAULT_DB_ALIAS
        if response.status_code < 500:
            note_written(response)
        return response


def only_reads(request: HttpRequest) -> bool:
    """Return whether a request changes nothing: by its method, or by its address."""
    if request.method in ("GET", "HEAD"):
        return True
    return request.path_info.startswith(settings.READ_BY_POST)


def note_written(response: HttpResponseBase) -> None:
    """Put the end of the primary's log into the visitor's cookie.

    If the primary has gone meanwhile, what was written stands in the log of nobody else
    yet, and a cookie would not help.
    """
    try:
        [position] = one_row(DEFAULT_DB_ALIAS, WRITTEN)
    except AWAY as err:
        logger.warning("The position of a write could not be read: %s", err)
        return
    response.set_signed_cookie(
        COOKIE,
        str(position),
        max_age=COOKIE_SECONDS,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def written_by(request: HttpRequest) -> int | None:
    """Return the log's position after the visitor's last write, None without one."""
    signed = request.get_signed_cookie(COOKIE, default="", max_age=COOKIE_SECONDS)
    return int(signed) if signed else None
