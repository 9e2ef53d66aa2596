"""What can be asked: parameters of an address, or a body with the same names.

The names are those of the addresses of the shop's pages.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import Annotated, Any, ClassVar

from django.http import HttpRequest
from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from products.api.problems import Kind, Problem
from products.models import Product
from products.search import PAGE_SIZE, Filters, Mode, SearchError, Sort
from products.search.question import (
    MAX_CATEGORIES,
    MAX_EXAMPLES,
    MAX_PAGE_SIZE,
    MAX_TEXT,
    clean_text,
)

SIMILAR_COUNT = 5
LIMIT = "How many a page has."
DIVERSITY = "0 for the nearest or the best, up to 1 for the most varied."

Text = Annotated[str, Field(max_length=MAX_TEXT)]
# As a number, though a text is read too: of a text the schema could say no more.
Price = Annotated[
    Decimal, Field(ge=0), WithJsonSchema({"type": "number", "minimum": 0})
]
Limit = Annotated[int, Field(ge=1, le=MAX_PAGE_SIZE)]
Diversity = Annotated[float, Field(ge=0, le=1)]
Skus = Annotated[list[str], Field(max_length=MAX_EXAMPLES)]


class FilteredQuestion(BaseModel):
    """Which products are asked for."""

    category: Annotated[list[str], Field(max_length=MAX_CATEGORIES)] = Field(
        [], description="Only products of any of these categories."
    )
    min_price: Price | None = Field(None, description="The lowest price, included.")
    max_price: Price | None = Field(None, description="The highest price, included.")

    def question(self, where: Where) -> dict[str, Any]:
        """Return the arguments of search() but the page. Raises Problem."""
        return {
            "text": "",
            "filters": self.filters(where),
            "mode": Mode.HYBRID,
            "like": (),
            "unlike": (),
            "diversity": 0.0,
            "sort": Sort.RELEVANCE,
            "literal": False,
        }

    def filters(self, where: Where) -> Filters:
        """Return the filters. Raises Problem for those that cannot be."""
        categories = tuple(self.category)
        with where.is_wrong("category"):
            Filters(categories)
        with where.is_wrong("min_price"):
            return Filters(categories, self.min_price, self.max_price)


class TextQuestion(FilteredQuestion):
    """What a text asks for."""

    q: Text = Field(
        "",
        description="What a shopper types. Without it the catalogue is listed.",
        json_schema_extra={"example": "earphones"},
    )
    mode: Mode = Field(
        Mode.HYBRID, description="By meaning and words (hybrid), or by one of them."
    )
    literal: bool = Field(
        False, description="Search for the text as it is typed: correct no word."
    )

    def question(self, where: Where) -> dict[str, Any]:
        with where.is_wrong("q"):
            clean_text(self.q)
        asked = {"text": self.q, "mode": self.mode, "literal": self.literal}
        return super().question(where) | asked


class OrderedQuestion(TextQuestion):
    """What a text asks for, in an order, so many products a page."""

    sort: Sort = Field(
        Sort.RELEVANCE, description="The order; of a listing relevance is by name."
    )
    limit: Limit = Field(PAGE_SIZE, description=LIMIT)

    def question(self, where: Where) -> dict[str, Any]:
        return super().question(where) | {"sort": self.sort, "page_size": self.limit}


class Paged(BaseModel):
    """Which page of an answer is wanted, and whether with how it came about."""

    cursor: str = Field(
        "",
        max_length=1000,
        description="The next_cursor of the page before, for the same question.",
    )
    explain: bool = Field(
        False, description="Add the plan; needs a key, or a user who may see products."
    )


class SearchQuestion(Paged, OrderedQuestion):
    """What to find by a text."""


class ExamplesQuestion(SearchQuestion):
    """What to find by examples, by a text, or by both."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    like: Skus = Field([], description="The skus of products to be like.")
    unlike: Skus = Field([], description="The skus of products to be unlike.")
    diversity: Diversity = Field(0.0, description=DIVERSITY)

    def question(self, where: Where) -> dict[str, Any]:
        return super().question(where) | {
            "like": products_of("like", self.like, where),
            "unlike": products_of("unlike", self.unlike, where),
            "diversity": self.diversity,
        }


class SimilarQuestion(Paged, FilteredQuestion):
    """What to find like a product."""

    limit: Limit = Field(SIMILAR_COUNT, description=LIMIT)
    diversity: Diversity = Field(0.0, description=DIVERSITY)

    @property
    def is_plain(self) -> bool:
        """Whether the products most like one are wanted, and nothing else."""
        return self.model_fields_set <= {"limit"}

    def question(self, where: Where) -> dict[str, Any]:
        asked = {"page_size": self.limit, "diversity": self.diversity}
        return super().question(where) | asked


class Where:
    """Where in a request a value stands: in the address or in the body."""

    def __init__(self, request: HttpRequest) -> None:
        self.in_body = request.method == "POST"

    @contextmanager
    def is_wrong(self, name: str, *path: int) -> Iterator[None]:
        """Raise Problem about a value where the block raises SearchError."""
        try:
            yield
        except SearchError as err:
            raise self.problem(str(err), "unsearchable", name, *path) from err

    def problem(self, detail: str, code: str, name: str, *path: int) -> Problem:
        """Return the problem of a value."""
        pointer = "".join(f"/{step}" for step in (name, *path))
        place = {"pointer": f"#{pointer}"} if self.in_body else {"parameter": name}
        error = {"detail": detail, "code": code} | place
        return Problem(400, detail, kind=Kind.INVALID, errors=[error])


def products_of(name: str, skus: Sequence[str], where: Where) -> tuple[Product, ...]:
    """Return the products with these skus; one statement. Raises Problem.

    name: what the skus are given as.
    """
    for place, sku in enumerate(skus):
        with where.is_wrong(name, place):
            clean_text(sku)
    products = Product.objects.for_display().filter(sku__in=skus) if skus else []
    found = {product.sku: product for product in products}
    for place, sku in enumerate(skus):
        if sku not in found:
            detail = f"There is no product with the sku {sku[:200]!r}."
            raise where.problem(detail, "unknown_sku", name, place)
    return tuple(found[sku] for sku in skus)


def refuse_unknown(request: HttpRequest, *known: str) -> None:
    """Raise Problem for a parameter that an operation does not have."""
    for name in request.GET:
        if name not in known:
            detail = f"There is no parameter {name[:100]!r}. Known: {', '.join(known)}."
            error = {"detail": detail, "code": "unknown", "parameter": name}
            raise Problem(400, detail, kind=Kind.INVALID, errors=[error])
