"""Finds and ranks the candidates of a question: by meaning, by words, by both."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Protocol, TypeVar

from django.conf import settings
from django.db.models import Value
from django.db.models.functions import Cast
from pgvector.django import VectorField

from products.models import DIMENSIONS, Product
from products.quality.calibration import get_floor
from products.querysets import ProductQuerySet
from products.search.nearest import Plan, index_settings, plan_neighbours
from products.search.question import Request
from products.search.results import Candidate
from products.search.scores import (
    hybrid_scores,
    maximal_marginal_relevance,
    ranks,
    sort_stably,
)
from products.search.word_matches import best_matches
from products.search.words import Match, Term, match_terms, query_terms
from products.sql.prepared import Prepared, any_text

Row = TypeVar("Row")
Row_co = TypeVar("Row_co", covariant=True)


class Rows(Protocol[Row_co]):
    """A query that is run when it is sliced and listed."""

    def __getitem__(self, places: slice, /) -> Iterable[Row_co]: ...


# How many of the nearest products are looked up.
WINDOW = 200

# How many products with a word of the query are looked at more closely.
KEYWORD_CANDIDATES = 500

# How many products one question ranks, and so the most that can be paged through.
RANKED = WINDOW + KEYWORD_CANDIDATES


@dataclass(frozen=True)
class Ranking:
    """Candidates, best first; more: there are others that were not ranked."""

    candidates: list[Candidate]
    more: bool = False

    def cut(self, size: int) -> Ranking:
        """Return the best *size* of them."""
        if len(self.candidates) <= size:
            return self
        return Ranking(self.candidates[:size], more=True)


def filtered_products(request: Request) -> ProductQuerySet:
    """Return the products to search in: those that pass, without the examples."""
    products = request.filters.narrow(Product.objects.using(request.using))
    if request.examples:
        products = products.exclude(pk__in=[product.pk for product in request.examples])
    return products


def set_plan(request: Request, plan: Plan, *, limit: int, count: bool = False) -> None:
    """Decide how the nearest products are looked up, and note it in *plan*.

    count: count the products even where nothing is filtered out.
    """
    products = None
    if count or request.filters.of_embedded:
        narrowed = request.filters.narrow(Product.objects.using(request.using))
        products = narrowed.embedded(fingerprint=request.fingerprint)
    chosen = plan_neighbours(products, limit=limit)
    plan.method, plan.reason = chosen.method, chosen.reason
    plan.matching, plan.ef_search = chosen.matching, chosen.ef_search


def look_up(
    request: Request,
    plan: Plan,
    nearest: Callable[..., Rows[Row]],
    limit: int,
    rows: list[Row] | None = None,
) -> list[Row]:
    """Return the first *limit* rows of ``nearest(exact=...)``, as the plan wants it.

    rows: what it gave already, without a filter.

    Where the index gives fewer, either there are no more, or deleted rows, rows of
    another recipe or many equal ones were in its way. So they are counted and, unless
    they are many, read.
    """
    set_plan(request, plan, limit=limit)
    if rows is None:
        rows = planned(request, plan, nearest, limit)
    if len(rows) < limit and not plan.exact and plan.matching is None:
        set_plan(request, plan, limit=limit, count=True)
        rows = planned(request, plan, nearest, limit)
    plan.rows += plan.matching if plan.exact and plan.matching else len(rows)
    return rows


def planned(
    request: Request, plan: Plan, nearest: Callable[..., Rows[Row]], limit: int
) -> list[Row]:
    """Return the first *limit* rows, looked up by the plan as it is."""
    with index_settings(plan, using=request.using):
        return list(nearest(exact=plan.exact)[:limit])


def by_meaning(request: Request, plan: Plan, vector: list[float]) -> Ranking:
    """Return the products nearest to *vector*.

    Those too far away to be a match for a text are left out. For an example nothing
    is too far: the visitor sees what it is compared with.
    """

    limit = WINDOW + 1

    def nearest(*, exact: bool) -> Any:
        if not (exact or request.filters or request.examples):
            query = nearest_query(limit, settings.HNSW_HALFVEC)
            return query.rows(str(vector), request.fingerprint, using=request.using)
        products = filtered_products(request).nearest_to(
            vector, fingerprint=request.fingerprint, exact=exact
        )
        return products.values_list("pk", "category", "distance")  # type: ignore[misc]

    rows = look_up(request, plan, nearest, limit)
    # Iterative scans may come back slightly out of order.
    rows.sort(key=lambda row: (row[2], row[0]))
    candidates = [
        Candidate(pk, category, 1 - distance, 1 - distance, semantic_rank=rank)
        for rank, (pk, category, distance) in enumerate(rows, start=1)
    ]
    near = candidates if request.examples else above_floor(request, candidates)
    # An index that was not read to its end leaves some out, unless the floor does.
    return Ranking(near, more=plan.partial and len(near) == len(candidates)).cut(WINDOW)


@cache
def nearest_query(limit: int, halfvec: bool) -> Prepared[Product]:
    """Return the query for the *limit* products nearest to a vector, of a recipe.

    Their id, category and distance. Its values: the vector as text, the fingerprint.
    halfvec: the setting that the statement depends on, for the cache.
    """
    vector = Cast(Value(any_text(0)), VectorField(dimensions=DIMENSIONS))
    products = Product.objects.nearest_to(vector, fingerprint=any_text(1))[:limit]
    columns = products.values_list("pk", "category", "distance")  # type: ignore[misc]
    return Prepared.of(columns)


def above_floor(request: Request, candidates: list[Candidate]) -> list[Candidate]:
    """Return the candidates near enough to be a match; none if the best is not."""
    floor = get_floor(request.backend, using=request.using)
    if not candidates or candidates[0].score < floor.best:
        return []
    return [candidate for candidate in candidates if candidate.score >= floor.each]


def by_words(request: Request, plan: Plan, terms: Sequence[Term]) -> Ranking:
    """Return the products with any of *terms*, best first."""
    categories = with_words(request, plan, terms)
    matches = match_terms(terms, categories, using=request.using)
    ranked = sort_stably(matches, score=lambda pk: matches[pk].score)
    candidates = [
        Candidate(
            pk,
            categories[pk],
            matches[pk].score,
            keyword_rank=rank,
            words=matches[pk].words,
        )
        for rank, pk in enumerate(ranked, start=1)
    ]
    return Ranking(candidates, more=len(candidates) == KEYWORD_CANDIDATES)


def with_words(request: Request, plan: Plan, terms: Sequence[Term]) -> dict[int, str]:
    """Return the category of each product to rank for its words, by id."""
    chosen = best_matches(
        filtered_products(request),
        terms,
        limit=KEYWORD_CANDIDATES,
        filtered=bool(request.filters or request.examples),
    )
    plan.words = chosen.rules
    plan.rows += len(chosen.categories)
    return chosen.categories


def by_both(request: Request, plan: Plan, vector: list[float]) -> Ranking:
    """Return the products near the vector or with a word of the text.

    Each is scored by both, whichever search found it.
    """
    terms = query_terms(request.text, using=request.using)
    with_word = with_words(request, plan, terms)
    meaning = by_meaning(request, plan, vector)
    candidates = with_word | {near.pk: near.category for near in meaning.candidates}
    matches = match_terms(
        terms,
        candidates,
        vector=str(vector),
        fingerprint=request.fingerprint,
        using=request.using,
    )
    similarity = {
        pk: 1 - match.distance
        for pk, match in matches.items()
        if match.distance is not None
    } | {near.pk: near.score for near in meaning.candidates}
    semantic_ranks = {near.pk: near.semantic_rank for near in meaning.candidates}
    fused = fuse(candidates, similarity, semantic_ranks, matches)
    more = len(with_word) == KEYWORD_CANDIDATES or meaning.more
    return Ranking(fused, more=more)


def fuse(
    categories: Mapping[int, str],
    similarity: Mapping[int, float],
    semantic_ranks: Mapping[int, int | None],
    matches: Mapping[int, Match],
) -> list[Candidate]:
    """Return the candidates with their hybrid score, best first.

    categories: of all candidates, by id; similarity: of those that are embedded;
    semantic_ranks: of those found by meaning; matches: how their words match.
    """
    keyword = {pk: match.score for pk, match in matches.items() if match.words}
    # Without an embedding there is no similarity: as far as a product can be.
    scores = hybrid_scores({pk: similarity.get(pk, 0.0) for pk in categories}, keyword)
    keyword_ranks = ranks(keyword)
    return [
        Candidate(
            pk,
            categories[pk],
            scores[pk],
            similarity.get(pk),
            semantic_ranks.get(pk),
            keyword_ranks.get(pk),
            matches[pk].words if pk in matches else (),
        )
        for pk in sort_stably(scores, score=scores.__getitem__)
    ]


def diversified(request: Request, ranking: Ranking) -> Ranking:
    """Return the same candidates, the first 200 varied as far as is asked for."""
    import numpy as np

    if not request.diversity or not ranking.candidates:
        return ranking
    first, rest = ranking.candidates[:WINDOW], ranking.candidates[WINDOW:]
    pks = [candidate.pk for candidate in first]
    stored: dict[int, Any] = dict(
        Product.objects.using(request.using)
        .embedded(fingerprint=request.fingerprint)
        .filter(pk__in=pks)
        .values_list("pk", "embedding")
    )
    # A product without embedding is like no other.
    nothing = np.zeros(DIMENSIONS)
    vectors = np.array([stored.get(pk, nothing) for pk in pks], dtype=np.float32)
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    order = maximal_marginal_relevance(
        relevances(first), vectors, diversity=request.diversity
    )
    return replace(ranking, candidates=[*(first[i] for i in order), *rest])


def relevances(candidates: Sequence[Candidate]) -> list[float]:
    """Return the scores, scaled so that the best is as large as its similarity."""
    best = candidates[0]
    top = max((c.similarity or 0.0 for c in candidates), default=0.0) or 1.0
    scale = top / best.score if best.score > 0 else 1.0
    return [candidate.score * scale for candidate in candidates]
