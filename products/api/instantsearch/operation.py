"""The address that InstantSearch asks."""

from __future__ import annotations

from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Body, Router
from pydantic import ConfigDict, Field

from products.api.answers import Writer
from products.api.instantsearch.answers import answer_all
from products.api.instantsearch.asked import MOST_REQUESTS, Contract, InstantRequest
from products.api.instantsearch.searches import Asked
from products.api.limits import charge
from products.api.problems import documented
from products.api.schemas import Product
from products.search import Results
from products.search_log.noting import note_search

router = Router(tags=["search"])

EXAMPLE = [
    {
        "indexName": "products",
        "params": {
            "query": "headphones",
            "facets": ["category"],
            "numericFilters": ["price<=200"],
        },
    }
]

Requests = Annotated[list[InstantRequest], Field(max_length=MOST_REQUESTS)]


class MarkedText(Contract):
    """A text with tags around the words that were found."""

    value: str
    match_level: str = Field(description="`full`, `partial` or `none`.")
    matched_words: list[str] = []


class InstantHit(Product):
    """A product that was found."""

    model_config = ConfigDict(populate_by_name=True)

    object_id: str = Field(alias="objectID", description="The sku.")
    price: float  # type: ignore[assignment]  # front ends compute with it
    highlights: dict[str, MarkedText] = Field(alias="_highlightResult")
    snippets: dict[str, MarkedText] = Field(alias="_snippetResult")


class FacetValue(Contract):
    """A value of a facet."""

    value: str
    highlighted: str
    count: int


class InstantAnswer(Contract):
    """A page of products; for a search of a facet's values only the last four."""

    index: str | None = None
    query: str | None = None
    hits: list[InstantHit] | None = None
    nb_hits: int | None = Field(None, description="At least so many were found.")
    page: int | None = None
    nb_pages: int | None = None
    hits_per_page: int | None = None
    exhaustive_nb_hits: bool | None = Field(
        None, description="Whether nbHits is the exact number."
    )
    user_data: list[dict[str, str]] | None = Field(
        None, description="`corrected`, `suggested` and `notice`, for the visitor."
    )
    facets: dict[str, dict[str, int]] | None = None
    facets_stats: dict[str, dict[str, float]] | None = Field(
        None, alias="facets_stats", description="The catalogue's range of prices."
    )
    facet_hits: list[FacetValue] | None = None
    exhaustive_facets_count: bool
    processing_time: int = Field(alias="processingTimeMS")


class InstantAnswers(Contract):
    """The answers, in the order of the requests."""

    results: list[InstantAnswer]


@router.post(
    "/instantsearch",
    response=InstantAnswers,
    by_alias=True,
    exclude_unset=True,
    summary="Search as InstantSearch does",
    openapi_extra=documented(400, 413, 415, body=EXAMPLE),
)
def instantsearch(request: HttpRequest, asked: Body[Requests]) -> dict[str, Any]:
    """Answer up to ten requests of Algolia's InstantSearch front ends at once.

    A front end needs a search client of a few lines; see docs/instantsearch.md.
    """
    charge(len(asked[1:]))
    write = Writer(request).product

    def note(search: Asked, results: Results) -> None:
        note_search(
            request,
            results,
            text=search.text,
            filters=search.filters,
            application="instantsearch",
            typed=True,  # it searches at each letter
            sort=search.sort,
        )

    return {"results": answer_all(asked, lambda hit: write(hit.product), note)}
