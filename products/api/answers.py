"""Products, and what was found of them, as the API writes them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import get_script_prefix
from django.utils.cache import get_conditional_response
from pydantic_core import to_json

from products import models
from products.api import schemas
from products.api.access import READS
from products.currency import shop_currency
from products.insight.explanation import Explanation
from products.pictures.shown import image_address
from products.search import Hit, Results
from products.templating.environment import product_urls


def answer(
    request: HttpRequest, body: schemas.Answer, *, status: int = 200, etag: str = ""
) -> HttpResponseBase:
    """Return the answer to a request; 304 where the client has the same one.

    Its ETag is by default that of its content, so that it is right whatever changed: a
    product, a synonym, the model. A cache keeps an answer, and asks each time if it is the same.
    """
    content = to_json(body)
    response = HttpResponse(content, content_type="application/json", status=status)
    if request.method == "POST":
        return response
    etag = etag or tag_of(content)
    response.headers["ETag"] = etag
    if request.method not in READS:  # what it was asked for was checked before
        return response
    response.headers["Cache-Control"] = "no-cache"
    return get_conditional_response(request, etag=etag, response=response) or response


def tag_of(content: bytes) -> str:
    """Return the ETag of an answer; a weak one, since compressing changes its bytes."""
    return f'W/"{hashlib.blake2b(content, digest_size=12).hexdigest()}"'


class Writer:
    """Writes products with the addresses that one request needs."""

    def __init__(self, request: HttpRequest) -> None:
        self.root = f"{request.scheme}://{request.get_host()}"
        self.page_of = product_pages(get_script_prefix())
        self.currency = shop_currency()

    def product(self, product: models.Product) -> schemas.Product:
        """Return a product."""
        return schemas.Product(
            **self.listed_values(product), description=product.description
        )

    def tag(self, product: models.Product) -> str:
        """Return the ETag of a product, the same by every name of the shop.

        So what was read at one of them can be written at another.
        """
        values = self.product(product).model_copy(
            update={"url": "", "image": image_address(product)}
        )
        return tag_of(to_json(values))

    def answer(
        self, request: HttpRequest, product: models.Product, *, status: int = 200
    ) -> HttpResponseBase:
        """Return the answer that has one product."""
        etag = self.tag(product)
        return answer(request, self.product(product), status=status, etag=etag)

    def listed(self, product: models.Product) -> schemas.ListedProduct:
        """Return a product without its description, which may not be loaded."""
        return schemas.ListedProduct(**self.listed_values(product))

    def listed_values(self, product: models.Product) -> dict[str, Any]:
        """Return what a list has of a product, by the names of the answer."""
        return {
            "sku": product.sku,
            "name": product.name,
            "category": product.category,
            "price": str(product.price),
            "currency": self.currency,
            "url": self.root + self.page_of(product.pk),
            "image": self.picture(product),
        }

    def picture(self, product: models.Product) -> str | None:
        """Return the address of a product's picture; None: it has none."""
        address = image_address(product)
        if address is None or not address.startswith("/"):
            return address
        return self.root + address

    def results(
        self,
        results: Results,
        next_cursor: str | None,
        explanation: Explanation | None = None,
    ) -> schemas.Results:
        """Return a page of results."""
        first = (results.page - 1) * results.page_size + 1
        return schemas.Results(
            total=schemas.Total(
                value=results.total, relation="at_least" if results.more else "exact"
            ),
            hits=[self.hit(hit, rank) for rank, hit in enumerate(results, first)],
            far=[self.hit(hit, rank) for rank, hit in enumerate(results.far, 1)],
            mode=str(results.mode),
            notice=results.notice,
            corrected=results.corrected,
            suggested=results.suggested,
            next_cursor=next_cursor,
            plan=plan(explanation) if explanation else None,
        )

    def hit(self, hit: Hit, rank: int) -> schemas.Hit:
        """Return a product that was found."""
        return schemas.Hit(
            rank=rank,
            score=hit.score,
            similarity=hit.similarity,
            distance=hit.distance,
            semantic_rank=hit.semantic_rank,
            keyword_rank=hit.keyword_rank,
            words=list(hit.words),
            exact=hit.exact,
            product=self.product(hit.product),
        )


@lru_cache(maxsize=32)
def product_pages(prefix: str) -> Callable[..., str]:
    """Return what gives the pages of products below the *prefix* in force."""
    return product_urls()


def plan(explanation: Explanation) -> schemas.Plan:
    """Return how a search found its products."""
    plan, log = explanation.results.plan, explanation.results.log
    return schemas.Plan(
        method=plan.method,
        reason=plan.reason,
        summary=explanation.summary,
        matching=plan.matching,
        ef_search=plan.ef_search,
        rows=log.rows,
        words=list(log.words),
        embedding_ms=log.embedding_ms,
        sql_ms=log.sql_ms,
        statements=len(log.statements),
        scans=[
            schemas.Scan(step=str(reading.step), **vars(reading.scan))
            for reading in explanation.readings
        ],
    )


def categories(counts: Iterable[tuple[str, int]]) -> list[schemas.Category]:
    """Return categories with their counts."""
    return [schemas.Category(category=name, count=count) for name, count in counts]
