"""Chooses the products with words of a query that are looked at more closely."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from itertools import accumulate, combinations
from typing import Any

from django.contrib.postgres.search import SearchQuery
from django.db import models
from django.db.models import Func, IntegerField, TextField, Value
from django.utils.translation import gettext

from products.models import Product
from products.name_words import NameWords
from products.querysets import ProductQuerySet
from products.search.evidence import Evidence, evidence_of
from products.search.words import COMMON, Term, evidence_words
from products.sql.expressions import ANY, EVERY, Matches, TermsQuery, Text, text_value
from products.sql.prepared import Given, Prepared
from products.sql.sharding import is_sharded

Rows = dict[int, Evidence]

# Where a rule finds so many products, the worse rules are left out: they find products
# with fewer words of the query, which come behind.
ENOUGH = 50

# Of more products than these, which have all of some words, not all are ranked.
MOST_RANKED = 4 * COMMON

# NameWords counts names of this length and longer ones as equally long.
LONGEST = 24


@dataclass
class WordMatches:
    """Products with words of a query, by id, and by which rules, in words.

    more: others with a word may have been left out.
    """

    rows: Rows = field(default_factory=dict)
    rules: list[str] = field(default_factory=list)
    more: bool = False


@dataclass(frozen=True)
class WordSearch:
    """A search for the products with words of a query.

    products: to search in; filtered: whether these leave any out. terms: as
    query_terms() returns them. limit: how many to return at most. vector, as text, and
    fingerprint: what each product is compared with besides.
    """

    products: ProductQuerySet
    terms: Sequence[Term]
    limit: int
    filtered: bool = False
    vector: str | None = None
    fingerprint: str = ""

    def best(self) -> WordMatches:
        """Return the products, best match first.

        Takes these steps, a statement each, until there are ENOUGH:

        1. If up to COMMON products have a word, all of them are ranked by
           ProductQuerySet.matching(), and that is all. Reading more takes long.
        2. Those with every word are ranked, or, where very many may have them, those
           with the shortest names come first.
        3. Those with all words but one, or with a rare word, are ranked.
        4. The shortest names with the rarest common word come next, then others by id.

        So at most some thousand products are read, however many have the words.
        """
        found = WordMatches()
        for rule, find in self.by_rules():
            if len(found.rows) >= min(ENOUGH, self.limit):
                found.more = True
                break
            found.rules.append(rule)
            for pk, row in find().items():
                if len(found.rows) < self.limit:
                    found.rows.setdefault(pk, row)
        found.more |= len(found.rows) == self.limit
        return found

    @property
    def known(self) -> list[Term]:
        """The words that some product has."""
        return [term for term in self.terms if term.count]

    @property
    def words(self) -> list[str]:
        """The tsqueries of the evidence; those of the terms come first."""
        return evidence_words(self.terms)

    def by_rules(self) -> Iterator[tuple[str, Callable[[], Rows]]]:
        """Yield the name of each rule and what finds its products, the best rule first."""
        terms = sorted(self.known, key=lambda term: term.count)
        words = [term.quoted for term in terms]
        if not words:
            return
        if self.are_few():
            yield gettext("all compared"), self.matching
            return
        if len(words) > 1 and are_bounded(terms):
            yield gettext("those with every word"), partial(self.matching, every=True)
        elif len(words) > 1:
            yield (
                gettext("the shortest names with every word, then others by id"),
                partial(self.with_common_word, [EVERY.join(words)]),
            )
        totals = accumulate(term.count for term in terms)
        rare = [
            word for word, total in zip(words, totals, strict=True) if total <= COMMON
        ]
        some = [*rare, *(all_but_one(terms) if len(words) > 2 else ())]
        if some:
            yield (
                gettext("those with all words but one, or with a rare one"),
                partial(self.matching, having=some),
            )
        common = terms[len(rare) :] or terms
        names = gettext("the shortest names with “%(word)s”, then others by id") % {
            "word": common[0].word or common[0].lexeme
        }
        yield names, partial(self.with_common_word, [term.quoted for term in common])

    def are_few(self) -> bool:
        """Return whether at most COMMON products have any of the words.

        Where a filter leaves fewer than all, they are counted, up to that number.
        """
        if sum(term.count for term in self.known) <= COMMON:
            return True
        if not self.filtered:
            return False
        any_word = TermsQuery([term.quoted for term in self.known])
        matching = self.products.filter(search_vector=any_word)
        return matching.order_by().values("pk")[: COMMON + 1].count() <= COMMON

    def matching(self, having: Sequence[str] = (), *, every: bool = False) -> Rows:
        """Return the best products by ProductQuerySet.matching(), one statement."""
        known = [term.quoted for term in self.known]
        if self.filtered:
            matching = self.products.matching(known, having=having, every=every)
            return by_id(self.evidence_of(matching)[: self.limit])
        query = matching_query(
            len(known), len(self.words), bool(having), every, self.limit
        )
        rows = query.rows(
            self.vector,
            self.fingerprint,
            ANY.join(having),
            *self.words,
            using=self.products.db,
        )
        return by_id(rows)

    def with_common_word(self, words: Sequence[str]) -> Rows:
        """Return the best products for the first word, by id; one statement.

        words: quoted as query_terms() quotes them. First come the shortest names with
        the first word, since the score of a name falls with its length (see
        name_score()); then, by id, products with any of the words (for a single word
        these score the same). A word may also be several, joined by EVERY. May return
        up to 2 × *limit*. An index search for each length until there are enough: as
        quick for a word of every name as for a rare one.
        """
        if is_sharded(self.products.db):
            return self.with_common_word_on_shards(words)
        if self.filtered:
            query = common_word_query(
                self.products, words, self.evidence_of, limit=self.limit
            )
            return by_id(query.rows(using=self.products.db))
        query = any_common_word_query(len(self.words), len(words), self.limit)
        rows = query.rows(
            self.vector,
            self.fingerprint,
            *self.words,
            *words,
            using=self.products.db,
        )
        return by_id(rows)

    def with_common_word_on_shards(self, words: Sequence[str]) -> Rows:
        """Return the same; a statement for each of SEVERAL_LENGTHS, until it is enough."""
        found: Rows = {}
        for lengths in SEVERAL_LENGTHS:
            named = self.products.filter(
                Matches(NameWords(), of_lengths(words[0], lengths))
            )
            shortest = named.order_by(NameLength(), "pk")
            found |= by_id(self.evidence_of(shortest)[: self.limit])
            if len(found) >= self.limit:
                return found
        others = self.products.filter(search_vector=TermsQuery(words)).order_by("pk")
        return found | by_id(self.evidence_of(others)[: self.limit])

    def evidence_of(self, products: ProductQuerySet) -> models.QuerySet[Product, Any]:
        """Return the rows of products, for Evidence."""
        vector = Value(self.vector, output_field=TextField())
        return evidence_of(
            products, self.words, vector=vector, fingerprint=self.fingerprint
        )


@cache
def matching_query(
    known: int, terms: int, having: bool, every: bool, limit: int
) -> Prepared[Product]:
    """Return the query for the evidence of the products that match best.

    Its values: the vector as text and its fingerprint, the tsquery that the products
    must match with *having*, and as many *terms*, of which products have the first
    *known*.
    """
    words = [Given(place) for place in range(3, 3 + terms)]
    matching = Product.objects.matching(
        words[:known], having=[Given(2)] if having else (), every=every
    )
    rows = evidence_of(matching, words, vector=Given(0), fingerprint=Given(1))
    return Prepared.of(rows[:limit])


def by_id(rows: Iterable[tuple[Any, ...]]) -> Rows:
    """Return rows by the product's id, in their order."""
    return {row[0]: Evidence(*row) for row in rows}


