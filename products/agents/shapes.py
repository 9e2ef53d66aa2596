"""A product as UCP's catalogue has it.

The shop sells each product in one variant, whose id is that of the product: the sku.
"""

from __future__ import annotations

from typing import Any

from products.currency import to_minor_units
from products.structured_data import Offer, known
from products.templating.filters import shortened

# Characters of a text in a list; the page of one product has all of it.
SHORT_TEXT = 500
# What one can order now, of those that OFFER_AVAILABILITY may be.
ORDERED = ("in_stock", "preorder", "backorder")


def ucp_product(
    offer: Offer, *, short: bool = False, inputs: list[str] | None = None
) -> dict[str, Any]:
    """Return a product as UCP's schema `product.json` has it.

    short: with the beginning of its text alone. inputs: the ids by which it was asked
    for, which its variant then tells.
    """
    text = shortened(offer.description, SHORT_TEXT) if short else offer.description
    price = ucp_price(offer)
    variant = {
        "id": offer.sku,
        "sku": offer.sku,
        "title": offer.name,
        "description": {"plain": offer.name},
        "price": price,
        "availability": availability(offer),
        "seller": known({"name": offer.seller}),
        "metadata": known({"brand": offer.brand, "condition": offer.condition}),
        "inputs": [{"id": each, "match": "exact"} for each in inputs or ()],
    }
    return known(
        {
            "id": offer.sku,
            "title": offer.name,
            "description": {"plain": text},
            "url": offer.url,
            "categories": categories(offer),
            "price_range": {"min": price, "max": price},
            "media": media(offer),
            "variants": [known(variant)],
        }
    )


def ucp_price(offer: Offer) -> dict[str, Any]:
    """Return the price in minor units."""
    amount = to_minor_units(offer.price, offer.currency)
    return {"amount": amount, "currency": offer.currency}


def availability(offer: Offer) -> dict[str, Any]:
    """Return whether the product can be ordered; nothing where the shop does not say."""
    if not offer.availability:
        return {}
    return {
        "available": offer.availability in ORDERED,
        "status": offer.availability,
    }


def categories(offer: Offer) -> list[dict[str, str]]:
    """Return the category, by the shop's own names."""
    if not offer.category:
        return []
    return [{"value": offer.category, "taxonomy": "merchant"}]


def media(offer: Offer) -> list[dict[str, str]]:
    """Return the picture."""
    if not offer.image:
        return []
    return [{"type": "image", "url": offer.image, "alt_text": offer.name}]
