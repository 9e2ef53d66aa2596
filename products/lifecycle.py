"""The life of an embedding: which products need one, and how they get it."""

from __future__ import annotations

from collections.abc import Iterator

from django.db import transaction

from products.embeddings import get_backend
from products.models import EMBEDDING_FIELDS, Product


def embed_pending(*, using: str | None = None) -> Iterator[int]:
    """Embed the products that need it and yield how many each batch embedded.

    A batch is one transaction: stopped at any point, what was yielded stays and the
    next run goes on. Several processes may run at once: each locks its rows and
    skips those of the others (SKIP LOCKED). Raises EmbeddingError when the backend
    fails; the batch at hand is then left as it was.
    """
    last = 0
    while True:
        embedded, last = embed_batch(after=last, using=using)
        if not embedded:
            return
        yield embedded


def embed_batch(*, after: int, using: str | None = None) -> tuple[int, int]:
    """Embed the next batch of products with an id over *after*.

    Returns how many there were, and the largest id among them.
    """
    backend = get_backend()
    with transaction.atomic(using=using):
        products = list(
            Product.objects.using(using)
            .needs_embedding()
            .filter(pk__gt=after)
            .order_by("pk")
            .defer("embedding", "search_vector")
            .select_for_update(skip_locked=True, no_key=True)[: backend.batch_size]
        )
        if not products:
            return 0, after
        vectors = backend.embed([product.embedding_text() for product in products])
        for product, vector in zip(products, vectors, strict=True):
            product.set_embedding(vector.tolist(), backend.fingerprint)
        Product.objects.using(using).bulk_update(products, EMBEDDING_FIELDS)
    return len(products), products[-1].pk
