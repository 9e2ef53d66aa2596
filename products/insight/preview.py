"""What a product that is not saved yet would stand next to."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from functools import partial

from products.embeddings import BaseEmbeddingBackend, EmbeddingError
from products.embeddings.text import embedding_text
from products.models import Product
from products.recipes import with_active_backend
from products.search.nearest import read_on
from products.search.query_vector import EmbedderBusy, text_vectors

logger = logging.getLogger(__name__)

COUNT = 3

# From this cosine similarity two texts are taken to describe the same product: a
# cautious choice. Different products of one kind are well below it, the two laptops of
# the samples at 0.6.
DUPLICATE = 0.9


@dataclass(frozen=True)
class Neighbours:
    """The nearest products of a text, nearest first. failed: the text had no vector."""

    products: list[Product] = field(default_factory=list)
    failed: bool = False

    @property
    def duplicate(self) -> Product | None:
        """The nearest product, if it is near enough to be the same one."""
        if self.products and self.products[0].similarity >= DUPLICATE:
            return self.products[0]
        return None


def neighbours_of(name: str, category: str, description: str) -> Neighbours:
    """Return the three nearest products of a product's text; none without a text.

    Embeds the text, as saving it would, by the recipe in force.
    """
    text = embedding_text(name, category, description)
    if not text:
        return Neighbours()
    try:
        return Neighbours(with_active_backend(partial(nearest_products, text)))
    except EmbeddingError as err:
        log = logger.warning if isinstance(err, EmbedderBusy) else logger.exception
        log("A product's neighbours could not be looked up: %s", err)
        return Neighbours(failed=True)


def nearest_products(text: str, backend: BaseEmbeddingBackend) -> list[Product]:
    """Return the three products nearest to a text, among those *backend* embedded."""
    vectors = text_vectors([text], backend, queries=False)
    if text not in vectors:
        return []
    vector = vectors[text].tolist()
    products = Product.objects.for_display()
    nearest = products.nearest_to(vector, fingerprint=backend.fingerprint)
    return read_on(nearest[:COUNT])
