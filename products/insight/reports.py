"""Reports from the vectors themselves: near-duplicates, and odd categories.

Both ask the index for the neighbours of a bounded number of products, in the order of
their ids. What they miss is what the index misses: it finds nearly all, not all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models.functions import JSONObject

from products.models import Product
from products.querysets import ProductQuerySet
from products.search.nearest import read_on

Finding = TypeVar("Finding")

# How many products a page of a report looks at: a search for each, a second in all.
PAGE_PRODUCTS = 500

# Cosine distance: two products that are nearer mostly say the same in other words.
DUPLICATE_DISTANCE = 0.05

VOTERS = 10


@dataclass(frozen=True)
class NearDuplicate:
    """Two products whose vectors are a small cosine *distance* apart."""

    product: Product
    other: Product
    distance: float


@dataclass(frozen=True)
class OddCategory:
    """A product, and the category that *votes* of its ten nearest have instead."""

    product: Product
    category: str
    votes: int


@dataclass(frozen=True)
class ReportPage(Generic[Finding]):
    """What was found among *looked_at* products; *last* is the id to go on after.

    last: None when no product is left to look at.
    """

    findings: list[Finding]
    looked_at: int
    last: int | None


def near_duplicates(
    *,
    after: int = 0,
    threshold: float = DUPLICATE_DISTANCE,
    limit: int = PAGE_PRODUCTS,
) -> ReportPage[NearDuplicate]:
    """Return the products whose nearest one is closer than *threshold*, closest first.

    after: look at products with a larger id, *limit* of them. threshold: cosine
    distance, 0 to 2. Only vectors of the recipe in force are compared. A pair comes
    once a page, and again on the page of its other product. Three statements, one of
    which searches the index once for each product.
    """
    nearest = Product.objects.nearest_to_outer()[:1].values_list(
        JSONObject(id="pk", distance="distance")
    )
    products = looked_at(after, limit, nearest)
    pairs: dict[frozenset[int], tuple[Product, dict[str, Any]]] = {}
    for product, nearest_ones in products:
        for found in nearest_ones:
            if found["distance"] < threshold:
                pairs.setdefault(frozenset((product.pk, found["id"])), (product, found))
    others = displayed().in_bulk([found["id"] for _, found in pairs.values()])
    findings = [
        NearDuplicate(product, others[found["id"]], found["distance"])
        for product, found in pairs.values()
        if found["id"] in others  # it may have been deleted a moment ago
    ]
    findings.sort(key=lambda pair: (pair.distance, pair.product.pk))
    return report_page(findings, products, limit)


def odd_categories(
    *, after: int = 0, limit: int = PAGE_PRODUCTS
) -> ReportPage[OddCategory]:
    """Return the products most of whose ten nearest share another category.

    Most: six or more. The clearest come first; neighbours without a category have no
    vote. after: look at products with a larger id, *limit* of them. Two statements,
    one of which searches the index once for each product.
    """
    nearest = Product.objects.nearest_to_outer()[:VOTERS].values_list("category")
    products = looked_at(after, limit, nearest)
    findings = []
    for product, neighbours in products:
        categories = Counter(neighbours)
        for category, votes in categories.most_common(1):
            if votes * 2 > VOTERS and category not in ("", product.category):
                findings.append(OddCategory(product, category, votes))
    findings.sort(key=lambda odd: (-odd.votes, odd.product.pk))
    return report_page(findings, products, limit)


def displayed() -> ProductQuerySet:
    return Product.objects.only("sku", "name", "category")


def looked_at(after: int, limit: int, found: Any) -> list[tuple[Product, list[Any]]]:
    """Return the next products, each with what a subquery finds for it."""
    products = displayed().embedded().filter(pk__gt=after).order_by("pk")
    rows = products.annotate(found=ArraySubquery(found))[:limit]
    return [(row, getattr(row, "found")) for row in read_on(rows)]  # noqa: B009


def report_page(
    findings: list[Finding], products: Sequence[tuple[Product, Any]], limit: int
) -> ReportPage[Finding]:
    last = products[-1][0].pk if len(products) == limit else None
    return ReportPage(findings, len(products), last)
