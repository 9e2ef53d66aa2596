"""What a shopper can choose from: the categories with their counts, and the prices."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from decimal import Decimal

from django.core.cache import cache
from django.db.models import Count, Max, Min

from products.models import Product
from products.search.question import Filters, Question
from products.search.rank import Ranking, rank
from products.search.words import COUNTS_SECONDS, LARGE

Counts = list[tuple[str, int]]

PRICE_RANGE = "price-range"  # key of the cache


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


def price_range() -> tuple[Decimal, Decimal] | None:
    """Return the catalogue's lowest and highest price, None where it has no product.

    One statement, which reads the ends of two indexes; in a large catalogue one every
    five minutes. Ids count up, so the highest one tells which catalogue is large.
    """
    cached: tuple[Decimal, Decimal] | None = cache.get(PRICE_RANGE)
    if cached is not None:
        return cached
    ends = Product.objects.aggregate(low=Min("price"), high=Max("price"), id=Max("pk"))
    if ends["id"] is None:
        return None
    prices = (ends["low"], ends["high"])
    if ends["id"] > LARGE:
        cache.set(PRICE_RANGE, prices, COUNTS_SECONDS)
    return prices
