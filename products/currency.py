"""The currency of all prices: its ISO 4217 code, its sign, its minor units.

The setting CURRENCY is a code such as USD, or a sign such as € or $. Pages write either.
What leaves the shop for other programs needs a code, which some signs do not have.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from functools import cache

from babel import Locale, UnknownLocaleError
from babel.numbers import get_currency_symbol, is_currency
from django.conf import settings

# Signs that stand for one currency. Some, such as $, ¥ and kr, stand for several: a
# wrong currency would be worse than none.
CODES = {
    "€": "EUR",
    "£": "GBP",
    "₹": "INR",
    "₩": "KRW",
    "₪": "ILS",
    "₫": "VND",
    "₱": "PHP",
    "₴": "UAH",
    "₺": "TRY",
    "₽": "RUB",
    "฿": "THB",
    "zł": "PLN",
    "Kč": "CZK",
    "Ft": "HUF",
    "lei": "RON",
    "Fr.": "CHF",
    "R$": "BRL",
    "US$": "USD",
    "A$": "AUD",
    "CA$": "CAD",
    "HK$": "HKD",
    "MX$": "MXN",
    "NZ$": "NZD",
    "NT$": "TWD",
    "CN¥": "CNY",
    "JP¥": "JPY",
}

# How many decimals a currency has by ISO 4217, where these are not two. Babel knows how
# many the CLDR writes, which are fewer for some: the Iraqi dinar has three by ISO.
NOT_TWO = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
DECIMALS = {code: digits for digits, codes in NOT_TWO.items() for code in codes.split()}


def shop_currency() -> str | None:
    """Return the ISO 4217 code of the shop's currency; None where it is not known."""
    return currency_code(settings.CURRENCY)


@cache
def currency_code(currency: str) -> str | None:
    """Return the ISO 4217 code of a currency: EUR for "€"; None for "$", of many.

    A code is itself, in capital letters.
    """
    currency = currency.strip()
    code = currency.upper()
    return code if is_currency(code) else CODES.get(currency)


def is_code(currency: str) -> bool:
    """Return whether a currency is named by its ISO 4217 code."""
    return currency.strip().upper() == currency_code(currency)


@cache
def currency_sign(language: str | None, currency: str) -> str:
    """Return how a language writes a currency: $ for USD; a sign stays as it is.

    A language that the CLDR does not know writes it as English does.
    """
    if not (code := is_code(currency) and currency_code(currency)):
        return currency
    try:
        return get_currency_symbol(code, Locale.parse(language or "en", sep="-"))
    except (UnknownLocaleError, ValueError):
        return get_currency_symbol(code, "en")


@cache
def written_signs(currency: str) -> tuple[str, ...]:
    """Return what may stand beside a price in this currency, the longest first."""
    signs = {currency.strip(), currency_code(currency) or ""}
    signs |= {currency_sign(code, currency).strip() for code, _ in settings.LANGUAGES}
    return tuple(sorted(signs - {""}, key=lambda sign: (-len(sign), sign)))


def decimals_of(code: str | None) -> int:
    """Return how many decimals a price has: 2 for USD, 0 for JPY, 3 for KWD.

    Without a code they are those of the database, 2.
    """
    return DECIMALS.get(code or "", 2)


def rounded(price: Decimal, code: str | None) -> Decimal:
    """Return a price with the decimals of its currency, a half rounded up."""
    unit = Decimal(1).scaleb(-decimals_of(code))
    return price.quantize(unit, rounding=ROUND_HALF_UP)


def to_minor_units(price: Decimal, code: str) -> int:
    """Return a price as a whole number of minor units: 1299 for 12.99 USD."""
    return int(rounded(price, code).scaleb(decimals_of(code)))


def from_minor_units(amount: int, code: str) -> Decimal:
    """Return the price that so many minor units are: 12.99 for 1299 of USD."""
    return Decimal(amount).scaleb(-decimals_of(code))
