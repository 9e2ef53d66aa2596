"""Chooses the products with words of a query that are looked at more closely."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import accumulate, combinations

from django.db import connections
from django.db.models import Func, TextField, Value
from django.utils.translation import gettext

from products.models import Product
from products.name_words import NameWords
from products.querysets import ProductQuerySet
from products.search.words import COMMON, Term
from products.sql.expressions import ANY, Matches, TermsQuery
from products.sql.prepared import Given, Prepared

Categories = dict[int, str]

# NameWords counts names of this length and longer ones as equally long.
LONGEST = 24


@dataclass
class WordMatches:
    """Products with words of a query: category by id, and by which rules, in words."""

    categories: Categories = field(default_factory=dict)
    rules: list[str] = field(default_factory=list)


def best_matches(
    products: ProductQuerySet, terms: Sequence[Term], *, limit: int, filtered: bool
) -> WordMatches:
    """Return up to *limit* products, best match first.

    If fewer come back, no other product has any of the words. filtered: whether
    *products* leaves any out. Takes these steps, a statement each, until there are
    enough:

    1. If up to COMMON products have a word, all of them are ranked by
       ProductQuerySet.matching(), and that is all. Reading more takes long.
    2. Those with every word are ranked.
    3. Those with all words but one, or with a rare word, are ranked.
    4. The shortest names with the rarest common word come next, then others by id.
    """
    found = WordMatches()
    for rule, categories in by_rules(products, terms, limit, filtered=filtered):
        found.rules.append(rule)
        for pk, category in categories.items():
            if len(found.categories) < limit:
                found.categories.setdefault(pk, category)
        if len(found.categories) == limit:
            break
    return found


def by_rules(
    products: ProductQuerySet, terms: Sequence[Term], limit: int, *, filtered: bool
) -> Iterator[tuple[str, Categories]]:
    """Yield the name of each rule and the products it finds, the best rule first."""

    def best(having: Sequence[str] = (), *, every: bool = False) -> Categories:
        if not filtered:
            query = matching_query(len(words), bool(having), every, limit)
            values = (*words, ANY.join(having)) if having else words
            return dict(query.rows(*values, using=products.db))
        matching = products.matching(words, having=having, every=every)
        return dict(matching.values_list("pk", "category")[:limit])

    terms = sorted((term for term in terms if term.count), key=lambda term: term.count)
    words = [term.quoted for term in terms]
    if not words:
        return
    if are_few(products, terms, filtered=filtered):
        yield gettext("all compared"), best()
        return
    if len(words) > 1:
        yield gettext("those with every word"), best(every=True)
    totals = accumulate(term.count for term in terms)
    rare = [word for word, total in zip(words, totals, strict=True) if total <= COMMON]
    some = [*rare, *(all_but_one(words) if len(words) > 2 else ())]
    if some:
        yield gettext("those with all words but one, or with a rare one"), best(some)
    common = terms[len(rare) :] or terms
    names = gettext("the shortest names with “%(word)s”, then others by id") % {
        "word": common[0].word or common[0].lexeme
    }
    rest = [term.quoted for term in common]
    yield names, with_common_word(products, rest, limit=limit)


@cache
def matching_query(
    count: int, having: bool, every: bool, limit: int
) -> Prepared[Product]:
    """Return the query for the id and category of the products that match best.

    Its values: *count* words and, with *having*, the tsquery that they must match.
    """
    words = [Given(place) for place in range(count)]
    matching = Product.objects.matching(
        words, having=[Given(count)] if having else (), every=every
    )
    return Prepared.of(matching.values_list("pk", "category")[:limit])


def are_few(
    products: ProductQuerySet, terms: Sequence[Term], *, filtered: bool
) -> bool:
    """Return whether at most COMMON products have any of the words.

    Where a filter leaves fewer than all, they are counted, up to that number.
    """
    if sum(term.count for term in terms) <= COMMON:
        return True
    if not filtered:
        return False
    any_word = TermsQuery([term.quoted for term in terms])
    matching = products.filter(search_vector=any_word)
    return matching.order_by().values("pk")[: COMMON + 1].count() <= COMMON


def all_but_one(words: Sequence[str]) -> list[str]:
    """Return tsqueries; a text with all of the words but one matches one of them."""
    most = combinations(words, len(words) - 1)
    return [f"({' & '.join(several)})" for several in most]


# The products with the commonest words


class OfLength(Func):
    """The tsquery for a word in a name of as many words as names.length says."""

    template = "((%(expressions)s || names.length) || '''')::tsquery"
    output_field = TextField()

    def __init__(self, word: str) -> None:
        super().__init__(Value(f"{word} & 'length ", output_field=TextField()))


# The LIMIT of the first part ends the loop over the lengths, so that longer names are
# not read; the second part is not read where the first gives enough.
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
) -> Categories:
    """Return the category, by id, of the best products for the first word.

    words: quoted as query_terms() quotes them. First come the shortest names with the
    first word, since the score of a name falls with its length (see name_score());
    then, by id, products with any of the words (for a single word these score the
    same). May return up to 2 × *limit*. One statement with an index search for each
    length until there are enough: as quick for a word of every name as for a rare one.
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
