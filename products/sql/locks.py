"""A lock that gives way: while a table lock waits, everybody else waits behind it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from django.db import OperationalError, transaction
from psycopg.errors import LockNotAvailable

from products.sql.statements import execute

T = TypeVar("T")

PAUSE_SECONDS = 0.5


class LockedError(Exception):
    """Others held a lock for longer than it may be waited for."""


def keep_trying(
    work: Callable[[], T], *, timeout: str, seconds: float, using: str
) -> T:
    """Return *work()*, tried again until it gets its locks or *seconds* are over.

    See try_once(). Raises LockedError.
    """
    deadline = time.monotonic() + seconds
    while True:
        try:
            return try_once(work, timeout=timeout, using=using)
        except LockedError:
            if time.monotonic() > deadline:
                raise
        time.sleep(PAUSE_SECONDS)


def try_once(work: Callable[[], T], *, timeout: str, using: str) -> T:
    """Return *work()*, run in a transaction that waits for no lock longer than *timeout*.

    timeout: as PostgreSQL writes it, such as "2s". Raises LockedError, with all that
    *work* did taken back.
    """
    try:
        with transaction.atomic(using=using):
            set_lock_timeout(timeout, using=using)
            return work()
    except OperationalError as err:
        if isinstance(err.__cause__, LockNotAvailable):
            raise LockedError(str(err).strip()) from err
        raise


def set_lock_timeout(timeout: str, *, using: str) -> None:
    """Limit how long the rest of this transaction waits for a lock."""
    execute("SELECT set_config('lock_timeout', %s, true)", [timeout], using=using)
