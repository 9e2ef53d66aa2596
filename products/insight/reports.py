"""Reports from the vectors themselves: near-duplicates, and odd categories.

Both ask the index for the neighbours of a bounded number of products, in the order of
their ids, and stop after a second. What they miss is what the index misses: it finds
nearly all, not all.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Case, F, OuterRef, Q, When
from django.db.models.functions import JSONObject

from products.models import NotDuplicate, Product
from products.querysets import ProductQuerySet
from products.search.nearest import read_on
from products.sql.expressions import InArray
from products.sql.sharding import is_sharded

Finding = TypeVar("Finding")

# A page of a report looks at this many products, a search for each, or at those that it
# gets through in a second, whichever is less. They are read some at a time, so that a
# page on a slow server ends soon after.
PAGE_PRODUCTS = 1_000
PAGE_SECONDS = 1.0
CHUNK_PRODUCTS = 50

# The products that are left are counted up to this many.
MAX_LEFT = 100_000

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

    last: None when no product is left to look at. left: how many are, MAX_LEFT at most.
    """

    findings: list[Finding]
    looked_at: int
    last: int | None
    left: int


def near_duplicates(
    *,
    after: int = 0,
    threshold: float = DUPLICATE_DISTANCE,
    limit: int = PAGE_PRODUCTS,
) -> ReportPage[NearDuplicate]:
    """Return the products whose nearest one is closer than *threshold*, closest first.

    Pairs that are settled as no duplicates are left out, and the next nearest product
    comes instead. after: look at products with a larger id, up to *limit* of them.
    threshold: cosine distance, 0 to 2. Only vectors of the recipe in force are
    compared. A pair comes once a page, and again on the page of its other product. A
    statement for 50 products, which searches the index once for each.
    """
    unsettled = Product.objects.nearest_to_outer().filter(~Q(settled_with_outer()))
    nearest = unsettled[:1].values_list(JSONObject(id="pk", distance="distance"))
    looked_at, last = look_at(after, limit, nearest, nearest_unsettled)
    pairs: dict[frozenset[int], tuple[Product, dict[str, Any]]] = {}
    for product, nearest_ones in looked_at:
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
    return report_page(findings, looked_at, last)


def odd_categories(
    *, after: int = 0, limit: int = PAGE_PRODUCTS
) -> ReportPage[OddCategory]:
    """Return the products most of whose ten nearest share another category.

    Most: six or more. The clearest come first; neighbours without a category have no
    vote. after: look at products with a larger id, up to *limit* of them. A statement
    for 50 products, which searches the index once for each.
    """
    nearest = Product.objects.nearest_to_outer()[:VOTERS].values_list("category")
    looked_at, last = look_at(after, limit, nearest, categories_nearby)
    findings = []
    for product, neighbours in looked_at:
        categories = Counter(neighbours)
        for category, votes in categories.most_common(1):
            if votes * 2 > VOTERS and category not in ("", product.category):
                findings.append(OddCategory(product, category, votes))
    findings.sort(key=lambda odd: (-odd.votes, odd.product.pk))
    return report_page(findings, looked_at, last)


def displayed() -> ProductQuerySet:
    return Product.objects.only("sku", "name", "category")


def settled_with_outer() -> InArray:
    """Return whether a product is settled as no duplicate of that of the outer query.

    An array, which PostgreSQL reads once for each product of the outer query; it could
    turn an EXISTS into a join, and then leave the index aside.
    """
    outer = OuterRef(OuterRef("pk"))
    pairs = NotDuplicate.objects.order_by().filter(Q(product=outer) | Q(other=outer))
    other = Case(When(product=outer, then=F("other")), default=F("product"))
    return InArray(F("pk"), ArraySubquery(pairs.values(the_other=other)))


# Shards take no subquery about the product of the outer query: there each product is
# asked about by a statement of its own.


def nearest_unsettled(product: Product) -> list[dict[str, Any]]:
    """Return the one product nearest to another that is not settled, if there is any."""
    pairs = NotDuplicate.objects.order_by().filter(
        Q(product=product) | Q(other=product)
    )
    settled = {pk for pair in pairs.values_list("product", "other") for pk in pair}
    found = read_on(Product.objects.similar_to(product).exclude(pk__in=settled)[:1])
    return [{"id": other.pk, "distance": other.distance} for other in found]


def categories_nearby(product: Product) -> list[str]:
    """Return the categories of the products nearest to another."""
    found = read_on(Product.objects.similar_to(product)[:VOTERS])
    return [other.category for other in found]


def look_at(
    after: int, limit: int, found: Any, on_shards: Callable[[Product], list[Any]]
) -> tuple[list[tuple[Product, list[Any]]], int | None]:
    """Return the next products, each with what a subquery finds, and the last one's id.

    on_shards: what finds the same there. None in place of the id when no product is
    left.
    """
    started = time.monotonic()
    looked_at: list[tuple[Product, list[Any]]] = []
    embedded = displayed().embedded().order_by("pk")
    sharded = is_sharded(embedded.db)
    if not sharded:
        embedded = embedded.annotate(found=ArraySubquery(found))
    while len(looked_at) < limit and time.monotonic() - started < PAGE_SECONDS:
        size = min(CHUNK_PRODUCTS, limit - len(looked_at))
        if sharded:
            rows = list(embedded.filter(pk__gt=after)[:size])
            looked_at += [(row, on_shards(row)) for row in rows]
        else:
            rows = read_on(embedded.filter(pk__gt=after)[:size])
            looked_at += [(row, getattr(row, "found")) for row in rows]  # noqa: B009
        if len(rows) < size:
            return looked_at, None
        after = rows[-1].pk
    return looked_at, after


def report_page(
    findings: list[Finding], looked_at: list[tuple[Product, Any]], last: int | None
) -> ReportPage[Finding]:
    left = 0
    if last is not None:
        rest = displayed().embedded().filter(pk__gt=last).order_by()
        left = rest[:MAX_LEFT].count()
    return ReportPage(findings, len(looked_at), last if left else None, left)
