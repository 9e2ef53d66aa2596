"""Counts products by category, so that a shopper can choose another one."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from django.db.models import Count

from products.models import Product
from products.search.candidates import Ranking
from products.search.nearest import Plan
from products.search.question import Request
from products.search.rank import rank
from products.search.results import Facets


def ranked_facets(request: Request, ranking: Ranking | None = None) -> Facets:
    """Return how many of the products that answer a question are in each category.

    ranking: what the question found, if it is there. It is asked again, without the
    categories, where it was narrowed to some.
    """
    if ranking is None or request.filters.categories:
        plan = Plan("facets", "the categories are counted")
        ranking, _ = rank(in_any_category(request), plan)
    counts = Counter(candidate.category for candidate in ranking.candidates)
    best = f"the best {len(ranking.candidates)}" if ranking.more else "all"
    return Facets(by_size(counts), f"among {best} products found")


def catalogue_facets(request: Request) -> Facets:
    """Return how many products are in each category; one statement, reads them all."""
    products = Product.objects.using(request.using)
    passing = in_any_category(request).filters.narrow(products).order_by()
    counts = dict(passing.values_list("category").annotate(Count("pk")))
    return Facets(by_size(Counter(counts)), "in the whole catalogue")


def in_any_category(request: Request) -> Request:
    """Return the same question, asked of products of any category."""
    filters = replace(request.filters, categories=())
    return replace(request, filters=filters, diversity=0.0)


def by_size(counts: Counter[str]) -> list[tuple[str, int]]:
    """Return the counts, the largest first, equal ones by name."""
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))