def are_bounded(terms: Iterable[Term]) -> bool:
    """Return whether not too many products to rank them can have all of the words."""
    return min(term.count for term in terms) <= MOST_RANKED


def all_but_one(terms: Sequence[Term]) -> list[str]:
    """Return tsqueries; a text with all of the words but one matches one of them.

    Without those that too many products may match.
    """
    return [
        f"({EVERY.join(term.quoted for term in several)})"
        for several in combinations(terms, len(terms) - 1)
        if are_bounded(several)
    ]


# The products with the commonest words


class OfLength(Func):
    """The tsquery for a word in a name of as many words as names.length says."""

    template = "(%(expressions)s || ' & ''length ' || names.length || '''')::tsquery"
    output_field = TextField()

    def __init__(self, word: Text) -> None:
        super().__init__(text_value(word))


# Shards run no loop over the lengths. Names are rarely shorter or longer.
SEVERAL_LENGTHS = [range(1, 5), range(5, 9), range(9, 13), range(13, LONGEST + 1)]


def of_lengths(word: str, lengths: Iterable[int]) -> SearchQuery:
    """Return the tsquery for a word in a name of any of these lengths."""
    any_length = ANY.join(f"'length {length}'" for length in lengths)
    return TermsQuery([f"({word}) & ({any_length})"])


class NameLength(Func):
    """How many words a name has, as NameWords counts them."""

    template = "length(ts_filter(search_vector, '{a}'))"
    output_field = IntegerField()


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


def common_word_query(
    products: ProductQuerySet,
    words: Sequence[Text],
    evidence_of: Callable[[ProductQuerySet], models.QuerySet[Product, Any]],
    *,
    limit: int,
) -> Prepared[Product]:
    """Return the query of WordSearch.with_common_word()."""
    named = products.filter(Matches(NameWords(), OfLength(words[0])))
    others = products.filter(search_vector=TermsQuery(words))
    (names_sql, names), (others_sql, rest) = (
        evidence_of(found.order_by("pk"))[:limit].query.sql_with_params()
        for found in (named, others)
    )
    return Prepared(
        Product,
        COMMON_WORD_SQL.format(names_sql, others_sql),
        [LONGEST, *names, limit, *rest, limit],
    )


@cache
def any_common_word_query(terms: int, words: int, limit: int) -> Prepared[Product]:
    """Return the same query for all products.

    Its values: the vector as text and its fingerprint, as many *terms*, and as many
    *words*.
    """
    given = [Given(place) for place in range(2, 2 + terms + words)]

    def evidence(products: ProductQuerySet) -> models.QuerySet[Product, Any]:
        return evidence_of(
            products, given[:terms], vector=Given(0), fingerprint=Given(1)
        )

    return common_word_query(
        Product.objects.all(), given[terms:], evidence, limit=limit
    )
