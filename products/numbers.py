"""How messages write numbers and prices, in the language in force."""

from __future__ import annotations

import re
from decimal import Decimal
from functools import cache

from babel import Locale, UnknownLocaleError
from babel.numbers import format_percent
from django.conf import settings
from django.utils.formats import number_format
from django.utils.translation import get_language

from products.currency import (
    currency_sign,
    decimals_of,
    is_code,
    rounded,
    shop_currency,
)

# The number in a pattern of the Unicode CLDR, such as "#,##0.00 ¤".
NUMBER = re.compile(r"[#,.0]+")
SIGN = "¤"
NO_BREAK_SPACE = "\xa0"


def grouped(number: int) -> str:
    """Return a number with its thousands separated: 12,345."""
    return number_format(number, force_grouping=True)


def percentage(share: float) -> str:
    """Return a share of 0 to 1 in per cent: 12.5%, in German 12,5 %."""
    locale = Locale.parse(get_language() or "en", sep="-")
    return format_percent(round(share, 3), locale=locale, decimal_quantization=False)


def priced(price: Decimal) -> str:
    """Return a price with its currency: $1,299.00, in German 1.299,00 $."""
    before, after = around_price(get_language(), settings.CURRENCY)
    code = shop_currency()
    number = number_format(rounded(price, code), decimals_of(code), force_grouping=True)
    return f"{before}{number}{after}"


@cache
def around_price(language: str | None, currency: str) -> tuple[str, str]:
    """Return what stands before and after a price in a language.

    currency: its code or its sign; blanks around a sign count where the language has
    none of its own. A language that the CLDR does not know has the sign before the
    price.
    """
    sign = currency_sign(language, currency)
    # The CLDR parts letters from the number: CHF 12.00, but $12.00.
    gap = NO_BREAK_SPACE if is_code(currency) and sign[-1].isalpha() else ""
    try:
        pattern = Locale.parse(language or "en", sep="-").currency_formats["standard"]
    except (UnknownLocaleError, ValueError):
        return sign + gap, ""
    before, after = NUMBER.split(pattern.pattern.partition(";")[0], maxsplit=1)
    if before == SIGN:
        return sign + gap, after
    return before.replace(SIGN, sign.strip()), after.replace(SIGN, sign.strip())
