"""The vector a search starts from: of a text, of examples, or of both."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from django.core.cache import cache
from django.utils.translation import gettext

from products.embeddings import BaseEmbeddingBackend
from products.models import Product
from products.search.question import SearchError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

Vector: TypeAlias = "npt.NDArray[np.float32]"

CACHE_SECONDS = 24 * 60 * 60

# The norm of a sum of unit vectors below which its direction is only rounding.
SMALLEST_NORM = 1e-3


def query_vector(text: str, backend: BaseEmbeddingBackend) -> Vector:
    """Return the vector of a text: float32, of length 1; cached for a day.

    Raises EmbeddingError when it is not cached and the backend fails.
    """
    import numpy as np

    name = f"{backend.fingerprint}\n{text}"
    key = f"query-embedding-{hashlib.sha256(name.encode()).hexdigest()}"
    stored = cache.get(key)
    if stored is not None:
        return np.frombuffer(stored, dtype=np.float32)
    vector: Vector = backend.embed([text])[0]
    cache.set(key, vector.tobytes(), CACHE_SECONDS)
    return vector


def example_vector(
    like: Sequence[Product],
    unlike: Sequence[Product],
    *,
    text: Vector | None = None,
    using: str,
) -> Vector:
    """Return the vector of a search by examples: float32, of length 1.

    The mean of the vectors of *like* minus the mean of those of *unlike*, plus the
    vector of the query's text if there is one. One statement. Raises SearchError for
    an example without embedding, for examples of two recipes or of another one than
    when they were loaded, and for examples that cancel out.
    """
    import numpy as np

    examples = [*like, *unlike]
    stored = Product.objects.using(using).filter(
        pk__in=[product.pk for product in examples], embedding__isnull=False
    )
    rows = list(stored.values_list("pk", "embedding", "embedding_fingerprint"))
    vectors: dict[int, Any] = {pk: vector for pk, vector, _ in rows}
    for product in examples:
        if product.pk not in vectors:
            raise SearchError(
                gettext(
                    "%(name)s has no embedding yet, so it cannot be an example. Leave "
                    "it out for now."
                )
                % {"name": product.name}
            )
    if {pk: recipe for pk, _, recipe in rows} != {
        product.pk: product.embedding_fingerprint for product in examples
    }:
        raise SearchError(
            gettext("The examples were embedded anew just now. Search once more.")
        )
    if len({product.embedding_fingerprint for product in examples}) > 1:
        raise SearchError(
            gettext(
                "These examples cannot be compared with each other: different models "
                "embedded them. Leave one of them out for now."
            )
        )
    vector = np.zeros(len(next(iter(vectors.values()))), dtype=np.float32)
    for sign, products in ((1, like), (-1, unlike)):
        if products:
            vector += sign * np.mean([vectors[p.pk] for p in products], axis=0)
    if text is not None:
        vector += text
    norm = float(np.linalg.norm(vector))
    if norm < SMALLEST_NORM:
        raise SearchError(
            gettext(
                "The examples cancel out: what is wanted and what is not are the same. "
                "Leave one of them out."
            )
        )
    unit: Vector = vector / np.float32(norm)
    return unit
