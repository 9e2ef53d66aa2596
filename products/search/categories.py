"""How many products each category has."""

from __future__ import annotations

from django.core.cache import cache
from django.db.models import Count

from products.models import Product
from products.search.filters import Filters

# A category list is read at a glance; the search finds products of the others.
SHOWN = 20

# Counting reads the whole index on category, so a large catalogue is counted once in
# a while only: 20 ms for 100,000 products.
LARGE = 10_000
CACHE_SECONDS = 300


def category_counts(filters: Filters) -> list[tuple[str, int]]:
    """Return the largest categories among the products in a price range, with counts.

    The filters' own categories do not narrow the counts. At most 20; one statement,
    in a catalogue of more than 10,000 products one every five minutes.
    """
    key = f"category-counts-{filters.min_price}-{filters.max_price}"
    cached: list[tuple[str, int]] | None = cache.get(key)
    if cached is not None:
        return cached
    prices = Filters(min_price=filters.min_price, max_price=filters.max_price)
    counted = (
        prices.narrow(Product.objects.order_by())
        .values_list("category")
        .annotate(count=Count("pk"))
        .order_by("-count", "category")
    )
    counts = [(category, count) for category, count in counted[:SHOWN]]
    if sum(count for _, count in counts) > LARGE:
        cache.set(key, counts, CACHE_SECONDS)
    return counts
