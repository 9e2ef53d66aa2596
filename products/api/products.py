"""The operations of one product.

Operations of the same address must be of the same router: writes are added to this one.
"""

from __future__ import annotations

from functools import cache

from django.db import router as databases
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from ninja import P, PathEx, Query, Router

from products.api import schemas
from products.api.access import READS
from products.api.answers import Writer, answer
from products.api.cursors import Cursor, question_key
from products.api.problems import documented
from products.api.questions import (
    OrderedQuestion,
    SimilarQuestion,
    Where,
    refuse_unknown,
)
from products.api.searching import found
from products.insight.why_not import why_not
from products.models import Product
from products.querysets import DISPLAYED
from products.search import similar_to
from products.sql.prepared import Given, Prepared

router = Router(tags=["products"])

Sku = PathEx[
    str,
    P(
        description="The article number, as it is written.",
        example="wireless-bluetooth-headphones",
    ),
]


# The longer addresses come first: a sku may contain a slash.


@router.api_operation(
    READS,
    "/products/{path:sku}/similar",
    response=schemas.Results,
    summary="What is like a product",
    openapi_extra=documented(400, 401, 403, 404, 409),
)
def similar_products(
    request: HttpRequest, sku: Sku, asked: Query[SimilarQuestion]
) -> HttpResponseBase:
    """Return the products most like one, the nearest first, without itself."""
    refuse_unknown(request, *SimilarQuestion.model_fields)
    if asked.is_plain:
        try:
            _product, results = similar_to(readable(sku), page_size=asked.limit)
        except Product.DoesNotExist as err:
            raise unknown(sku) from err
        cursor = Cursor.read("", question_key(asked, sku))
        return answer(request, Writer(request).results(results, cursor.after(results)))
    question = asked.question(Where(request)) | {"like": (product_of(sku),)}
    return found(request, asked, question, sku)


@router.api_operation(
    READS,
    "/products/{path:sku}/why-not",
    response=schemas.WhyNot,
    summary="Why a product is not found",
    openapi_extra=documented(400, 404, 503, 504),
)
def why_product_is_not_found(
    request: HttpRequest, sku: Sku, asked: Query[OrderedQuestion]
) -> HttpResponseBase:
    """Say where a product is in the answer to a question, or what keeps it out.

    It takes a few searches and compares every vector that passes the filters, so that
    others may have to wait: then it answers 503. The pages have `limit` products.
    """
    refuse_unknown(request, *OrderedQuestion.model_fields)
    product = product_of(sku)
    found = why_not(product, asked.question(Where(request)) | {"page": 1})
    body = schemas.WhyNot(
        product=Writer(request).product(product),
        verdict=found.verdict,
        place=found.place,
        page=found.page,
        total=found.total,
        gates=[
            schemas.Gate(
                condition=gate.condition.value,
                passed=gate.passed,
                says=gate.says,
                figures=gate.figures,
            )
            for gate in found.gates
        ],
        stopped_by=[gate.condition.value for gate in found.stopped_by],
    )
    return answer(request, body)


@router.api_operation(
    READS,
    "/products/{path:sku}",
    response=schemas.Product,
    summary="A product by its sku",
    openapi_extra=documented(400, 404),
)
def get_product(request: HttpRequest, sku: Sku) -> HttpResponseBase:
    """Return the product with this sku, in the same upper and lower case."""
    refuse_unknown(request)
    return Writer(request).answer(request, product_of(sku))


def product_of(sku: str) -> Product:
    """Return the product with this sku. Raises Http404."""
    using = databases.db_for_read(Product)
    found = product_by_sku().objects(readable(sku), using=using)
    if not found:
        raise unknown(sku)
    return found[0]


@cache
def product_by_sku() -> Prepared[Product]:
    """Return the query for a product by its sku."""
    return Prepared.of_objects(Product.objects.filter(sku=Given(0)), DISPLAYED)


def readable(sku: str) -> str:
    """Return a sku that PostgreSQL can compare. Raises Http404."""
    if "\0" in sku:
        raise unknown(sku)
    return sku


def unknown(sku: str) -> Http404:
    """Return the error for a sku that no product has."""
    return Http404(f"There is no product with the sku {sku[:200]!r}.")
