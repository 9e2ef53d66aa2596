"""What agents ask, checked: the requests of UCP's catalogue as far as the shop reads them.

Members that the shop has no use for, such as `signals`, are left out. The descriptions
are those that a language model reads when it chooses a tool.
"""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StrictInt, StrictStr, ValidationError

from products.agents.refusals import Refusal

MAX_IDS = 50
MAX_LIMIT = 50
LIMIT = 10  # the page of an agent that asks for none, as UCP has it

Amount = Annotated[StrictInt, Field(ge=0, le=2**53 - 1)]


class Part(BaseModel):
    """A part of a request; more of it than is named here is left out."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Price(Part):
    """A range of prices in minor units of the currency, such as cents."""

    min: Amount | None = Field(
        default=None, description="The lowest price, 1299 for $12.99."
    )
    max: Amount | None = Field(
        default=None, description="The highest price, 1299 for $12.99."
    )


class SearchFilters(Part):
    """What products must be to be found. Those that the shop does not know are kept."""

    model_config = ConfigDict(extra="allow", frozen=True)

    categories: list[StrictStr] = Field(
        default=[],
        max_length=50,
        description="Any of these categories, as products write them.",
    )
    price: Price | None = None


class Context(Part):
    """Where the buyer is; the shop reads the currency alone."""

    currency: StrictStr | None = Field(
        default=None,
        max_length=20,
        description="In which currency the price filter is.",
    )


class Pagination(Part):
    """Which page of the results."""

    cursor: StrictStr | None = Field(
        default=None, max_length=1_000, description="The cursor of the page before."
    )
    limit: Annotated[StrictInt, Field(ge=1)] = Field(
        default=LIMIT, description=f"How many products, at most {MAX_LIMIT}."
    )


class SearchRequest(Part):
    """A search for products by text, or a browse by filters alone."""

    query: StrictStr = Field(
        default="",
        max_length=1_000,
        description="What the buyer looks for, in any words.",
    )
    filters: SearchFilters = SearchFilters()
    context: Context = Context()
    pagination: Pagination = Pagination()


class LookupRequest(Part):
    """Products by their ids."""

    ids: list[StrictStr] = Field(
        min_length=1, description=f"Ids of products, at most {MAX_IDS}."
    )
    filters: SearchFilters = SearchFilters()
    context: Context = Context()


class ProductRequest(Part):
    """One product by its id."""

    id: StrictStr = Field(description="The id of a product.")
    filters: SearchFilters = SearchFilters()
    context: Context = Context()


Request = TypeVar("Request", bound=Part)


def checked(kind: type[Request], data: Any) -> Request:
    """Return a request of this kind. Raises Refusal, which names the first mistakes."""
    if not isinstance(data, dict):
        raise Refusal("invalid_request", "Send what is asked for as a JSON object.")
    try:
        return kind.model_validate(data)
    except ValidationError as err:
        problems = [
            f"{'.'.join(map(str, each['loc']))}: {each['msg']}"
            for each in err.errors(include_url=False, include_input=False)[:3]
        ]
        raise Refusal("invalid_request", "; ".join(problems)[:500]) from err
