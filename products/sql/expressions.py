"""Pieces of SQL that Django's ORM lacks, as expressions.

See https://docs.djangoproject.com/en/5.2/ref/models/expressions/
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce
from operator import add
from typing import Any, cast

from django.contrib.postgres.search import SearchQuery
from django.db import models
from django.db.models import (
    BinaryField,
    BooleanField,
    Expression,
    F,
    Func,
    IntegerField,
    TextField,
    Value,
)
from django.db.models.expressions import CombinedExpression

from products.sql.sharding import is_sharded

# The operators of a tsquery.
ANY, EVERY = " | ", " & "

# A text, or an expression that stands for one, such as prepared.Given.
Text = str | Expression


def text_value(text: Text) -> Expression:
    """Return the expression of a text."""
    return Value(text, output_field=TextField()) if isinstance(text, str) else text


# Rows


class ColumnOf(Func):
    """A column of one row; null where there is none.

    key: its id, or an expression that stands for what it has in the column *by*.
    Written out, since a Subquery takes Django longer to make than PostgreSQL takes to
    answer (benchmarks/similar.py). The LIMIT lets a Citus cluster run it as a subquery.
    """

    template = (
        "(SELECT %(column)s FROM %(table)s WHERE %(by)s = %(expressions)s LIMIT 1)"
    )

    def __init__(
        self,
        model: type[models.Model],
        name: str,
        key: int | Expression,
        *,
        by: str = "id",
    ) -> None:
        field = cast("models.Field[Any, Any]", model._meta.get_field(name))
        super().__init__(
            Value(key) if isinstance(key, int) else key,
            column=field.column,
            by=by,
            table=model._meta.db_table,
            output_field=field,
        )


class InArray(Func):
    """Whether a number is in an array of them, as array_of() writes it.

    The array is one parameter; the lookup `__in` makes one of each number.
    """

    arg_joiner = " = ANY("
    template = "(%(expressions)s::bigint[]))"
    output_field = BooleanField()


def array_of(ids: Iterable[int]) -> str:
    """Return ids as PostgreSQL writes an array."""
    return f"{{{','.join(map(str, ids))}}}"


class RowVersion(Func):
    """Where a row's current version is stored, and the transaction that wrote it.

    Every change of a row gives another, whoever makes it. See
    https://www.postgresql.org/docs/current/ddl-system-columns.html
    """

    template = "(ctid::text || ' ' || xmin::text)"
    output_field = TextField()


# Vectors


class SearchesWidely(Func):
    """True; sets hnsw.ef_search for the rest of the transaction, unless it is larger.

    Within the statement, so that it takes no second one. Without a column in it,
    PostgreSQL evaluates it once and before the scan, as "One-Time Filter" in EXPLAIN.
    Shards would not see it: `manage.py shard_products` sets it for the database.
    """

    template = (
        "(SELECT set_config('hnsw.ef_search', greatest(%(expressions)s, "
        "current_setting('hnsw.ef_search', true)::integer)::text, true)) IS NOT NULL"
    )
    output_field = BooleanField()

    def as_postgresql(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        if is_sharded(connection.alias):
            return "TRUE", []
        return self.as_sql(compiler, connection, **extra)


class VectorBytes(Func):
    """A vector as pgvector stores it: quicker to send and read than decimal numbers."""

    function = "vector_send"
    output_field = BinaryField()


# Words


class TermsQuery(SearchQuery):
    """A tsquery of quoted lexemes of which any one must be there, or every one."""

    # A cast, not to_tsquery(): the words are stems already.
    template = "(%(expressions)s)::tsquery"

    def __init__(self, terms: Sequence[Text], *, every: bool = False) -> None:
        operator = EVERY if every else ANY
        super().__init__(
            Func(
                *map(text_value, terms),
                template="%(expressions)s",
                arg_joiner=f" || '{operator}' || ",
                output_field=TextField(),
            ),
            search_type="raw",
        )


class HasTerm(Func):
    """1 for a row whose search_vector has a word, else 0."""

    template = "(%(expressions)s::tsquery)::int"
    arg_joiner = " @@ "
    output_field = IntegerField()

    def __init__(self, term: Text) -> None:
        super().__init__(F("search_vector"), text_value(term))


def term_bits(terms: Sequence[Text]) -> Expression:
    """Return which words a row's search_vector has, as a number.

    The sum of 1 for the first word, 2 for the second, 4 for the third and so on.
    """
    bits = [HasTerm(term) * Value(1 << place) for place, term in enumerate(terms)]
    return reduce(add, bits) if bits else Value(0)


class NameLexemes(Func):
    """The part of a row's search_vector that is of its name, as text.

    Weight A marks the name: "'lamp':2A 'red':1A,4A".
    """

    template = "ts_filter(search_vector, '{a}')::text"
    output_field = TextField()


def coverage(terms: Sequence[Text]) -> CombinedExpression:
    """Return the share of the query's words that a row's search_vector has: 0 to 1."""
    # A sum, since unnest() in a subquery takes five times as long for each row.
    found = reduce(add, map(HasTerm, terms))
    return found / Value(float(len(terms)))


class Matches(Func):
    """Whether a tsvector matches a tsquery."""

    arg_joiner = " @@ "
    template = "(%(expressions)s)"
    output_field = BooleanField()
