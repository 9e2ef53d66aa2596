"""Queries for the products by one id, written and planned once, not at each request.

Django writes such a query in 0.3 ms and PostgreSQL plans it in another 0.2 ms, as
long as it takes to answer it (benchmarks/similar.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self
from weakref import WeakKeyDictionary

import psycopg
from django.db import NotSupportedError, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper
from django.db.models.sql import Query

if TYPE_CHECKING:
    from products.models import Product
    from products.querysets import ProductQuerySet

PLACEHOLDER = -1  # stands for the id: no product has it, they are counted from 1
MAX_ID = 2**63 - 1


class PreparingCursor(psycopg.Cursor[Any]):
    """Has PostgreSQL keep the plans of its statements, unless prepare_threshold is None.

    PgBouncer, for one, may not know prepared statements. See
    https://www.psycopg.org/psycopg3/docs/advanced/prepare.html
    """

    def execute(self, query: Any, params: Any = None) -> Self:  # type: ignore[override]
        return super().execute(query, params, prepare=True)


# Of each connection of Django's, for what it is connected to now: to make a cursor
# takes as long as to run a statement with it.
cursors: WeakKeyDictionary[BaseDatabaseWrapper, PreparingCursor] = WeakKeyDictionary()


@dataclass(frozen=True)
class Prepared:
    """A query in which PLACEHOLDER stands for an id.

    fields: the columns of the model that it reads, in their order; annotations: the
    names of what it adds to them.
    """

    model: type[Product]
    sql: str
    params: Sequence[Any]
    fields: list[str]
    annotations: list[str]

    @classmethod
    def of(cls, products: ProductQuerySet, *, query: Query | None = None) -> Self:
        """Return the query of *products*, written once and for all.

        query: another one, that reads the same columns.
        """
        deferred, _ = products.query.deferred_loading
        fields = [
            field.attname
            for field in products.model._meta.concrete_fields
            if field.name not in deferred
        ]
        sql, params = (query or products.query).sql_with_params()
        annotations = list(products.query.annotations)
        return cls(products.model, sql, params, fields, annotations)

    def products(self, pk: int, *, using: str) -> list[Product]:
        """Return the products that the query finds for an id; one statement."""
        if not 0 <= pk <= MAX_ID:
            return []
        params = [pk if value == PLACEHOLDER else value for value in self.params]
        rows = fetch_prepared(self.sql, params, connection=connections[using])
        return [self.product(row, using) for row in rows]

    def product(self, row: Sequence[Any], using: str) -> Product:
        """Return the product of a row."""
        count = len(self.fields)
        product = self.model.from_db(using, self.fields, row[:count])
        for name, value in zip(self.annotations, row[count:], strict=True):
            setattr(product, name, value)
        return product


def fetch_prepared(
    sql: str, params: Sequence[Any], *, connection: BaseDatabaseWrapper
) -> list[tuple[Any, ...]]:
    """Return the rows of a statement that PostgreSQL plans once a connection."""
    try:
        return fetch(sql, params, connection)
    except NotSupportedError:
        # A migration changed a column's type, and with it that of a kept plan.
        if connection.in_atomic_block:
            raise
        with connection.cursor() as cursor:
            cursor.execute("DEALLOCATE ALL")
        return fetch(sql, params, connection)


def fetch(
    sql: str, params: Sequence[Any], connection: BaseDatabaseWrapper
) -> list[tuple[Any, ...]]:
    if connection.queries_logged:
        # Django's log (DEBUG) knows the values of its own cursors only.
        wrapped = connection.cursor()
    else:
        connection.close_if_health_check_failed()
        connection.ensure_connection()
        wrapped = CursorWrapper(cursor_of(connection), connection)
    wrapped.execute(sql, params)
    rows: list[tuple[Any, ...]] = wrapped.fetchall()
    return rows


def cursor_of(connection: BaseDatabaseWrapper) -> PreparingCursor:
    """Return the cursor kept for a connection that is open."""
    cursor = cursors.get(connection)
    if cursor is None or cursor.connection is not connection.connection:
        cursor = cursors[connection] = PreparingCursor(connection.connection)
    return cursor
