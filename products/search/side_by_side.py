"""Puts up to four products side by side, with what tells them from the first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from products.embeddings import get_backend
from products.models import Product
from products.search.nearness import Near, near
from products.sql.expressions import ColumnOf

MOST_COMPARED = 4


@dataclass(frozen=True)
class Column:
    """A product, and how it differs from the first of those beside it.

    dearer: by how much, less than zero for a cheaper one; near: None where the two
    cannot be compared, or are too far from each other.
    """

    product: Product
    is_first: bool
    dearer: Decimal
    other_category: bool
    near: Near | None


def side_by_side(pks: Sequence[int]) -> list[Column]:
    """Return the products with these ids, in this order; ids of none are left out.

    Two statements. Raises ValueError for more than four.
    """
    if len(pks) > MOST_COMPARED:
        raise ValueError(f"at most {MOST_COMPARED} products, not {len(pks)}")
    stored = Product.objects.for_display().in_bulk(pks)
    products = [stored[pk] for pk in pks if pk in stored]
    if not products:
        return []
    first, *others = products
    distances = distances_to(first, others)
    return [column_of(each, first, distances.get(each.pk)) for each in products]


def distances_to(first: Product, others: Sequence[Product]) -> dict[int, float | None]:
    """Return the cosine distance of the others to the first, by id; None without one."""
    compared = Product.objects.filter(pk__in=[other.pk for other in others])
    vector = ColumnOf(Product, "embedding", first.pk)
    recipe = first.embedding_fingerprint
    compared = compared.with_distance_to(vector, fingerprint=recipe)
    return {product.pk: product.distance for product in compared.only("pk")}


def column_of(product: Product, first: Product, distance: float | None) -> Column:
    """Return a product beside the first one."""
    similarity = None if distance is None else 1 - distance
    return Column(
        product=product,
        is_first=product == first,
        dearer=product.price - first.price,
        other_category=product.category != first.category,
        near=near(similarity, get_backend().default_floor),
    )
