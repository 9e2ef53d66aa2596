"""Which database a request reads from, chosen before anything else sees the request.

A page comes from a standby that answers, is at most settings.DB_REPLICA_LAG seconds
behind, and has replayed what this visitor wrote last: after a write a signed cookie
carries the position in PostgreSQL's write-ahead log. If no standby is fit, the page
comes from the primary; if that is away as well, from a standby all the same, because an
old page is better than none.
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Iterator

from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.db import DEFAULT_DB_ALIAS
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from vectorshop.db.limits import is_locked_out, is_too_slow
from vectorshop.replicas import (
    AWAY,
    WRITTEN,
    Server,
    one_row,
    primary,
    reading_from,
    reads_from_standby,
    replica_aliases,
)

logger = logging.getLogger(__name__)

Respond = Callable[[HttpRequest], HttpResponseBase]

COOKIE = "written"
COOKIE_SECONDS = 3600
HEADER = "X-Answered-By"


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
        response.headers.setdefault(HEADER, alias)
        return response

    def process_exception(
        self, request: HttpRequest, exception: Exception
    ) -> HttpResponseBase | None:
        """Return the primary's page where a standby stopped under way, else None.

        What took too long on a standby is not asked once more.
        """
        cause = exception.__cause__
        if (
            not isinstance(exception, AWAY)
            or is_too_slow(cause)
            or is_locked_out(cause)
        ):
            return None
        if not reads_from_standby() or request.resolver_match is None:
            return None
        view, arguments, named = request.resolver_match
        with reading_from(DEFAULT_DB_ALIAS):
            response: HttpResponseBase = view(request, *arguments, **named)
        response.headers[HEADER] = DEFAULT_DB_ALIAS
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
        """Return the answer of the primary, and let the visitor see what was written.

        What was refused has written nothing.
        """
        response = self.get_response(request)
        response.headers[HEADER] = DEFAULT_DB_ALIAS
        if response.status_code < 400:
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
