"""A session of PostgreSQL's for one process alone, where a pooler shares them out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db import connections
from django.utils.translation import gettext


class OwnSessionError(ImproperlyConfigured):
    """There is no way past the pooler. The message says which setting opens one."""


@contextmanager
def own_session(using: str, *, needed: bool = True) -> Iterator[None]:
    """Let the block use the database *using* past the pooler, if there is one.

    For what lasts longer than a transaction: temporary tables, settings, locks and
    cursors of a session. PgBouncer gives each transaction another session. Outside the
    block this thread has the connection that it had before. needed: whether to raise
    OwnSessionError where no way past the pooler is known; if not, the block then goes
    through it. See https://www.pgbouncer.org/features.html
    """
    shared = connections[using]
    pooler: dict[str, Any] | None = shared.settings_dict["OPTIONS"].get("pooler")
    if pooler is None:  # every connection is a session
        yield
    elif pooler:
        own = shared.copy()
        options = own.settings_dict["OPTIONS"]
        for name in ("pooler", "pool"):
            options.pop(name, None)
        changes = dict(pooler)
        options |= changes.pop("OPTIONS", {})
        own.settings_dict |= changes
        connections[using] = own
        try:
            yield
        finally:
            connections[using] = shared
            own.close()
    elif needed:
        raise OwnSessionError(
            gettext(
                "This needs a database session of its own, which a pooler "
                "(DB_POOLER=true) does not give. Set DB_DIRECT_PORT, and DB_DIRECT_HOST "
                "if it is another, to where the PostgreSQL server itself listens; on "
                "Azure that is port 5432."
            )
        )
    else:
        yield
