"""A product as UCP's catalogue has it.

The shop sells each product in one variant, whose id is that of the product: the sku.
"""

from __future__ import annotations

from typing import Any

from products.offers import (
    Offer,
    availability_data,
    categories_data,
    known,
    media_data,
    price_data,
)
from products.templating.filters import shortened

# Characters of a text in a list; the page of one product has all of it.
SHORT_TEXT = 500


def ucp_product(
    offer: Offer, *, short: bool = False, inputs: list[str] | None = None
) -> dict[str, Any]:
    """Return a product as UCP's schema `product.json` has it.

    short: with the beginning of its text alone. inputs: the ids by which it was asked
    for, which its variant then tells.
    """
    text = shortened(offer.description, SHORT_TEXT) if short else offer.description
    price = price_data(offer)
    variant = {
        "id": offer.sku,
        "sku": offer.sku,
        "title": offer.name,
        "description": {"plain": offer.name},
        "price": price,
        "availability": availability_data(offer),
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
            "categories": categories_data(offer),
            "price_range": {"min": price, "max": price},
            "media": media_data(offer),
            "variants": [known(variant)],
        }
    )
