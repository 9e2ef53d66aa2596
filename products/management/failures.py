"""What a command tells when the database fails it."""

from __future__ import annotations

from django.db import Error
from psycopg import errors


def database_problem(err: Error) -> str:
    """Return what is wrong with the database, and what to do about it."""
    reason = str(err).strip().split("\n")[0]
    match err.__cause__:
        case errors.UndefinedTable():
            return "The catalogue has no tables yet. Run manage.py migrate first."
        case errors.DiskFull():
            return f"The disk of the database is full ({reason}). Make room."
        case _:
            return f"The database failed: {reason}."
