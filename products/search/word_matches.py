"""Chooses the products with words of a query that are looked at more closely."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import accumulate, combinations

from django.utils.translation import gettext

from products.models import Product
from products.name_words import with_common_word
from products.querysets import ProductQuerySet
from products.search.words import ANY, COMMON, Term, TermsQuery
from products.sql.prepared import Prepared, any_text

Categories = dict[int, str]


@dataclass
class Chosen:
    """Products with words of a query: category by id, and by which rules, in words."""

    categories: Categories = field(default_factory=dict)
    rules: list[str] = field(default_factory=list)


def best_matches(
    products: ProductQuerySet, terms: Sequence[Term], *, limit: int, filtered: bool
) -> Chosen:
    """Return the *limit* products whose text matches best; fewer are all there are.

    filtered: whether *products* leaves any out. Where up to COMMON products have a
    word, they are all ranked by ProductQuerySet.matching(). Where more have, reading
    them takes long: those with every word are ranked, then those with all but one or
    with a rare one; then come the shortest names with the rarest common word, and
    others by id. A statement for each of these rules, until there are enough.
    """
    chosen = Chosen()
    for rule, found in rules(products, terms, limit, filtered=filtered):
        chosen.rules.append(rule)
        for pk, category in found.items():
            if len(chosen.categories) < limit:
                chosen.categories.setdefault(pk, category)
        if len(chosen.categories) == limit:
            break
    return chosen


def rules(
    products: ProductQuerySet, terms: Sequence[Term], limit: int, *, filtered: bool
) -> Iterator[tuple[str, Categories]]:
    """Yield what each rule is, and the products it finds, the best rule first."""

    def first(having: Sequence[str] = (), *, every: bool = False) -> Categories:
        if not words:
            return {}
        if not filtered:
            query = matching_query(len(words), bool(having), every, limit)
            values = (*words, ANY.join(having))
            return dict(query.rows(*values, using=products.db))
        matching = products.matching(words, having=having, every=every)
        return dict(matching.values_list("pk", "category")[:limit])

    terms = sorted((term for term in terms if term.count), key=lambda term: term.count)
    words = [term.quoted for term in terms]
    if are_few(products, terms, filtered=filtered):
        yield gettext("all compared"), first()
        return
    if len(words) > 1:
        yield gettext("those with every word"), first(every=True)
    totals = accumulate(term.count for term in terms)
    rare = [word for word, total in zip(words, totals, strict=True) if total <= COMMON]
    some = [*rare, *(all_but_one(words) if len(words) > 2 else ())]
    if some:
        yield gettext("those with all words but one, or with a rare one"), first(some)
    common = terms[len(rare) :] or terms
    names = gettext("the shortest names with “%(word)s”, then others by id") % {
        "word": common[0].lexeme
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
    words = [any_text(place) for place in range(count)]
    matching = Product.objects.matching(
        words, having=[any_text(count)] if having else (), every=every
    )
    return Prepared.of(matching.values_list("pk", "category")[:limit])


def are_few(
    products: ProductQuerySet, terms: Sequence[Term], *, filtered: bool
) -> bool:
    """Return whether at most COMMON products have any of the words.

    Counted, up to that, where a filter makes fewer of many.
    """
    if sum(term.count for term in terms) <= COMMON:
        return True
    if not filtered:
        return False
    any_word = TermsQuery([term.quoted for term in terms])
    matching = products.filter(search_vector=any_word)
    return matching.order_by().values("pk")[: COMMON + 1].count() <= COMMON


def all_but_one(words: Sequence[str]) -> list[str]:
    """Return the tsqueries of which a text with all but one of the words has one."""
    most = combinations(words, len(words) - 1)
    return [f"({' & '.join(several)})" for several in most]
