"""The query language of the catalogue: lazy, chainable, parameters never in the SQL."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Self

from django.contrib.postgres.search import SearchRank
from django.db import models
from django.db.models import BooleanField, F, Func, Q, Value
from django.utils.functional import cached_property
from pgvector.django import CosineDistance, VectorField

from products.embeddings import get_backend
from products.keywords import TermsQuery, coverage

if TYPE_CHECKING:
    from products.models import Product


# How many candidates the HNSW index keeps at least. With pgvector's default of 40 the
# ten nearest of 100,000 products had a recall of 0.93, with 100 of 0.99, for 1 ms more
# (manage.py tune_search).
EF_SEARCH = 100


class SearchesWidely(Func):
    """True; sets hnsw.ef_search for the rest of the transaction, unless it is larger.

    Within the statement, so that it takes no second one. Without a column in it,
    PostgreSQL evaluates it once and before the scan, as "One-Time Filter" in EXPLAIN.
    """

    template = (
        "(SELECT set_config('hnsw.ef_search', greatest(%(expressions)s, "
        "current_setting('hnsw.ef_search', true)::integer)::text, true)) IS NOT NULL"
    )
    output_field = BooleanField()


class EmbeddingOf(Func):
    """The embedding of the product with an id, null where there is none.

    Written out, since a Subquery takes Django longer to make than PostgreSQL takes to
    answer (benchmarks/similar.py).
    """

    template = "(SELECT embedding FROM products WHERE id = %(expressions)s LIMIT 1)"

    @cached_property
    def output_field(self) -> VectorField:
        return VectorField()


class HasEmbedding(Func):
    """Whether the product with an id has an embedding."""

    template = (
        "EXISTS(SELECT 1 FROM products WHERE id = %(expressions)s "
        "AND embedding IS NOT NULL)"
    )
    output_field = BooleanField()


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

    # Filters

    def in_category(self, *categories: str) -> Self:
        """Return the products of any of *categories*; all of them when none is given."""
        return self.filter(category__in=categories) if categories else self

    def priced(
        self, *, low: Decimal | None = None, high: Decimal | None = None
    ) -> Self:
        """Return the products that cost from *low* to *high*, both included."""
        products = self if low is None else self.filter(price__gte=low)
        return products if high is None else products.filter(price__lte=high)

    def embedded(self, *, fingerprint: str | None = None) -> Self:
        """Return the products embedded by a recipe, by default the configured one."""
        return self.filter(
            embedding__isnull=False,
            embedding_fingerprint=fingerprint or get_backend().fingerprint,
        )

    # Keywords

    def with_sku(self, text: str) -> Self:
        """Return the product whose sku is *text*, in upper or lower case."""
        return self.filter(sku__iexact=text)

    def matching(self, terms: Sequence[str], *, every: bool = False) -> Self:
        """Return the products with any of *terms* in their text, best match first.

        terms: as query_terms() gives them. every: only those with all of them. Adds
        ``coverage``: which share of the terms the product has, 0 to 1. Empty without
        terms. Best is the largest coverage, then ts_rank, which looks at how often
        and in which field a word stands; ties are broken by id. See
        https://www.postgresql.org/docs/current/textsearch-controls.html
        """
        if not terms:
            return self.none()
        # Ranked by any of them also where all are there, for one order in both cases.
        query = TermsQuery(terms)
        return (
            self.filter(search_vector=TermsQuery(terms, every=every))
            .annotate(coverage=coverage(terms))
            # F(): from a bare name SearchRank makes a new vector, of every row.
            .order_by("-coverage", SearchRank(F("search_vector"), query).desc(), "pk")
        )

    # Similarity

    def nearest_to(
        self,
        vector: Sequence[float] | EmbeddingOf,
        *,
        fingerprint: str | None = None,
        exact: bool = False,
        ef_search: int | None = EF_SEARCH,
    ) -> Self:
        """Return products with the nearest to *vector* first.

        vector: 384 floats, or the EmbeddingOf a product. fingerprint: the recipe
        that made it, by default the configured one; products embedded by another
        are left out, since vectors of two recipes say nothing about each other.
        Adds ``distance``: cosine distance, 0 (same direction) to 2 (opposite).
        Products without embedding are left out; ties are broken by id.
        Raises ValueError for a vector of another length.

        exact: compare every product, whatever the planner thinks of the index.
        ef_search: how many candidates the index keeps at least, 1 to 1,000; None
        leaves the setting hnsw.ef_search as it is.
        Slice the result: without LIMIT the HNSW index is not used. See
        https://github.com/pgvector/pgvector#hnsw
        """
        if not isinstance(vector, EmbeddingOf):
            dimensions = self.model._meta.get_field("embedding").dimensions
            if len(vector) != dimensions:
                raise ValueError(f"expected {dimensions} numbers, not {len(vector)}")
        products = self.embedded(fingerprint=fingerprint).annotate(
            distance=CosineDistance("embedding", vector)
        )
        if exact:
            # No index orders a sum, so PostgreSQL must read what the filters leave.
            return products.order_by(F("distance") + Value(0.0), "pk")
        if ef_search is not None:
            products = products.filter(SearchesWidely(ef_search))
        return products.order_by("distance", "pk")

    def similar_to(
        self,
        product: Product,
        *,
        exact: bool = False,
        ef_search: int | None = EF_SEARCH,
    ) -> Self:
        """Return the products like *product*, nearest first, itself left out.

        Empty when it has no embedding. One statement: the vector stays in the
        database. Adds ``distance``, takes exact and ef_search, as nearest_to() does.
        """
        # Without a vector every distance is null. Asked once, before any row is read.
        others = self.filter(HasEmbedding(product.pk), ~Q(pk=product.pk))
        return others.nearest_to(
            EmbeddingOf(product.pk),
            fingerprint=product.embedding_fingerprint,
            exact=exact,
            ef_search=ef_search,
        )

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
