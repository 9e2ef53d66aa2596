"""A product in the words of schema.org, for search engines."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

from babel.numbers import is_currency
from django.conf import settings

from products.models import Product

CONTEXT = "https://schema.org"

# Characters; https://support.google.com/merchants/answer/6324468 allows so many.
DESCRIPTION = 5_000

# Signs that stand for one currency. Some, such as $, ¥ and kr, stand for several: a
# wrong currency would be worse than none.
CURRENCIES = {
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


@cache
def currency_code(sign: str) -> str | None:
    """Return the ISO 4217 code of a currency: EUR for "€"; None for "$", of many.

    A code in capital letters is itself.
    """
    sign = sign.strip()
    return sign if is_currency(sign) else CURRENCIES.get(sign)


def product_data(product: Product, *, url: str, image: str | None) -> dict[str, Any]:
    """Return a product as https://schema.org/Product has it, to be written as JSON.

    url, image: the absolute addresses of its page and its picture. Its price is left
    out where the setting CURRENCY does not say which currency it is in.
    """
    data: dict[str, Any] = {
        "@context": CONTEXT,
        "@type": "Product",
        "name": product.name,
        "sku": product.sku,
        "url": url,
        "category": product.category,
        "description": product.description[:DESCRIPTION],
        "image": image,
    }
    if currency := currency_code(settings.CURRENCY):
        data["offers"] = {
            "@type": "Offer",
            "price": f"{product.price:.2f}",
            "priceCurrency": currency,
            "url": url,
        }
    return {name: value for name, value in data.items() if value}


def breadcrumb_data(steps: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Return the way to a page as https://schema.org/BreadcrumbList has it.

    steps: the name and the absolute address of each page, the first one first.
    """
    return {
        "@context": CONTEXT,
        "@type": "BreadcrumbList",
        "itemListElement": [
            {"@type": "ListItem", "position": place, "name": name, "item": address}
            for place, (name, address) in enumerate(steps, start=1)
        ],
    }
