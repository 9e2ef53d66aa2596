"""The query language of the catalogue: lazy, chainable, parameters never in the SQL."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Self

from django.apps import apps
from django.conf import settings
from django.contrib.postgres.search import SearchRank
from django.db import models
from django.db.models import (
    Case,
    CharField,
    Count,
    Expression,
    F,
    Min,
    OuterRef,
    Q,
    Subquery,
    Value,
    When,
)
from django.db.models.functions import Cast, Coalesce
from django.db.models.lookups import IsNull
from django.utils.translation import gettext_lazy as _
from pgvector.django import CosineDistance, HalfVectorField

from products.embeddings import get_backend
from products.embeddings.text import unknown_hash_expression
from products.sql.expressions import (
    ColumnOf,
    NameLexemes,
    SearchesWidely,
    TermsQuery,
    Text,
    coverage,
    term_bits,
)
from products.sql.sharding import id_of_sku, is_sharded

if TYPE_CHECKING:
    from products.models import Product


# How many candidates the HNSW index keeps at least. With pgvector's default of 40 the
# ten nearest of 100,000 products had a recall of 0.93, with 100 of 0.99 (manage.py
# tune_search).
EF_SEARCH = 100


class EmbeddingState(models.TextChoices):
    """What an embedding says about its text; each product is in exactly one state."""

    MISSING = "missing", _("missing")
    STALE = "stale", _("stale")
    OTHER_RECIPE = "other_recipe", _("other recipe")
    FRESH = "fresh", _("fresh")
    UNKNOWN = "unknown", _("no known word")


class ProductQuerySet(models.QuerySet["Product"]):
    """Products, with the questions one can ask of them."""

    def without_vectors(self) -> Self:
        """Return the same products without the columns that nobody reads.

        A vector is 1.5 kB a row, and the text search column is often larger.
        """
        return self.defer("embedding", "search_vector", "text_hash", "embedded_hash")

    def for_display(self) -> Self:
        """Return the same products with the columns that the shop's pages show."""
        return self.only(*DISPLAYED)

    def bulk_create(self, objs: Iterable[Product], *args: Any, **options: Any) -> Any:
        """Insert products, on shards with the ids of their skus; see Django's manual.

        Shards return rows in an order of their own, so none may get its id from there.
        """
        products = list(objs)
        if is_sharded(self.db):
            for product in products:
                product.pk = id_of_sku(product.sku)
        return super().bulk_create(products, *args, **options)

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

    def embedded(self, *, fingerprint: Text | None = None) -> Self:
        """Return the products embedded by a recipe, by default the one in force."""
        return self.filter(~MISSING & by_recipe(fingerprint))

    # Keywords

    def with_sku(self, text: Text) -> Self:
        """Return the product whose sku is *text*, in upper or lower case."""
        return self.filter(sku__iexact=text)

    def matching(
        self,
        terms: Sequence[Text],
        *,
        every: bool = False,
        having: Sequence[Text] = (),
    ) -> Self:
        """Return the products with any of *terms* in their text, best match first.

        terms: as query_terms() quotes them. every: only those with all of them;
        having: only those that match any of these tsqueries, which ask for some of
        them. Adds ``coverage``: which share of the terms the product has, 0 to 1.
        Empty without terms. Best is the largest coverage, then ts_rank, which looks at
        how often and in which field a word stands; ties are broken by id. See
        https://www.postgresql.org/docs/current/textsearch-controls.html
        """
        if not terms:
            return self.none()
        # The rank is by any of the terms, also with *every*: one order in both cases.
        query = TermsQuery(terms)
        return (
            self.filter(search_vector=TermsQuery(having or terms, every=every))
            .annotate(coverage=coverage(terms))
            # F(): from a bare name SearchRank makes a new vector, of every row.
            .order_by("-coverage", SearchRank(F("search_vector"), query).desc(), "pk")
        )

    def with_terms(self, terms: Sequence[Text]) -> Self:
        """Return the same products with which of *terms* their text and name have.

        terms: as query_terms() quotes them. Adds ``bits``, see term_bits(), and
        ``name_lexemes``, see NameLexemes.
        """
        return self.annotate(bits=term_bits(terms), name_lexemes=NameLexemes())

    # Similarity

    def with_distance_to(self, vector: Expression, *, fingerprint: Text) -> Self:
        """Return the same products with their cosine distance to a vector.

        Null for products that the recipe *fingerprint* has not embedded. Adds
        ``distance``, in any order.
        """
        distance = CosineDistance("embedding", vector)
        return self.annotate(
            distance=Case(When(embedding_fingerprint=fingerprint, then=distance))
        )

    def nearest_to(
        self,
        vector: Sequence[float] | Expression,
        *,
        fingerprint: Text | None = None,
        exact: bool = False,
        ef_search: int | None = EF_SEARCH,
    ) -> Self:
        """Return products with the nearest to *vector* first.

        vector: 384 floats, or an expression. fingerprint: the recipe that made it, by
        default the configured one; products embedded by another are left out, since
        vectors of two recipes say nothing about each other.
        Adds ``distance``: cosine distance, 0 (same direction) to 2 (opposite).
        Products without embedding are left out; ties are broken by id.
        Raises ValueError for a vector of another length.

        exact: compare every product, whatever the planner thinks of the index.
        ef_search: how many candidates the index keeps at least, 1 to 1,000; None
        leaves the setting hnsw.ef_search as it is.
        Slice the result: without LIMIT the HNSW index is not used. See
        https://github.com/pgvector/pgvector#hnsw
        """
        if not isinstance(vector, Expression):
            dimensions = self.model._meta.get_field("embedding").dimensions
            if len(vector) != dimensions:
                raise ValueError(f"expected {dimensions} numbers, not {len(vector)}")
        # Not the one in force: a vector belongs to the recipe that made it.
        fingerprint = fingerprint or get_backend().fingerprint
        return self._nearest(vector, by_recipe(fingerprint), exact, ef_search)

    def _nearest(
        self,
        vector: Sequence[float] | Expression | OuterRef,
        condition: Q,
        exact: bool,
        ef_search: int | None,
    ) -> Self:
        """Return nearest_to() with all its conditions in one, which is quick to build."""
        conditions: list[Any] = [~MISSING, condition]
        if exact:
            distance = CosineDistance("embedding", vector)
            # No index orders a sum, so PostgreSQL must read what the filters leave.
            nearness: Any = F("distance") + Value(0.0)
        else:
            distance, nearness = self.cosine_distance(vector), "distance"
            if ef_search is not None:
                conditions.append(SearchesWidely(ef_search))
        products = self.filter(*conditions).annotate(distance=distance)
        return products.order_by(nearness, "pk")

    def cosine_distance(self, vector: Any) -> CosineDistance:
        """Return the distance in the form that the configured index knows."""
        if not settings.HNSW_HALFVEC:
            return CosineDistance("embedding", vector)
        field = HalfVectorField(
            dimensions=self.model._meta.get_field("embedding").dimensions
        )
        if isinstance(vector, Expression | OuterRef):
            vector = Cast(vector, field)
        return CosineDistance(Cast("embedding", field), vector)

    def similar_to(
        self,
        product: Product,
        *,
        exact: bool = False,
        ef_search: int | None = EF_SEARCH,
    ) -> Self:
        """Return the products like *product*, nearest first, itself left out.

        Empty when it has no embedding. One statement: the vector and its recipe stay
        in the database, so that they belong together also while the recipe is
        switched. Adds ``distance``, takes exact and ef_search, as nearest_to() does.
        """
        vector = ColumnOf(self.model, "embedding", product.pk)
        recipe = ColumnOf(self.model, "embedding_fingerprint", product.pk)
        # Without a vector every distance is null. Asked once, before any row is read.
        condition = by_recipe(recipe) & ~Q(pk=product.pk) & Q(IsNull(vector, False))
        return self._nearest(vector, condition, exact, ef_search)

    def nearest_to_outer(self) -> Self:
        """Return the products nearest to the one of the outer query, for a subquery.

        Itself, and those of another recipe, are left out. Adds ``distance``, as
        nearest_to() does. Slice the result and evaluate the outer query with read_on();
        otherwise the index may return only products of another recipe, and nothing is
        left of them.
        """
        condition = Q(embedding_fingerprint=OuterRef("embedding_fingerprint"))
        condition &= ~Q(pk=OuterRef("pk"))
        return self._nearest(OuterRef("embedding"), condition, False, EF_SEARCH)

    # Life of an embedding: each product is in exactly one of five states. All of them
    # are asked about the recipe in force, or the one of *fingerprint*.

    def missing_embedding(self, fingerprint: str | None = None) -> Self:
        """Return products that have no embedding yet."""
        return self.filter(MISSING & ~no_known_word(fingerprint))

    def without_known_words(self, fingerprint: str | None = None) -> Self:
        """Return products that get no embedding: the model knows no word of the text."""
        return self.filter(no_known_word(fingerprint))

    def other_recipe(self, fingerprint: str | None = None) -> Self:
        """Return products embedded by another recipe: no search finds these."""
        return self.filter(~MISSING & ~by_recipe(fingerprint))

    def stale(self, fingerprint: str | None = None) -> Self:
        """Return products whose text changed after it was embedded, also by raw SQL."""
        return self.filter(~MISSING & by_recipe(fingerprint) & ~SAME_TEXT)

    def fresh(self, fingerprint: str | None = None) -> Self:
        """Return products whose embedding is that of their text."""
        return self.filter(~MISSING & by_recipe(fingerprint) & SAME_TEXT)

    def needs_embedding(self, fingerprint: str | None = None) -> Self:
        """Return products that an embedding could be made for, and are not fresh."""
        return self.filter(needs_vector(fingerprint))

    def backlog(self) -> dict[str, Any]:
        """Return how many products there are, how many need an embedding, since when.

        By the keys `products`, `waiting` and `since`: when the oldest of them was last
        saved, None without one. One statement, which reads all rows.
        """
        needing = needs_vector(None)
        return self.aggregate(
            products=Count("pk"),
            waiting=Count("pk", filter=needing),
            since=Min("updated_at", filter=needing),
        )

    def with_embedding_state(self, fingerprint: str | None = None) -> Self:
        """Return the same products with ``embedding_state``, a value of EmbeddingState.

        Worked out by the statement that reads the products; no vector is sent.
        """
        state = Case(
            When(no_known_word(fingerprint), then=Value(EmbeddingState.UNKNOWN)),
            When(MISSING, then=Value(EmbeddingState.MISSING)),
            When(~by_recipe(fingerprint), then=Value(EmbeddingState.OTHER_RECIPE)),
            When(~SAME_TEXT, then=Value(EmbeddingState.STALE)),
            default=Value(EmbeddingState.FRESH),
            output_field=CharField(),
        )
        return self.annotate(embedding_state=state)

    def embedding_states(self, fingerprint: str | None = None) -> dict[str, int]:
        """Return how many products are in each state, by the values of EmbeddingState.

        One statement, which reads all rows.
        """
        recipe, unknown = by_recipe(fingerprint), no_known_word(fingerprint)
        return self.aggregate(
            missing=Count("pk", filter=MISSING & ~unknown),
            other_recipe=Count("pk", filter=~MISSING & ~recipe),
            stale=Count("pk", filter=~MISSING & recipe & ~SAME_TEXT),
            fresh=Count("pk", filter=~MISSING & recipe & SAME_TEXT),
            unknown=Count("pk", filter=unknown),
        )


