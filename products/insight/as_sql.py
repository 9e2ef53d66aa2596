"""The statements of a search as they run in psql, with their values written in."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from typing import Any

import psycopg
import sqlparse
from django.db import connections

from products.search.steps import Step
from products.sql.watch import Statement

# Django's own, around the statements of a transaction.
OF_TRANSACTIONS = re.compile(r"SAVEPOINT|RELEASE SAVEPOINT|ROLLBACK TO")

# A vector of the model as PostgreSQL writes it.
VECTOR = re.compile(r"\[[-0-9.e, ]{1000,}\]")


@dataclass(frozen=True)
class NamedSQL:
    """What runs in psql for one step of a search: a statement, or a transaction."""

    step: Step
    text: str


def as_sql(statements: Iterable[Statement], *, using: str) -> list[NamedSQL]:
    """Return the statements as they can be run, each once.

    A setting for one transaction stands in a transaction with what it is meant for.
    """
    texts: dict[NamedSQL, None] = {}
    told = (s for s in statements if s.name and not OF_TRANSACTIONS.match(s.sql))
    for name, group in groupby(told, key=lambda statement: statement.name):
        settings: list[str] = []
        for statement in group:
            text = with_values(statement.sql, statement.params, using=using)
            if statement.sql.startswith("SET LOCAL"):
                settings.append(text)
                continue
            if settings:
                text = "\n".join(["BEGIN;", *settings, text, "COMMIT;"])
                settings = []
            texts[NamedSQL(Step(name), text)] = None
    return list(texts)


def with_values(sql: str, params: Sequence[Any] | None, *, using: str) -> str:
    """Return a statement with its values in place of the parameters, on several lines.

    psycopg writes the values as PostgreSQL's literals.
    """
    connection = connections[using]
    connection.ensure_connection()
    if params is not None:
        params = [rounded_vector(param) for param in params]
    with psycopg.ClientCursor(connection.connection) as cursor:
        text = cursor.mogrify(on_lines(sql), params)
    return f"{text.rstrip(';')};"


@lru_cache(maxsize=256)
def on_lines(sql: str) -> str:
    """Return statements on several lines, with the keywords in capitals."""
    return "\n".join(
        sqlparse.format(part, reindent=True, keyword_case="upper").strip()
        for part in sqlparse.split(sql)
    )


def rounded_vector(value: Any) -> Any:
    """Return a vector's text with six decimals: as exact as a distance is reckoned.

    A page of several statements would be large with all of them.
    """
    if not (isinstance(value, str) and VECTOR.fullmatch(value)):
        return value
    numbers = (f"{number:.6f}".rstrip("0").rstrip(".") for number in json.loads(value))
    return f"[{','.join(numbers)}]"
