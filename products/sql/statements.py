"""The rows of a statement that no QuerySet can write."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import connections


def rows(sql: str, params: Sequence[Any] = (), *, using: str) -> list[tuple[Any, ...]]:
    """Return all rows of a statement that is run in the database *using*."""
    with connections[using].cursor() as cursor:
        cursor.execute(sql, params)
        found: list[tuple[Any, ...]] = cursor.fetchall()
        return found
