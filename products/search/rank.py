"""Ranks the products that answer a text, examples, or both."""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from functools import cache

from django.db.models import Case, When
from django.utils.translation import gettext as _, gettext_lazy

from products.embeddings import EmbeddingError
from products.models import Product
from products.querysets import ProductQuerySet
from products.search.candidates import (
    RANKED,
    Ranking,
    by_both,
    by_meaning,
    by_words,
    diversified,
    filtered_products,
)
from products.search.filters import SearchError
from products.search.nearest import Plan
from products.search.query_vector import Vector, example_vector, query_vector
from products.search.question import Mode, Request
from products.search.results import Candidate
from products.search.words import query_terms
from products.sql.prepared import ANY_TEXT, Prepared

logger = logging.getLogger(__name__)

EMBEDDER_FAILED = gettext_lazy(
    "Searching by meaning is not possible just now: these match the words."
)


def rank(request: Request, plan: Plan) -> tuple[Ranking, str]:
    """Return the ranking of a question, and a notice for the visitor or "".

    The product whose sku is the text comes first.
    """
    ranking, notice = find(request, plan)
    return exact_first(request, diversified(request, ranking)).cut(RANKED), notice


def find(request: Request, plan: Plan) -> tuple[Ranking, str]:
    """Return the ranking by the mode asked for, and a notice or ""."""
    if request.text and request.mode is Mode.KEYWORD:
        plan.method, plan.reason = "keyword", _("words were asked for")
        return only_words(request, plan), ""
    try:
        vector = question_vector(request, plan).tolist()
    except EmbeddingError:
        logger.exception("A query could not be embedded; keyword results are served.")
        plan.method, plan.reason = "keyword", _("the text could not be embedded")
        return only_words(request, plan), str(EMBEDDER_FAILED)
    if request.text and request.mode is Mode.HYBRID:
        return by_both(request, plan, vector), ""
    return by_meaning(request, plan, vector), ""


def only_words(request: Request, plan: Plan) -> Ranking:
    """Return the ranking of the products that have a word of the text."""
    terms = query_terms(request.text, using=request.using)
    return by_words(request, plan, terms)


def question_vector(request: Request, plan: Plan) -> Vector:
    """Return the vector that the products are compared with: float32, of length 1.

    Raises EmbeddingError when the text cannot be embedded, SearchError for examples
    that cannot be compared.
    """
    started = time.perf_counter()
    text = query_vector(request.text, request.backend) if request.text else None
    plan.embedding_ms = (time.perf_counter() - started) * 1000
    if text is not None and not request.examples:
        return text
    vector = example_vector(
        request.like, request.unlike, text=text, using=request.using
    )
    if text is not None and request.fingerprint != request.backend.fingerprint:
        raise SearchError(
            _(
                "The examples were embedded by another model than the text would be. "
                "Run manage.py embed_products, or search without a text."
            )
        )
    return vector


def exact_first(request: Request, ranking: Ranking) -> Ranking:
    """Return the ranking with the product whose sku is the text in first place."""
    if not request.text:
        return ranking
    if request.filters or request.examples:
        products = best_by_sku(filtered_products(request), request.text)
        exact = list(products.values_list("pk", "category"))
    else:
        exact = any_product_by_sku().rows(request.text, using=request.using)
    if not exact:
        return ranking
    [(pk, category)] = exact
    found = {candidate.pk: candidate for candidate in ranking.candidates}
    candidate = found.pop(pk, Candidate(pk, category, score=0.0))
    return replace(
        ranking, candidates=[replace(candidate, exact=True), *found.values()]
    )


def best_by_sku(products: ProductQuerySet, text: str) -> ProductQuerySet:
    """Return the product whose sku is the text, best in the same case, or none."""
    same = Case(When(sku=text, then=0), default=1)
    return products.with_sku(text).order_by(same, "pk")[:1]


@cache
def any_product_by_sku() -> Prepared[Product]:
    """Return the query for the id and category of a product by its sku."""
    products = best_by_sku(Product.objects.all(), ANY_TEXT)
    return Prepared.of(products.values_list("pk", "category"))
