"""A product in the words of schema.org, for search engines."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from products.offers import Offer, known

CONTEXT = "https://schema.org"

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
