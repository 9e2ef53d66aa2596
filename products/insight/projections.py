"""The second projection of the map: t-SNE, computed by a command and kept.

It puts neighbours beside each other, which two principal components cannot do for
thousands of products. For 20,000 it takes a minute and the package openTSNE, so the
pages show what `manage.py project_products` has stored. See
https://jmlr.org/papers/v9/vandermaaten08a.html and
https://opentsne.readthedocs.io/
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any

from django.db import DEFAULT_DB_ALIAS
from django.db.models import F

from products.insight.plane import (
    Numbers,
    Rows,
    blocks,
    cosine_distances,
    nearest,
    of_unit_length,
    principal_plane,
    share_kept,
    vectors_of,
)
from products.insight.sampling import MOST, embedded_count, sample
from products.models import Projection
from products.sql.expressions import VectorBytes

if TYPE_CHECKING:
    import numpy as np

# What is being done, how far it is, and how far it goes.
OnProgress = Callable[[str, int, int], None]

FEWEST = 10  # products; of fewer, t-SNE makes a ring
PERPLEXITY = 30  # about how many neighbours pull at each product
# First all are pulled together, then they find their places: as the authors advise.
EARLY_ROUNDS, ROUNDS, EXAGGERATION = 250, 500, 12
REPORTED = 10  # rounds between two reports of progress
EXACT = 5_000  # products up to which Barnes and Hut's way is quicker than Fourier's


class ProjectionError(Exception):
    """Nothing can be projected; the message says what to do."""


def project(
    *,
    count: int = MOST,
    using: str = DEFAULT_DB_ALIAS,
    on_progress: OnProgress = lambda phase, done, total: None,
) -> Projection:
    """Return the new second projection of the map's products, saved.

    count: how many products at most, 10 to 20,000. It takes the place of the one there
    was for the recipe in force. Memory: about 500 MB for 20,000. Raises ProjectionError
    with fewer than 10 products, and without openTSNE.
    """
    require_package()
    columns = ("pk", "embedded_hash", "embedding_fingerprint")
    products = sample(embedded_count(using), using)[:count]
    rows = list(products.values_list(*columns, VectorBytes(F("embedding"))))
    if len(rows) < FEWEST:
        raise ProjectionError(
            f"{len(rows)} products have an embedding; a projection needs {FEWEST}. Load "
            "more, or run manage.py embed_products."
        )
    vectors = of_unit_length(vectors_of([row[3] for row in rows]))
    principal, _share = principal_plane(vectors)
    places = neighbourhoods(vectors, principal, on_progress)
    projection, _made = Projection.objects.using(using).update_or_create(
        fingerprint=rows[0][2],
        defaults={
            "ids": packed([row[0] for row in rows], "<i8"),
            "texts": packed([text_number(row[1]) for row in rows], "<i8"),
            "places": packed(places, "<f4"),
            "kept": share_kept(vectors, places),
            "principal_kept": share_kept(vectors, principal),
        },
    )
    return projection


def require_package() -> None:
    """Raise ProjectionError where openTSNE is not installed."""
    try:
        import openTSNE  # noqa: F401
    except ImportError as err:
        raise ProjectionError(
            f"The package openTSNE cannot be loaded: {err}. Install it: pip install -c "
            "constraints.txt openTSNE"
        ) from err


def neighbourhoods(
    vectors: Numbers, principal: Numbers, on_progress: OnProgress
) -> Numbers:
    """Return the places that t-SNE finds for vectors of length 1, the same every time.

    principal: where it begins, so that what is far apart stays so.
    """
    from openTSNE import TSNEEmbedding
    from openTSNE.affinity import PerplexityBasedNN
    from openTSNE.initialization import rescale
    from openTSNE.nearest_neighbors import PrecomputedNeighbors

    perplexity = min(PERPLEXITY, (len(vectors) - 1) // 3)
    near, far = all_nearest(vectors, 3 * perplexity, on_progress)
    placed = TSNEEmbedding(
        rescale(principal),
        PerplexityBasedNN(
            knn_index=PrecomputedNeighbors(near, far), perplexity=perplexity
        ),
        negative_gradient_method="bh" if len(vectors) <= EXACT else "fft",
        random_state=0,
    )
    steps = ((EARLY_ROUNDS, EXAGGERATION, 0.5), (ROUNDS, 1, 0.8))
    for rounds, exaggeration, momentum in steps:
        before = 0 if exaggeration > 1 else EARLY_ROUNDS
        placed = placed.optimize(
            rounds,
            exaggeration=exaggeration,
            momentum=momentum,
            callbacks=partial(reported, on_progress, before),
            callbacks_every_iters=REPORTED,
        )
    return as_numbers(placed)


def reported(
    on_progress: OnProgress, before: int, rounds: int, error: float, places: Any
) -> None:
    """Report how many rounds are done; openTSNE goes on unless this returns True."""
    on_progress("placing", before + rounds, EARLY_ROUNDS + ROUNDS)


def all_nearest(
    vectors: Numbers, count: int, on_progress: OnProgress
) -> tuple[Rows, Numbers]:
    """Return the nearest of every vector and their cosine distances, exactly."""
    import numpy as np

    total = len(vectors)
    near: Rows = np.empty((total, count), dtype=np.int64)
    far: Numbers = np.empty((total, count), dtype=np.float32)
    for rows in blocks(np.arange(total)):
        near[rows], far[rows] = nearest(cosine_distances, vectors, rows, count)
        on_progress("comparing", int(rows[-1]) + 1, total)
    return near, np.maximum(far, 0)


def as_numbers(places: Any) -> Numbers:
    """Return what openTSNE gives as a plain array."""
    import numpy as np

    return np.array(places, dtype=np.float32)


def stored_places(projection: Projection) -> dict[tuple[int, int], tuple[float, float]]:
    """Return x and y of each product, by its id and the number of its text."""
    keys = zip(
        unpacked(projection.ids, "<i8").tolist(),
        unpacked(projection.texts, "<i8").tolist(),
        strict=True,
    )
    places = unpacked(projection.places, "<f4").reshape(-1, 2).tolist()
    return dict(zip(keys, map(tuple, places), strict=True))


def text_number(embedded_hash: str) -> int:
    """Return a number that differs once a product was embedded from another text."""
    return int(embedded_hash[:15] or "0", 16)


def packed(numbers: Iterable[Any], kind: str) -> bytes:
    """Return numbers as the bytes of an array."""
    import numpy as np

    return np.asarray(numbers, dtype=kind).tobytes()


def unpacked(stored: bytes | memoryview, kind: str) -> np.ndarray[Any, Any]:
    """Return the numbers of an array's bytes."""
    import numpy as np

    return np.frombuffer(stored, dtype=kind)
