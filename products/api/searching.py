"""The operations of the whole catalogue: search, facets and suggestions."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from ninja import P, Query, QueryEx, Router

from products.api import schemas
from products.api.access import READS, require
from products.api.answers import Writer, answer, categories
from products.api.cursors import Cursor, question_key
from products.api.problems import documented
from products.api.questions import (
    ExamplesQuestion,
    SearchQuestion,
    SimilarQuestion,
    TextQuestion,
    Where,
    refuse_unknown,
)
from products.api_keys import Scope
from products.insight.explanation import explain
from products.search import Results, search
from products.search.completions import completions
from products.search.facets import category_counts, price_range
from products.search.question import MAX_TEXT
from products.search_log.noting import note_search

router = Router(tags=["search"])


@router.api_operation(
    READS,
    "/search",
    response=schemas.Results,
    summary="Search by a text",
    openapi_extra=documented(400, 401, 403, 409),
)
def search_products(
    request: HttpRequest, asked: Query[SearchQuestion]
) -> HttpResponseBase:
    """Return a page of the products that a text finds, best first.

    Words may be left out with -word and asked for exactly in "quotes", as in the shop.
    """
    refuse_unknown(request, *SearchQuestion.model_fields)
    return found(request, asked, asked.question(Where(request)))


@router.post(
    "/search",
    response=schemas.Results,
    summary="Search by examples",
    openapi_extra=documented(
        *(400, 401, 403, 409, 413, 415),
        body={
            "like": ["wireless-bluetooth-headphones", "noise-cancelling-earbuds"],
            "unlike": ["smart-watch"],
            "max_price": 200,
        },
    ),
)
def search_by_examples(
    request: HttpRequest, asked: ExamplesQuestion
) -> HttpResponseBase:
    """Return a page of the products like some and unlike others, also by a text.

    The body has the names that the parameters of the search by a text have.
    """
    refuse_unknown(request)
    return found(request, asked, asked.question(Where(request)))


@router.api_operation(
    READS,
    "/facets",
    response=schemas.Facets,
    summary="What a search can be narrowed to",
    openapi_extra=documented(400),
)
def count_facets(request: HttpRequest, asked: Query[TextQuestion]) -> HttpResponseBase:
    """Count the categories of what a text finds, and return the range of prices."""
    refuse_unknown(request, *TextQuestion.model_fields)
    question = asked.question(Where(request))
    if asked.q.strip():
        counts = search(**question, page_size=1).facets
    else:
        counts = category_counts(question["filters"])
    prices = price_range()
    body = schemas.Facets(
        categories=categories(counts),
        prices=schemas.Prices(low=str(prices[0]), high=str(prices[1]))
        if prices
        else None,
    )
    return answer(request, body)


@router.api_operation(
    READS,
    "/suggest",
    response=schemas.Suggestions,
    summary="What a half typed text may become",
    openapi_extra=documented(400),
)
def suggest(
    request: HttpRequest,
    q: QueryEx[
        str,
        P(max_length=MAX_TEXT, description="What is typed so far.", example="head"),
    ],
) -> HttpResponseBase:
    """Return texts, categories and products that begin like what is typed."""
    refuse_unknown(request, "q")
    offered = completions(q)
    writer = Writer(request)
    body = schemas.Suggestions(
        queries=offered.queries,
        categories=categories(offered.categories),
        products=[writer.listed(product) for product in offered.products],
    )
    return answer(request, body)


def found(
    request: HttpRequest,
    asked: SearchQuestion | SimilarQuestion,
    question: dict[str, Any],
    *key: str,
) -> HttpResponseBase:
    """Return the page of results that was asked for.

    question: the arguments of search() but the page. key: what the question has besides
    *asked*.
    """
    cursor = Cursor.read(asked.cursor, question_key(asked, *key))
    question |= {"page": cursor.page}
    if asked.explain:
        require(request, Scope.EXPLAIN)
    explanation = explain(question) if asked.explain else None
    results = explanation.results if explanation else search(**question)
    results = cursor.page_of(results)
    if not asked.explain:  # whoever does tries the search out
        note_asked(request, question, results)
    body = Writer(request).results(results, cursor.after(results), explanation)
    return answer(request, body)


def note_asked(
    request: HttpRequest, question: dict[str, Any], results: Results
) -> None:
    """Note an answered question for the search log, if it has a text."""
    note_search(
        request,
        results,
        text=question["text"],
        filters=question["filters"],
        application="api",
        sort=question["sort"],
        like=[product.sku for product in question["like"]],
        unlike=[product.sku for product in question["unlike"]],
    )
