"""What other programs are told of a product.

An Offer has the facts. The pages write it in the words of schema.org, agents get it by
UCP, and feeds are files of it. UCP and ACP share the parts below.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.conf import settings

from products.currency import rounded, shop_currency, to_minor_units
from products.models import Product
from products.pictures.shown import image_address

# What makes an address that begins with "/" whole, and leaves others as they are.
Absolute = Callable[[str], str]

# Characters; https://support.google.com/merchants/answer/6324468 allows so many.
DESCRIPTION = 5_000

# What one can order now, of those that OFFER_AVAILABILITY may be.
ORDERED = ("in_stock", "preorder", "backorder")


@dataclass(frozen=True)
class Offer:
    """The facts of a product; what the shop does not know is empty.

    url, image: absolute addresses of its page and its picture. currency: the ISO 4217
    code of the price, empty where the setting CURRENCY does not say which it is.
    """

    sku: str
    name: str
    description: str
    category: str
    url: str
    image: str
    price: Decimal
    currency: str
    availability: str
    condition: str
    brand: str
    seller: str


def offer_of(product: Product, absolute: Absolute) -> Offer:
    """Return the facts of a product."""
    currency = shop_currency()
    image = image_address(product)
    return Offer(
        sku=product.sku,
        name=product.name,
        description=product.description[:DESCRIPTION],
        category=product.category,
        url=absolute(product.get_absolute_url()),
        image=absolute(image) if image else "",
        price=rounded(Decimal(product.price), currency),
        currency=currency or "",
        availability=settings.OFFER_AVAILABILITY,
        condition=settings.OFFER_CONDITION,
        brand=settings.OFFER_BRAND,
        seller=settings.SELLER_NAME,
    )


def price_data(offer: Offer) -> dict[str, Any]:
    """Return the price in minor units of its currency."""
    amount = to_minor_units(offer.price, offer.currency)
    return {"amount": amount, "currency": offer.currency}


def availability_data(offer: Offer) -> dict[str, Any]:
    """Return whether the product can be ordered; nothing where the shop does not say."""
    if not offer.availability:
        return {}
    return {
        "available": offer.availability in ORDERED,
        "status": offer.availability,
    }


def categories_data(offer: Offer) -> list[dict[str, str]]:
    """Return the category, by the shop's own names."""
    if not offer.category:
        return []
    return [{"value": offer.category, "taxonomy": "merchant"}]


def media_data(offer: Offer) -> list[dict[str, str]]:
    """Return the picture."""
    if not offer.image:
        return []
    return [{"type": "image", "url": offer.image, "alt_text": offer.name}]


def known(data: dict[str, Any]) -> dict[str, Any]:
    """Return the entries that have a value."""
    return {name: value for name, value in data.items() if value}
