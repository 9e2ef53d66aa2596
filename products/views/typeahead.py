"""Finds products while somebody types their name."""

from __future__ import annotations

from django.contrib.postgres.search import SearchQuery

from products.models import Product
from products.plain_text import tidy
from products.search import search
from products.sql.language import CatalogLanguage
from products.sql.words import Beginnings

CHOICES = 8
MAX_WORDS = 8


def products_named_like(text: str, *, count: int = CHOICES) -> list[Product]:
    """Return at most *count* products for a text that may be half typed.

    First come the products with a word that begins with each typed word, then what a
    search for the text finds. Raises SearchError, as the search does.
    """
    found = {product.pk: product for product in beginning_with(text)[:count]}
    if text.strip() and len(found) < count:
        for hit in search(text, page_size=count):
            found.setdefault(hit.product.pk, hit.product)
    return list(found.values())[:count]


def beginning_with(text: str) -> list[Product]:
    """Return up to 50 products with words that begin with each word of *text*.

    Names that contain the text come first. Uses the index on search_vector.
    """
    text = tidy(text)
    words = text.split()[:MAX_WORDS]
    if not words or "\0" in text:
        return []
    beginnings = Beginnings(" ".join(words))
    query = SearchQuery(beginnings, search_type="raw", config=CatalogLanguage())
    query |= SearchQuery(beginnings, search_type="raw", config="simple")
    products = Product.objects.for_display().filter(search_vector=query)[:50]
    return sorted(products, key=lambda product: (text_place(product, text), product.pk))


def text_place(product: Product, text: str) -> tuple[int, str]:
    """Return a product's sort key: where its name contains the text, and its name."""
    place = product.name.casefold().find(text.strip().casefold())
    return (place if place >= 0 else len(product.name) + 1, product.name.casefold())


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
