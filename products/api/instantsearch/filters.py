"""Reads the filters of a request: which categories, and which prices."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from products.api.instantsearch.asked import InstantParams
from products.models import MAX_PRICE
from products.search import Filters, SearchError

CATEGORY, PRICE = "category", "price"
CENT = Decimal("0.01")

# "price<=100", "price = 5", "price:10 TO 20".
NUMBER = r"-?\d{1,12}(?:\.\d{1,9})?"
COMPARED = re.compile(rf"\s*(\w+)\s*(<=|>=|<|>|=)\s*({NUMBER})\s*", re.ASCII)
BETWEEN = re.compile(rf"\s*(\w+)\s*:\s*({NUMBER})\s+TO\s+({NUMBER})\s*", re.ASCII)


def filters_of(params: InstantParams) -> Filters | None:
    """Return the filters of a request, None where no product can pass them.

    Raises SearchError for filters of other attributes and for what cannot be asked here.
    """
    if params.filters or params.tag_filters:
        raise SearchError(
            "The parameters filters and tagFilters are not read. Use facetFilters, such "
            'as "category:Home", and numericFilters, such as "price<=100".'
        )
    low, high = prices(params.numeric_filters)
    categories = chosen_categories(params.facet_filters)
    if categories == () or low > high:
        return None
    return Filters(
        categories=categories or (),
        min_price=low if low > 0 else None,
        max_price=high if high < MAX_PRICE else None,
    )


def chosen_categories(groups: Sequence[Sequence[str]]) -> tuple[str, ...] | None:
    """Return the categories that meet all groups of alternatives, None for any."""
    chosen: dict[str, None] | None = None
    for group in filter(None, groups):
        wanted = dict.fromkeys(map(category_of, group))
        if chosen is None:
            chosen = wanted
        else:
            chosen = {name: None for name in chosen if name in wanted}
    return None if chosen is None else tuple(chosen)


def category_of(text: str) -> str:
    """Return the category of a filter such as "category:Home"."""
    attribute, colon, value = text.partition(":")
    if attribute.strip() != CATEGORY or not colon:
        raise SearchError(
            f"facetFilters: {text[:80]!r} is not understood. Write category:Home; the "
            "category is the only facet with values."
        )
    if value.startswith("-"):
        raise SearchError(
            f"facetFilters: {text[:80]!r} leaves a category out, which cannot be asked. "
            "Name the categories that are wanted. A name that begins with a minus is "
            r"written category:\-name."
        )
    return value.removeprefix("\\") if value.startswith("\\-") else value


def prices(groups: Sequence[Sequence[str]]) -> tuple[Decimal, Decimal]:
    """Return the lowest and the highest price that meet all conditions."""
    low, high = Decimal(0), MAX_PRICE
    for group in filter(None, groups):
        if len(group) != 1:
            raise SearchError(
                "numericFilters: alternatives of prices cannot be asked. Write the "
                'conditions that must all be met: ["price>=10", "price<=100"].'
            )
        least, most = price_range_of(group[0])
        low, high = max(low, least), min(high, most)
    return low, high


def price_range_of(text: str) -> tuple[Decimal, Decimal]:
    """Return the lowest and the highest price that meet one condition."""
    if (found := BETWEEN.fullmatch(text)) and found[1] == PRICE:
        return Decimal(found[2]), Decimal(found[3])
    if (found := COMPARED.fullmatch(text)) and found[1] == PRICE:
        return BOUNDS[found[2]](Decimal(found[3]))
    raise SearchError(
        f"numericFilters: {text[:80]!r} is not understood. Write price<=100, price>=10 "
        "or price:10 TO 100; the price is the only number."
    )


def below(price: Decimal) -> Decimal:
    """Return the highest price in cents that is less than *price*."""
    return price.quantize(CENT, ROUND_CEILING) - CENT


def above(price: Decimal) -> Decimal:
    """Return the lowest price in cents that is more than *price*."""
    return price.quantize(CENT, ROUND_FLOOR) + CENT


BOUNDS: dict[str, Callable[[Decimal], tuple[Decimal, Decimal]]] = {
    "<": lambda price: (Decimal(0), below(price)),
    "<=": lambda price: (Decimal(0), price),
    "=": lambda price: (price, price),
    ">=": lambda price: (price, MAX_PRICE),
    ">": lambda price: (above(price), MAX_PRICE),
}
