"""What other programs are told of a product, and that in the words of schema.org.

An Offer has the facts. The pages write them as JSON-LD for search engines, agents get
them by products.agents, and products.catalog.feeds writes them into files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.conf import settings

from products.currency import rounded, shop_currency
from products.models import Product
from products.pictures.shown import image_address

CONTEXT = "https://schema.org"

# Characters; https://support.google.com/merchants/answer/6324468 allows so many.
DESCRIPTION = 5_000

# The words of schema.org for OFFER_AVAILABILITY and OFFER_CONDITION.
AVAILABILITIES = {
    "in_stock": f"{CONTEXT}/InStock",
    "out_of_stock": f"{CONTEXT}/OutOfStock",
    "preorder": f"{CONTEXT}/PreOrder",
    "backorder": f"{CONTEXT}/BackOrder",
}
CONDITIONS = {
    "new": f"{CONTEXT}/NewCondition",
    "refurbished": f"{CONTEXT}/RefurbishedCondition",
    "used": f"{CONTEXT}/UsedCondition",
}


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


def offer_of(product: Product, absolute: Callable[[str], str]) -> Offer:
    """Return the facts of a product.

    absolute: makes an address that begins with "/" whole, and leaves others as they are.
    """
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


def product_data(offer: Offer) -> dict[str, Any]:
    """Return a product as https://schema.org/Product has it, to be written as JSON.

    Its price is left out where its currency is not known.
    """
    data: dict[str, Any] = {
        "@context": CONTEXT,
        "@type": "Product",
        "name": offer.name,
        "sku": offer.sku,
        "url": offer.url,
        "category": offer.category,
        "description": offer.description,
        "image": offer.image,
        "brand": named("Brand", offer.brand),
        "offers": offer_data(offer) if offer.currency else None,
    }
    return known(data)


def offer_data(offer: Offer) -> dict[str, Any]:
    """Return the price as https://schema.org/Offer has it, with what is known of it."""
    return known(
        {
            "@type": "Offer",
            "price": str(offer.price),
            "priceCurrency": offer.currency,
            "url": offer.url,
            "availability": AVAILABILITIES.get(offer.availability),
            "itemCondition": CONDITIONS.get(offer.condition),
            "seller": named("Organization", offer.seller),
        }
    )


def named(kind: str, name: str) -> dict[str, str] | None:
    """Return a thing of schema.org that has a name alone, None without one."""
    return {"@type": kind, "name": name} if name else None


def known(data: dict[str, Any]) -> dict[str, Any]:
    """Return the entries that have a value."""
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
