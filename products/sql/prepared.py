"""Queries that differ in a few values: written once a process, planned once a session.

Writing a query and planning it take as long together as PostgreSQL needs to answer it
(benchmarks/similar.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, Self, TypeVar

import psycopg
from django.db import NotSupportedError, connections, models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper
from django.db.models import Value

from products.sql.statements import rows

MAX_ID = 2**63 - 1

Model = TypeVar("Model", bound=models.Model)


@dataclass(frozen=True)
class Place:
    """What stands among the parameters of a query for the value in this place."""

    number: int


class Given(Value):
    """An expression for a value that is given each time the query runs.

    place: which of the values of Prepared.rows(), from 0.
    """

    def __init__(self, place: int) -> None:
        super().__init__(Place(place))


class PreparingCursor(psycopg.Cursor[Any]):
    """Has PostgreSQL keep the plans of its statements, unless prepare_threshold is None.

    PgBouncer, for one, may not know prepared statements. See
    https://www.psycopg.org/psycopg3/docs/advanced/prepare.html
    """

    def execute(self, query: Any, params: Any = None) -> Self:  # type: ignore[override]
        return super().execute(query, params, prepare=True)


# Whoever traces statements puts a subclass here.
cursor_class = PreparingCursor


@dataclass(frozen=True)
class Prepared(Generic[Model]):
    """A query in which Given() stands for values.

    fields, annotations: what its columns become in objects(), in their order.
    """

    model: type[Model]
    sql: str
    params: Sequence[Any]
    fields: Sequence[str] = ()
    annotations: Sequence[str] = ()

    @classmethod
    def of(cls, rows: models.QuerySet[Model, Any]) -> Self:
        """Return the query of *rows*, of which rows() gives the tuples."""
        sql, params = rows.query.sql_with_params()
        return cls(rows.model, sql, params)

    @classmethod
    def of_objects(
        cls,
        rows: models.QuerySet[Model, Any],
        fields: Sequence[str],
        annotations: Sequence[str] = (),
    ) -> Self:
        """Return the query of *rows* that reads some of their fields and annotations.

        fields: the others are deferred in objects(), which read them when asked.
        """
        # In the order that Model.from_db() wants.
        known = [field.attname for field in rows.model._meta.concrete_fields]
        fields = [name for name in known if name in fields]
        columns = rows.values_list(*fields, *annotations)
        sql, params = columns.query.sql_with_params()
        return cls(rows.model, sql, params, fields, annotations)

    def rows(self, *values: int | str | None, using: str) -> list[tuple[Any, ...]]:
        """Return the rows that the query finds for some values; one statement.

        None for a number that is not an id: PostgreSQL would refuse to compare it.
        """
        if any(isinstance(v, int) and not 0 <= v <= MAX_ID for v in values):
            return []
        params = [
            values[param.number] if isinstance(param, Place) else param
            for param in self.params
        ]
        return fetch_prepared(self.sql, params, connection=connections[using])

    def objects(self, *values: int | str, using: str) -> list[Model]:
        """Return the objects that the query finds for some values; one statement."""
        return [self.object(row, using) for row in self.rows(*values, using=using)]

    def object(self, row: Sequence[Any], using: str) -> Model:
        """Return the object of a row, with its annotations."""
        count = len(self.fields)
        found = self.model.from_db(using, self.fields, row[:count])
        for name, value in zip(self.annotations, row[count:], strict=True):
            setattr(found, name, value)
        return found


def fetch_prepared(
    sql: str, params: Sequence[Any], *, connection: BaseDatabaseWrapper
) -> list[tuple[Any, ...]]:
    """Return the rows of a statement that PostgreSQL plans once a connection.

    In a transaction it is planned each time: nothing can be tried again there.
    """
    if connection.in_atomic_block or connection.queries_logged:
        # Also, Django's log (DEBUG) knows the values of its own cursors only.
        return rows(sql, params, using=connection.alias)
    connection.close_if_health_check_failed()
    connection.ensure_connection()
    with CursorWrapper(cursor_class(connection.connection), connection) as cursor:
        try:
            return fetch(sql, params, cursor)
        except NotSupportedError:
            # A migration changed a column's type, and with it that of a kept plan.
            cursor.execute("DEALLOCATE ALL")
            return fetch(sql, params, cursor)


def fetch(
    sql: str, params: Sequence[Any], cursor: CursorWrapper
) -> list[tuple[Any, ...]]:
    cursor.execute(sql, params)
    rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows
