"""Finds the products somebody is typing the name of."""

from __future__ import annotations

import re

from django.contrib.postgres.search import SearchQuery

from products.models import Product
from products.search.answer import search
from products.search.words import CONFIG

CHOICES = 8
MAX_WORDS = 8


def products_named_like(text: str, *, count: int = CHOICES) -> list[Product]:
    """Return at most *count* products for a text that may be typed only half.

    First those whose text has a word beginning with each of the typed ones, then what
    a search for the text finds. Raises SearchError for a text nobody can search for.
    """
    found = {product.pk: product for product in beginning_with(text)[:count]}
    if text.strip() and len(found) < count:
        for hit in search(text, page_size=count):
            found.setdefault(hit.product.pk, hit.product)
    return list(found.values())[:count]


def beginning_with(text: str) -> list[Product]:
    """Return the products with a word beginning with each word of *text*, by name.

    Read from the index on search_vector; a few dozen at most.
    """
    words = re.findall(r"\w+", text)[:MAX_WORDS]
    if not words or "\0" in text:
        return []
    prefixes = " & ".join(f"'{word}':*" for word in words)
    query = SearchQuery(prefixes, search_type="raw", config=CONFIG)
    query |= SearchQuery(prefixes, search_type="raw", config="simple")
    products = Product.objects.for_display().filter(search_vector=query)[:50]
    return sorted(products, key=lambda product: (text_place(product, text), product.pk))


def text_place(product: Product, text: str) -> tuple[int, str]:
    """Return the sort key of a product: names with the text first, then by name."""
    place = product.name.casefold().find(text.strip().casefold())
    return (place if place >= 0 else len(product.name) + 1, product.name.casefold())


def product_named(text: str) -> Product | None:
    """Return the product with this sku, or the only one with exactly this name."""
    text = text.strip()
    if not text or "\0" in text:
        return None
    products = Product.objects.for_display()
    same = products.filter(name=text)[:2]
    if len(same) == 1:
        return same[0]
    return products.with_sku(text).first()
