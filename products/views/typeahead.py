"""Finds products while somebody types their name."""

from __future__ import annotations

from products.models import Product
from products.plain_text import tidy
from products.search import search
from products.search.completions import named_like, typed_words

CHOICES = 8


def products_named_like(text: str, *, count: int = CHOICES) -> list[Product]:
    """Return at most *count* products for a text that may be half typed.

    First come the products whose names have words that begin like the typed ones, then
    what a search for the text finds. Raises SearchError, as the search does.
    """
    typed = typed_words(text)
    named = named_like(typed)[:count] if typed else []
    found = {product.pk: product for product in named}
    if text.strip() and len(found) < count:
        for hit in search(text, page_size=count):
            found.setdefault(hit.product.pk, hit.product)
    return list(found.values())[:count]


def product_named(text: str) -> Product | None:
    """Return the only product with exactly this name, or the one with this sku."""
    text = tidy(text)
    if not text or "\0" in text:
        return None
    products = Product.objects.for_display()
    same = products.filter(name=text)[:2]
    if len(same) == 1:
        return same[0]
    return products.with_sku(text).first()
