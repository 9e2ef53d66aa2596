"""Turns a question into one page of results.

results = search("earphones", Filters(categories=("Electronics",)))
for hit in results:
    print(hit.product.name, hit.score)
print(results.plan.reason)
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import asdict, replace

from django.db import DEFAULT_DB_ALIAS, transaction

from products.candidates import (
    WINDOW,
    Ranking,
    by_both,
    by_meaning,
    by_words,
    diversified,
    filtered_products,
    set_plan,
)
from products.embeddings import BaseEmbeddingBackend, EmbeddingError, get_backend
from products.filters import Filters, SearchError
from products.models import Product
from products.planning import Plan, index_settings, recorded
from products.query_embedding import Vector, example_vector, query_vector
from products.recipes import with_active_backend
from products.request import Mode, Request, Sort, choose, clean_text
from products.results import Candidate, Hit, Results, count_facets

__all__ = ["Filters", "Mode", "Results", "SearchError", "Sort", "search"]

logger = logging.getLogger(__name__)

# How many products the catalogue without a question is paged through.
LISTING_WINDOW = 10_000

PAGE_SIZE = 24

EMBEDDER_FAILED = (
    "Searching by meaning is not possible just now: these match the words."
)


def search(
    text: str = "",
    filters: Filters = Filters(),  # noqa: B008 - immutable
    *,
    mode: str = Mode.HYBRID,
    like: Sequence[Product] = (),
    unlike: Sequence[Product] = (),
    diversity: float = 0.0,
    sort: str = Sort.NAME,
    page: int = 1,
    page_size: int = PAGE_SIZE,
    embedder: BaseEmbeddingBackend | None = None,
    using: str = DEFAULT_DB_ALIAS,
) -> Results:
    """Return one page of the products that answer a question, best first.

    text: what a shopper types, at most 1,000 characters; without text and examples
    the catalogue is listed, by *sort*. like, unlike: at most 20 example products,
    alone or beside a text; they are left out of the results. mode: see Mode; used
    with a text. diversity: 0 for the nearest, up to 1 for the most varied, by maximal
    marginal relevance. page: from 1; a page after the last gives the last. page_size:
    1 to 100. embedder: by default the backend of the recipe in force, also while that
    is switched.

    A product whose sku is the text comes first. What is too far away is left out;
    products with a word of the text stay. At most 200 products are ranked (10,000 are
    listed). When the text cannot be embedded, keyword results come with a notice.
    Raises SearchError for anything that cannot be searched for. Takes up to nine
    statements in one transaction, two more before and after it that look for a switch
    of the recipe, and one alone for "similar to this product".
    """
    request = Request(
        text=clean_text(text),
        filters=filters,
        mode=choose(Mode, mode, "mode"),
        like=tuple(like),
        unlike=tuple(unlike),
        diversity=diversity,
        sort=choose(Sort, sort, "sort"),
        page=page,
        page_size=page_size,
        backend=embedder or get_backend(),
        using=using,
    )
    if embedder or request.single_example or not (request.text or request.examples):
        return answer(request)
    return with_active_backend(
        lambda backend: answer(replace(request, backend=backend)),
        using=using,
        doubtful=SearchError,  # examples by another recipe than the text
    )


def answer(request: Request) -> Results:
    """Return the page of results that answers a question."""
    plan = Plan("listing", "no question was asked")
    using = request.using
    with recorded(plan, using=using):
        if example := request.single_example:
            return similar_page(request, plan, example)
        with transaction.atomic(using=using):
            if request.text or request.examples:
                return ranked_page(request, plan)
            return catalogue_page(request, plan)


def similar_page(request: Request, plan: Plan, example: Product) -> Results:
    """Return the products like one other: one statement where nothing is filtered."""
    if not example.embedding_fingerprint:
        raise SearchError(
            f"{example.name} has no embedding yet. Run manage.py embed_products."
        )
    limit = min(request.page * request.page_size, WINDOW) + 1
    set_plan(request, plan, fingerprint=example.embedding_fingerprint, limit=limit)
    products = (
        request.filters.narrow(Product.objects.using(request.using))
        .for_display()
        .similar_to(example, exact=plan.exact)[:limit]
    )
    with index_settings(plan, using=request.using):
        found = sorted(products, key=lambda product: (product.distance, product.pk))
    plan.rows += len(found) if plan.matching is None else plan.matching
    total = min(len(found), WINDOW)
    page = last_page(request, total)
    start = (page - 1) * request.page_size
    hits = [
        Hit(product, product.similarity, product.similarity, semantic_rank=rank)
        for rank, product in enumerate(found[:total], start=1)
    ][start : start + request.page_size]
    return Results(
        hits=hits,
        plan=plan,
        mode="similar",
        total=total,
        more=len(found) == limit,
        page=page,
        page_size=request.page_size,
    )


def catalogue_page(request: Request, plan: Plan) -> Results:
    """Return a page of the catalogue, as far as it passes the filters."""
    products = request.filters.narrow(Product.objects.using(request.using))
    counted = products.order_by()[: LISTING_WINDOW + 1].count()
    total = min(counted, LISTING_WINDOW)
    page = last_page(request, total)
    start = (page - 1) * request.page_size
    shown = products.for_display().order_by(request.sort, "pk")[
        start : min(start + request.page_size, LISTING_WINDOW)
    ]
    hits = [Hit(product, score=0.0) for product in shown]
    plan.rows = len(hits)
    return Results(
        hits=hits,
        plan=plan,
        mode="listing",
        total=total,
        more=counted > LISTING_WINDOW,
        page=page,
        page_size=request.page_size,
    )


def ranked_page(request: Request, plan: Plan) -> Results:
    """Return a page of what a text, examples, or both find."""
    ranking, notice = rank(request, plan)
    ranking = exact_first(request, diversified(request, ranking)).cut()
    total = len(ranking.candidates)
    page = last_page(request, total)
    start = (page - 1) * request.page_size
    return Results(
        hits=load_hits(request, ranking.candidates[start : start + request.page_size]),
        plan=plan,
        mode=request.mode if request.text else "similar",
        total=total,
        more=ranking.more,
        page=page,
        page_size=request.page_size,
        facets=count_facets(ranking.candidates),
        notice=notice,
    )


def rank(request: Request, plan: Plan) -> tuple[Ranking, str]:
    """Return the ranking of a question, and a notice for the visitor or ""."""
    if request.mode is Mode.KEYWORD and not request.examples:
        plan.method, plan.reason = "keyword", "words were asked for"
        return by_words(request, plan)[0], ""
    try:
        vector, fingerprint = question_vector(request, plan)
    except EmbeddingError:
        logger.exception("A query could not be embedded; keyword results are served.")
        plan.method, plan.reason = "keyword", "the text could not be embedded"
        return by_words(request, plan)[0], EMBEDDER_FAILED
    if request.text and request.mode is Mode.HYBRID:
        return by_both(request, plan, vector, fingerprint=fingerprint), ""
    floor = not request.examples
    return (
        by_meaning(request, plan, vector, fingerprint=fingerprint, floor=floor),
        "",
    )


def question_vector(request: Request, plan: Plan) -> tuple[Vector, str]:
    """Return the vector that the products are compared with, and its fingerprint."""
    started = time.perf_counter()
    text = query_vector(request.text, request.backend) if request.text else None
    plan.embedding_ms = (time.perf_counter() - started) * 1000
    if not request.examples:
        assert text is not None
        return text, request.backend.fingerprint
    vector, fingerprint = example_vector(
        request.like, request.unlike, text=text, using=request.using
    )
    if text is not None and fingerprint != request.backend.fingerprint:
        raise SearchError(
            "The examples were embedded by another model than the text would be. Run "
            "manage.py embed_products, or search without a text."
        )
    return vector, fingerprint


def exact_first(request: Request, ranking: Ranking) -> Ranking:
    """Return the ranking with the product whose sku is the text in first place."""
    if not request.text:
        return ranking
    product = filtered_products(request).with_sku(request.text).first()
    if product is None:
        return ranking
    found = {candidate.pk: candidate for candidate in ranking.candidates}
    candidate = found.pop(product.pk, Candidate(product.pk, product.category, 0.0))
    return replace(
        ranking, candidates=[replace(candidate, exact=True), *found.values()]
    )


def load_hits(request: Request, candidates: Sequence[Candidate]) -> list[Hit]:
    """Return the candidates with their products; one statement."""
    products = Product.objects.using(request.using).for_display()
    loaded = products.in_bulk([candidate.pk for candidate in candidates])
    return [
        Hit(product=loaded[fields.pop("pk")], **fields)
        for fields in map(asdict, candidates)
        if fields.pop("category") is not None and fields["pk"] in loaded
    ]


def last_page(request: Request, total: int) -> int:
    """Return the page asked for, or the last one where there are fewer."""
    return min(request.page, max(1, -(-total // request.page_size)))
