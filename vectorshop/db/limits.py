"""What keeps a web request from holding the database, and how its errors show that."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import psycopg

from vectorshop.serving import is_serving

# A server refuses a login so with SQLSTATE 53300, and psycopg has only the words of a
# login that failed. The next two are PgBouncer's. The last is psycopg's own pool: where
# it knows why no connection could be made, the reason follows.
FULL = re.compile(
    r"too many clients already|remaining connection slots are reserved"
    r"|too many connections for|no more connections allowed|query_wait_timeout"
    r"|couldn't get a connection after [0-9.]+ sec\.?\s*\Z",
    re.IGNORECASE,
)


def apply_limits(parameters: dict[str, Any]) -> None:
    """Take `limits` out of psycopg's parameters, and set them where requests are served.

    limits: seconds by the name of PostgreSQL's setting, 0 for none. They travel with the
    login, so they cost no statement. A command has no limits.
    """
    limits: Mapping[str, int] = parameters.pop("limits", {})
    if limits and is_serving():
        given = [parameters.get("options", "")]
        given += [f"-c {name}={seconds}s" for name, seconds in limits.items()]
        parameters["options"] = " ".join(given).strip()


def is_full(error: BaseException | None) -> bool:
    """Return whether a connection was refused because all of them are in use."""
    return bool(FULL.search(str(error)))


def is_too_slow(error: BaseException | None) -> bool:
    """Return whether the server stopped a statement that took too long."""
    return isinstance(error, psycopg.errors.QueryCanceled)


def is_locked_out(error: BaseException | None) -> bool:
    """Return whether others held a lock for longer than it may be waited for."""
    return isinstance(error, psycopg.errors.LockNotAvailable)
