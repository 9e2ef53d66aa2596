"""What the shop's templates need besides Django's own: numbers, bars, addresses."""

from __future__ import annotations

import html
import re
from decimal import Decimal
from functools import lru_cache
from typing import Any

import sqlparse
from django import template
from django.conf import settings
from django.utils.formats import number_format
from django.utils.safestring import SafeString

from products.forms import changed_address

register = template.Library()

# Okabe and Ito's colours for all kinds of sight, made darker where they were too light
# for white paper; the last is for what has no colour of its own. Also in shop.css.
SERIES = (
    "#0072b2",
    "#c45500",
    "#00805d",
    "#b04f8a",
    "#a87600",
    "#3487b5",
    "#5b3fa8",
    "#71797b",
)

# Four placeholders or more.
PARAMETERS = re.compile(r"%s(?:, ?%s){3,}")


@register.filter
def price(value: Decimal | str) -> str:
    """Return a price in the visitor's way of writing numbers: $1,299.00."""
    amount = number_format(Decimal(value), 2, use_l10n=True, force_grouping=True)
    return f"{settings.CURRENCY}{amount}"


@register.filter
def number(value: float, digits: int = 0) -> str:
    """Return a number with thousands separated and *digits* decimals: 12,345."""
    return number_format(round(value, digits), digits, force_grouping=True)


@register.filter
def percent(similarity: float | None) -> int:
    """Return a similarity as a whole number from 0 to 100, for the length of a bar.

    What points away from the query has a negative similarity, and an empty bar.
    """
    return round(100 * min(max(similarity or 0.0, 0.0), 1.0))


@register.filter
def series_colour(number: int) -> str:
    """Return the colour of the map's series, from 1, for where no stylesheet reaches."""
    return SERIES[min(number, len(SERIES)) - 1]


@register.filter
def add_number(value: float, other: float) -> float:
    """Return the sum; Django's own `add` makes whole numbers of both."""
    return value + other


@register.filter
def lookup(mapping: dict[Any, Any], key: Any) -> Any:
    """Return the value of a key, None where there is none."""
    return mapping.get(key)


@register.filter
def size(value: float) -> float:
    """Return a number without its sign."""
    return abs(value)


@register.simple_tag(takes_context=True)
def without(context: template.Context, name: str, value: object = None) -> str:
    """Return the page's query string without a parameter, or one value of it.

    {% without "like" product.pk %} gives ?q=lamp
    """
    drop = name if value is None else f"{name}={value}"
    return changed_address(context["request"].GET, drop=drop)


@register.filter
@lru_cache(
    maxsize=256
)  # formatting takes 10 ms, and the statements are always the same
def readable_sql(statement: str) -> str:
    """Return a statement on several lines, long lists of parameters shortened.

    As HTML for the content of an element, where quotes stand for themselves: names
    of columns are full of them, and each would take six characters.
    """
    shortened = PARAMETERS.sub("%s, …, %s", statement)
    formatted = "\n".join(
        sqlparse.format(part, reindent=True, keyword_case="upper").strip()
        for part in sqlparse.split(shortened)
    )
    return SafeString(html.escape(formatted, quote=False))
