"""How far the products of the catalogue are from each other: a histogram."""

from __future__ import annotations

import math
from dataclasses import dataclass

from django.core.cache import cache
from django.db import router

from products.models import EmbeddingRecipe, Product
from products.quality.sampling import some_ids
from products.quality.steps import key_of

SAMPLED = 300  # products; their pairs are 44,850
BINS = 40  # from distance 0 to 2
KEPT_SECONDS = 5 * 60


@dataclass(frozen=True)
class Spread:
    """The cosine distances of all pairs of some products.

    counts: how many pairs have a distance in each bin of 0.05, from 0 to 2. median: of
    all the distances.
    """

    counts: list[int]
    products: int
    pairs: int
    median: float

    @property
    def bars(self) -> list[tuple[int, int]]:
        """The bins that are not empty: place, and height in percent of the highest."""
        highest = max(self.counts)
        return [
            (place, max(round(100 * count / highest), 1))
            for place, count in enumerate(self.counts)
            if count
        ]

    def nearer(self, distance: float) -> float:
        """Return which share of the pairs, 0 to 1, is surely nearer than a distance."""
        return sum(self.counts[: int(distance * BINS / 2)]) / self.pairs


def catalogue_spread(using: str | None = None) -> Spread | None:
    """Return the spread of at most 300 products by random, remembered for five minutes.

    None with fewer than two products that the recipe in force embedded.
    """
    using = using or router.db_for_read(Product)
    fingerprint = EmbeddingRecipe.objects.current(using).fingerprint
    ids = some_ids(SAMPLED, using=using)
    key = key_of("spread", fingerprint, ids)
    spread: Spread | None = cache.get(key)
    if spread is None and len(ids) > 1:
        spread = measured(ids, using=using)
        cache.set(key, spread, KEPT_SECONDS)
    return spread


def measured(ids: list[int], *, using: str) -> Spread:
    """Return the spread of the products with these ids."""
    import numpy as np

    products = Product.objects.using(using).filter(pk__in=ids).order_by()
    vectors = np.array(list(products.values_list("embedding", flat=True)))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    distances = 1 - (vectors @ vectors.T)[np.triu_indices(len(vectors), 1)]
    # Rounding may put a pair of equal vectors a little below 0.
    counts, _ = np.histogram(distances.clip(0, 2), bins=BINS, range=(0, 2))
    return Spread(
        counts.tolist(), len(vectors), len(distances), float(np.median(distances))
    )


def on_dial(distance: float, radius: float) -> tuple[float, float]:
    """Return where a distance stands on a half circle around 0: left is 0, right is 2."""
    angle = math.pi * (1 - distance / 2)
    return round(radius * math.cos(angle), 1), round(-radius * math.sin(angle), 1)
