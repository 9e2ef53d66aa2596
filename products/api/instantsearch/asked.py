"""What a POST asks: requests with the parameters that InstantSearch sends."""

from __future__ import annotations

from typing import Annotated, Any

from ninja import Schema
from pydantic import BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic.alias_generators import to_camel

from products.search.question import MAX_PAGE_SIZE

# A page of InstantSearch sends one request, and one more for each facet that is chosen.
MOST_REQUESTS = 10
MOST_HITS = 400  # of all requests: two of the largest pages
MOST_VALUES = 1_000  # of a facet
MOST_FACET_HITS = 100
MOST_PAGES = 10_000
MOST_FILTERS = 100
TAG_LENGTH = 100

TEXT = {"type": "string"}
TEXTS = {"anyOf": [TEXT, {"type": "array", "items": TEXT, "maxItems": MOST_FILTERS}]}
GROUPS = {"anyOf": [TEXT, {"type": "array", "items": TEXTS, "maxItems": MOST_FILTERS}]}


def as_list(value: Any) -> Any:
    """Return a text as a list of one, and anything else as it is."""
    return [value] if isinstance(value, str) else value


def as_lists(value: Any) -> Any:
    """Return the texts of a list as lists of one."""
    value = as_list(value)
    return [as_list(each) for each in value] if isinstance(value, list) else value


Texts = Annotated[
    list[str],
    Field(max_length=MOST_FILTERS),
    BeforeValidator(as_list),
    WithJsonSchema(TEXTS),
]
# Lists of alternatives, all of which must be met.
Groups = Annotated[
    list[Annotated[list[str], Field(max_length=MOST_FILTERS)]],
    Field(max_length=MOST_FILTERS),
    BeforeValidator(as_lists),
    WithJsonSchema(GROUPS),
]


class Contract(Schema):
    """Fields have Algolia's names outside and ours inside."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, strict=True
    )


class InstantParams(Contract):
    """The parameters of a search. Others, which change no result here, are ignored."""

    query: str = Field("", description="What a shopper typed.")
    page: int = Field(0, ge=0, le=MOST_PAGES, description="Counted from 0.")
    hits_per_page: int = Field(
        20, ge=0, le=MAX_PAGE_SIZE, description="0 for the facets alone."
    )
    facets: Texts = Field([], description="Any of `category` and `price`, or `*`.")
    facet_filters: Groups = Field(
        [], description="`category:Home`; inner lists are alternatives."
    )
    numeric_filters: Groups = Field([], description="`price<=100`; all must be met.")
    max_values_per_facet: int = Field(100, ge=1, le=MOST_VALUES)
    facet_name: str = Field("", description="The facet whose values are searched.")
    facet_query: str = Field("", description="A part of the value's name.")
    max_facet_hits: int = Field(10, ge=1, le=MOST_FACET_HITS)
    highlight_pre_tag: str = Field(
        "<em>",
        max_length=TAG_LENGTH,
        description="Before a word that was found. With a tag of HTML, the text around "
        "it is escaped; with the marks of InstantSearch the front end escapes it.",
    )
    highlight_post_tag: str = Field("</em>", max_length=TAG_LENGTH)
    attributes_to_snippet: Texts = Field(
        [], description="`description:20`: the attribute, and how many words of it."
    )
    analytics: bool = Field(
        True, description="Whether the search log may keep the search."
    )
    filters: str = Field("", description="Not supported: must be empty.")
    tag_filters: Groups = Field([], description="Not supported: must be empty.")


class InstantRequest(Contract):
    """One of the requests of a POST."""

    index_name: str = Field(
        description="`products`, or with an order behind a colon: `products:price`, "
        "`products:-price`, `products:name`, `products:-created_at`."
    )
    params: InstantParams = Field(
        default_factory=lambda: InstantParams.model_validate({})
    )
    type: str = Field("default", description="`default`, or `facet` to search values.")
    facet: str = Field("", description="The facet, for the type `facet`.")

    @property
    def facet_searched(self) -> str:
        """The facet whose values are searched, or "" for a search of products."""
        return self.facet or self.params.facet_name
