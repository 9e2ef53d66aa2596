"""Reads the ids of products that addresses name."""

from __future__ import annotations

from products.models import Product


def product_id(text: str) -> int:
    """Return a product's id, written as in its address; raise Product.DoesNotExist."""
    # No id is longer, and int() refuses more than 4,300 digits.
    if not (text.isascii() and text.isdecimal() and len(text) < 20):
        raise Product.DoesNotExist
    return int(text)
