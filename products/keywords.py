"""Keyword search: the words of a query, and how well a product's words match them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add

from django.contrib.postgres.search import SearchQuery
from django.db import connections
from django.db.models import F, FloatField, Func, TextField, Value
from django.db.models.expressions import CombinedExpression

from products.ranking import inverse_document_frequency, name_score

# The text search configuration of the column search_vector.
CONFIG = "english"

# The words of a query after so many add work, not meaning.
MAX_TERMS = 32

# A word that more products have is common: not all of them are read. Reading and
# ranking so many rows takes 10 ms.
COMMON = 4_000

# Without statistics words are counted. One that more products have than this weighs
# next to nothing either way.
MAX_COUNTED = 10_000

# What ANALYZE has found out about common words takes 1 ms to read, counting one 10 ms.
# pg_class.reltuples is the planner's estimate; -1 before the first ANALYZE. See
# https://www.postgresql.org/docs/current/view-pg-stats.html
TERMS_SQL = r"""
    WITH class AS (
        SELECT reltuples, relnamespace::regnamespace::text AS schema
        FROM pg_class WHERE oid = 'products'::regclass
    ), common AS MATERIALIZED (
        SELECT word, share * reltuples AS count
        FROM class, pg_stats, unnest(
            most_common_elems::text::text[], most_common_elem_freqs
        ) AS known (word, share)
        WHERE (schemaname, tablename, attname) = (schema, 'products', 'search_vector')
            AND share * reltuples > %s
    )
    SELECT lexeme, quoted,
        coalesce(
            (SELECT round(count) FROM common WHERE word = lexeme),
            (SELECT count(*) FROM (
                SELECT FROM products WHERE search_vector @@ quoted::tsquery LIMIT %s
            ) AS counted)
        ),
        (SELECT reltuples FROM class)
    FROM (
        SELECT
            lexeme,
            '''' || replace(replace(lexeme, '\', '\\'), '''', '''''') || '''' AS quoted
        FROM unnest(to_tsvector(%s::regconfig, %s))
        ORDER BY positions[1]
        LIMIT %s
    ) AS term
"""

# The words of a query as they stand in each product's text, and how far it is from a
# vector of the same recipe. Weight A marks the name.
MATCHES_SQL = """
    SELECT
        id,
        ARRAY(
            SELECT quoted FROM unnest(%s::text[]) AS term (quoted)
            WHERE search_vector @@ quoted::tsquery
        ),
        ts_filter(search_vector, '{a}')::text,
        CASE WHEN embedding_fingerprint = %s THEN embedding <=> %s::vector END
    FROM products
    WHERE id = ANY(%s)
"""


@dataclass(frozen=True)
class Term:
    """A word of a query: its stem, the same quoted for a tsquery, and its weight.

    count: how many products have it; above COMMON an estimate.
    """

    lexeme: str
    quoted: str
    weight: float  # inverse document frequency
    count: int


@dataclass(frozen=True)
class Match:
    """How a product's text answers a query."""

    words: tuple[str, ...]  # the stems of the query that the product has
    coverage: float  # which share of the query's words that is, 0 to 1
    score: float  # coverage plus the BM25 score of the name, 0 to 2
    distance: float | None  # cosine distance to the query, where it was asked for


def query_terms(text: str, *, using: str) -> list[Term]:
    """Return the words to search for; one statement.

    Stop words and punctuation are dropped, the rest is stemmed as the products are;
    at most 32 words. Any text will do: the syntax of tsquery means nothing here.
    """
    with connections[using].cursor() as cursor:
        cursor.execute(TERMS_SQL, [COMMON, MAX_COUNTED, CONFIG, text, MAX_TERMS])
        return [
            Term(
                lexeme,
                quoted,
                inverse_document_frequency(int(count), int(total)),
                int(count),
            )
            for lexeme, quoted, count, total in cursor.fetchall()
        ]


def match_terms(
    terms: Sequence[Term],
    ids: Iterable[int],
    *,
    vector: Sequence[float] | None = None,
    fingerprint: str = "",
    using: str,
) -> dict[int, Match]:
    """Return how the text of each product matches, by id; at most one statement.

    vector, fingerprint: the query's vector and its recipe, for the distance of the
    products that are embedded by it.
    """
    ids = list(ids)
    if not terms or not ids:
        return {}
    weights = {term.quoted: term.weight for term in terms}
    text = None if vector is None else str(vector)
    with connections[using].cursor() as cursor:
        cursor.execute(MATCHES_SQL, [list(weights), fingerprint, text, ids])
        return {
            pk: make_match(terms, weights, matched, name, distance)
            for pk, matched, name, distance in cursor.fetchall()
        }


def make_match(
    terms: Sequence[Term],
    weights: Mapping[str, float],
    matched: Sequence[str],
    name: str,
    distance: float | None = None,
) -> Match:
    """Return the match of a product that has the quoted words *matched*.

    weights: of the quoted words of *terms*; name: the tsvector of the product's name.
    """
    share = len(matched) / len(terms)
    words = tuple([term.lexeme for term in terms if term.quoted in matched])
    found, length = frequencies(name, words=weights)
    return Match(words, share, share + name_score(found, length, weights), distance)


def frequencies(name: str, *, words: Iterable[str]) -> tuple[dict[str, int], int]:
    """Return how often each of *words* stands in a name, and how many words it has.

    name: its tsvector as text, such as "'lamp':2A 'red':1A,4A". Each place in it has
    the weight A, and no lexeme a capital letter. words: quoted as there.
    """
    text, found = f" {name}", {}
    for word in words:
        start = text.find(f" {word}:")
        if start >= 0:
            end = text.find(" ", start + len(word) + 1)
            found[word] = text.count("A", start, end if end >= 0 else None)
    return found, text.count("A")


class TermsQuery(SearchQuery):
    """A tsquery of quoted lexemes of which any one must be there, or every one."""

    # A cast, not to_tsquery(): the words are stems already.
    template = "%(expressions)s::tsquery"

    def __init__(self, terms: Sequence[str], *, every: bool = False) -> None:
        super().__init__((" & " if every else " | ").join(terms), search_type="raw")


class HasTerm(Func):
    """1 for a product that has a word of the query in its text, else 0."""

    template = "(%(expressions)s::tsquery)::int"
    arg_joiner = " @@ "
    output_field = FloatField()

    def __init__(self, term: str) -> None:
        super().__init__(F("search_vector"), Value(term, output_field=TextField()))


def coverage(terms: Sequence[str]) -> CombinedExpression:
    """Return the share of the query's words that a product's text has: 0 to 1."""
    # A sum, since unnest() in a subquery takes five times as long for each row.
    found = reduce(add, map(HasTerm, terms))
    return found / Value(float(len(terms)))
