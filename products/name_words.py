"""Finds the shortest names with a word, by an index of the names' words and lengths."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from django.contrib.postgres.search import SearchVectorField
from django.db import connections
from django.db.models import BooleanField, F, Func, TextField, Value

from products.search.words import TermsQuery

if TYPE_CHECKING:
    from products.querysets import ProductQuerySet

# Names of so many different words and more count as equally long.
LONGEST = 24


class NameWords(Func):
    """The words of a name, and how many there are as one word more, such as 'length 8'.

    GIN knows no order, but it finds a word together with a length. No text has that
    word: the parser splits at white space. For 100,000 products the index takes 6 MB
    and 2 s to build, a third of that on search_vector.
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


# The LIMIT of the first part ends the loop over the lengths, so that longer names are
# not read; nor are the others where those are enough.
COMMON_WORD_SQL = """
    WITH named AS MATERIALIZED (
        SELECT found.* FROM generate_series(1, %s) AS names (length)
        CROSS JOIN LATERAL ({}) AS found
        LIMIT %s
    )
    SELECT * FROM named
    UNION ALL
    SELECT * FROM ({}) AS others WHERE (SELECT count(*) FROM named) < %s
"""


def with_common_word(
    products: ProductQuerySet, words: Sequence[str], *, limit: int
) -> dict[int, str]:
    """Return the id and category of the *limit* best products for the first word.

    words: quoted as query_terms() does. First the shortest names that have the first
    one, since the score of a name, see name_score(), falls with its length; then
    others that have any, by id: for a single word these are all as good. At most twice
    as many as asked for. One statement with an index search for each length until there
    are enough: as quick for a word of every name as for a rare one.
    """
    named = products.filter(Matches(NameWords(), OfLength(words[0])))
    others = products.filter(search_vector=TermsQuery(words))
    (names_sql, names), (others_sql, rest) = (
        rows.query.get_compiler(products.db).as_sql()
        for rows in (
            found.order_by("pk").values_list("pk", "category")[:limit]
            for found in (named, others)
        )
    )
    with connections[products.db].cursor() as cursor:
        cursor.execute(
            COMMON_WORD_SQL.format(names_sql, others_sql),
            [LONGEST, *names, limit, *rest, limit],
        )
        return dict(cursor.fetchall())