# What the shop's pages show of a product, and what says which vectors it compares with.
DISPLAYED = (
    "id",
    "sku",
    "name",
    "category",
    "description",
    "price",
    "image",
    "embedding_fingerprint",
)

MISSING = Q(embedding__isnull=True)
SAME_TEXT = Q(embedded_hash=F("text_hash"))


def by_recipe(fingerprint: Text | None) -> Q:
    """Return the condition that a product is embedded by a recipe; see recipe()."""
    return Q(embedding_fingerprint=recipe(fingerprint))


def no_known_word(fingerprint: Text | None) -> Q:
    """Return the condition that the model of a recipe knows no word of a product."""
    return MISSING & Q(embedded_hash=unknown_hash_expression(recipe(fingerprint)))


def needs_vector(fingerprint: Text | None) -> Q:
    """Return the condition that a vector could be made for a product, and is not fresh."""
    return (MISSING & ~no_known_word(fingerprint)) | (
        ~MISSING & ~(by_recipe(fingerprint) & SAME_TEXT)
    )


def recipe(fingerprint: Text | None) -> Text:
    """Return the fingerprint of a recipe for a statement.

    None: the one in force, read by the same statement as the products.
    """
    if fingerprint is not None:
        return fingerprint
    recipes = apps.get_model("products", "EmbeddingRecipe").objects
    recorded = Subquery(recipes.values("fingerprint")[:1])
    return Coalesce(recorded, Value(get_backend().fingerprint))
