"""The words of the names as an index knows them, in the order of the names' length."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.postgres.search import SearchVectorField
from django.db import connections
from django.db.models import BooleanField, F, Func, TextField, Value

if TYPE_CHECKING:
    from products.querysets import ProductQuerySet

# Names of so many different words and more count as equally long.
LONGEST = 24


class NameWords(Func):
    """The words of a name, and how many there are as one word more, such as 'length 8'.

    GIN knows no order, but it finds a word together with a length. No text has that
    word: the parser splits at white space.
    """

    template = (
        "(ts_filter(%(expressions)s, '{a}') || array_to_tsvector(ARRAY['length ' || "
        "least(length(ts_filter(%(expressions)s, '{a}')), 24)::text]))"
    )
    output_field = SearchVectorField()

    def __init__(self, *expressions: F) -> None:
        super().__init__(*(expressions or (F("search_vector"),)))


class OfLength(Func):
    """The tsquery for a word in a name of as many words as names.length says."""

    template = "((%(expressions)s || names.length) || '''')::tsquery"
    output_field = TextField()

    def __init__(self, word: str) -> None:
        super().__init__(Value(f"{word} & 'length ", output_field=TextField()))


class Matches(Func):
    """True where a tsvector matches a tsquery."""

    arg_joiner = " @@ "
    template = "(%(expressions)s)"
    output_field = BooleanField()


# The outer LIMIT ends the loop over the lengths, so that longer names are not read.
SHORTEST_SQL = """
    SELECT found.* FROM generate_series(1, %s) AS names (length)
    CROSS JOIN LATERAL ({}) AS found
    LIMIT %s
"""


def with_shortest_names(
    products: ProductQuerySet, word: str, *, limit: int
) -> dict[int, str]:
    """Return the id and category of the *limit* products with the shortest names.

    Only names with the word, quoted as query_terms() does. Of equally long names the
    first by id. These are the best products for a single word: the score of a name,
    see name_score(), falls with its length. One statement, an index search for each
    length until there are enough: as quick for a word of every name as for a rare one.
    """
    found = products.filter(Matches(NameWords(), OfLength(word)))
    rows = found.order_by("pk").values_list("pk", "category")[:limit]
    sql, params = rows.query.get_compiler(products.db).as_sql()
    with connections[products.db].cursor() as cursor:
        cursor.execute(SHORTEST_SQL.format(sql), [LONGEST, *params, limit])
        return dict(cursor.fetchall())
