"""Statements that no QuerySet can write."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import OperationalError, connections, transaction
from psycopg.errors import QueryCanceled


def rows(
    sql: str, params: Sequence[Any] | Mapping[str, Any] = (), *, using: str
) -> list[tuple[Any, ...]]:
    """Return all rows of a statement that is run in the database *using*."""
    with connections[using].cursor() as cursor:
        cursor.execute(sql, params)
        found: list[tuple[Any, ...]] = cursor.fetchall()
        return found


def execute(sql: Any, params: Sequence[Any] | None = None, *, using: str) -> None:
    """Run a statement that returns nothing in the database *using*.

    sql: a text or a Composable of psycopg.
    """
    with connections[using].cursor() as cursor:
        cursor.execute(sql, params)


def limit_statements(seconds: float, *, using: str) -> None:
    """Stop each later statement of this transaction that takes longer."""
    timeout = f"{round(seconds * 1000)}ms"
    execute("SELECT set_config('statement_timeout', %s, true)", [timeout], using=using)


class TookTooLong(Exception):
    """A statement was stopped, since it took longer than it may."""


@contextmanager
def at_most(seconds: float, *, using: str) -> Iterator[None]:
    """Stop each statement inside that takes longer, and raise TookTooLong.

    For reading alone: the transaction around them is rolled back, since the limit would
    outlast them where it is part of a larger one.
    """
    try:
        with transaction.atomic(using=using):
            limit_statements(seconds, using=using)
            yield
            transaction.set_rollback(True, using=using)
    except OperationalError as err:
        if isinstance(err.__cause__, QueryCanceled):
            raise TookTooLong(str(err).strip()) from err
        raise


def rows_within(
    seconds: float, sql: str, params: Sequence[Any] = (), *, using: str
) -> list[tuple[Any, ...]]:
    """Return all rows of a statement that may take so many seconds.

    Raises TookTooLong.
    """
    with at_most(seconds, using=using):
        return rows(sql, params, using=using)
