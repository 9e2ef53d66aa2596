"""Counts products by category, so that a shopper can choose another one."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from django.core.cache import cache
from django.db.models import Count

from products.models import Product
from products.search.question import Filters, Question
from products.search.rank import Ranking, rank
from products.search.words import COUNTS_SECONDS, LARGE

Counts = list[tuple[str, int]]

# A list of categories is read at a glance; the search finds products of the others.
SHOWN = 20


def ranked_facets(question: Question, ranking: Ranking | None = None) -> Counts:
    """Return how many of the products that answer a question are in each category.

    ranking: what the question found, if it is there. It is asked again, without the
    categories, where it was narrowed to some.
    """
    if ranking is None or question.filters.categories:
        ranking = rank(in_any_category(question))
    return by_size(Counter(candidate.category for candidate in ranking.candidates))


def catalogue_facets(question: Question) -> Counts:
    """Return how many products are in each category; one statement, reads them all."""
    passing = in_any_category(question).products().order_by()
    counts = dict(passing.values_list("category").annotate(Count("pk")))
    return by_size(Counter(counts))


def in_any_category(question: Question) -> Question:
    """Return the same question, asked of products of any category."""
    filters = replace(question.filters, categories=())
    return replace(question, filters=filters, diversity=0.0)


def by_size(counts: Counter[str]) -> Counts:
    """Return the counts, the largest first, equal ones by name."""
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def category_counts(filters: Filters) -> Counts:
    """Return the categories of the products in a price range, the largest first.

    With how many products each has; the filters' own categories do not narrow the
    counts. One statement, in a catalogue of more than 10,000 products one every five
    minutes.
    """
    key = f"category-counts-{filters.min_price}-{filters.max_price}"
    cached: Counts | None = cache.get(key)
    if cached is not None:
        return cached
    prices = Filters(min_price=filters.min_price, max_price=filters.max_price)
    counted = (
        prices.narrow(Product.objects.order_by())
        .values_list("category")
        .annotate(count=Count("pk"))
        .order_by("-count", "category")
    )
    counts = list(counted)
    if sum(count for _, count in counts) > LARGE:
        cache.set(key, counts, COUNTS_SECONDS)
    return counts
