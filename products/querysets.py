"""The query language of the catalogue: lazy, chainable, parameters never in the SQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q, Subquery
from django.db.models.functions import Cast
from pgvector.django import CosineDistance, HalfVectorField

from products.embeddings import get_backend

if TYPE_CHECKING:
    from products.models import Product


class ProductQuerySet(models.QuerySet["Product"]):
    """Products, with the questions one can ask of them."""

    def for_display(self) -> Self:
        """Return the same products without the columns no page shows.

        A vector is 1.5 kB a row, and the text search column is often larger.
        """
        return self.defer("embedding", "search_vector", "text_hash", "embedded_hash")

    def get_by_natural_key(self, sku: str) -> Product:
        """Return the product with this sku, for `loaddata`."""
        return self.get(sku=sku)

    # Similarity

    def nearest_to(
        self, vector: Sequence[float] | Subquery, *, fingerprint: str | None = None
    ) -> Self:
        """Return products with the nearest to *vector* first.

        vector: 384 floats, or a subquery that gives one. fingerprint: the recipe
        that made it, by default the configured one; products embedded by another
        are left out, since vectors of two recipes say nothing about each other.
        Adds ``distance``: cosine distance, 0 (same direction) to 2 (opposite).
        Products without embedding are left out; ties are broken by id.
        Raises ValueError for a vector of another length.

        Slice the result: without LIMIT the HNSW index is not used. See
        https://github.com/pgvector/pgvector#hnsw
        """
        if not isinstance(vector, Subquery):
            dimensions = self.model._meta.get_field("embedding").dimensions
            if len(vector) != dimensions:
                raise ValueError(f"expected {dimensions} numbers, not {len(vector)}")
        if fingerprint is None:
            fingerprint = get_backend().fingerprint
        return (
            self.filter(embedding__isnull=False, embedding_fingerprint=fingerprint)
            .annotate(distance=self.cosine_distance(vector))
            .order_by("distance", "pk")
        )

    def cosine_distance(self, vector: Any) -> CosineDistance:
        """Return the distance in the form that the configured index knows."""
        if not settings.HNSW_HALFVEC:
            return CosineDistance("embedding", vector)
        field = HalfVectorField(
            dimensions=self.model._meta.get_field("embedding").dimensions
        )
        if isinstance(vector, Subquery):
            vector = Cast(vector, field)
        return CosineDistance(Cast("embedding", field), vector)

    def similar_to(self, product: Product) -> Self:
        """Return the products like *product*, nearest first, itself left out.

        Empty when it has no embedding. One statement: the vector stays in the
        database. Adds ``distance``, as nearest_to() does.
        """
        same = self.model._default_manager.using(self.db).filter(pk=product.pk)
        vector = Subquery(same.values("embedding")[:1])
        return self.nearest_to(
            vector, fingerprint=product.embedding_fingerprint
        ).exclude(pk=product.pk)

    # Life of an embedding

    def missing_embedding(self) -> Self:
        """Return products that have no embedding yet."""
        return self.filter(embedding__isnull=True)

    def stale(self) -> Self:
        """Return products whose text changed after it was embedded."""
        return self.filter(embedding__isnull=False).exclude(
            embedded_hash=F("text_hash")
        )

    def other_recipe(self) -> Self:
        """Return products embedded by another recipe than the configured one."""
        return self.filter(embedding__isnull=False).exclude(
            embedding_fingerprint=get_backend().fingerprint
        )

    def needs_embedding(self) -> Self:
        """Return products whose embedding is missing, stale or of another recipe."""
        return self.filter(
            Q(embedding__isnull=True)
            | ~Q(embedded_hash=F("text_hash"))
            | ~Q(embedding_fingerprint=get_backend().fingerprint)
        )
