"""From vectors to a plane, and how much of them is left there; numbers only.

Vectors and planes have a row for each product: shapes (n, dimensions) and (n, 2).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

Numbers: TypeAlias = "npt.NDArray[np.floating[Any]]"
Rows: TypeAlias = "npt.NDArray[np.int64]"
# The distances from some rows to all: shape (rows, n).
Distances: TypeAlias = Callable[[Numbers, Rows], Numbers]

BLOCK = 256  # rows whose distances are in memory at a time: 20 MB with 20,000 others
NEIGHBOURS = 10
ASKED = 500  # products whose neighbours are compared; the share is then good to 0.01


def vectors_of(sent: list[Any]) -> Numbers:
    """Return the numbers of vectors as pgvector sends them.

    Big-endian: two numbers of 16 bits, the dimensions and an unused one, then 32 bits
    each. See https://github.com/pgvector/pgvector/blob/master/src/vector.c
    """
    import numpy as np

    numbers = np.frombuffer(b"".join(sent), dtype=">f4").reshape(len(sent), -1)
    return numbers[:, 1:].astype(np.float32)


def principal_plane(vectors: Numbers) -> tuple[Numbers, float]:
    """Return the coordinates along the two directions of largest variance.

    The second value is the share of the variance that these directions keep. See
    https://doi.org/10.1080/14786440109462720 (Pearson, 1901).
    """
    import numpy as np

    centred = vectors - vectors.mean(axis=0)
    variances, directions = np.linalg.eigh((centred.T @ centred).astype(np.float64))
    axes = directions[:, [-1, -2]]
    # The sign of a direction is arbitrary: keep the picture the same every time.
    largest = np.abs(axes).argmax(axis=0)
    axes = axes * np.sign(axes[largest, [0, 1]])
    total = max(float(variances.sum()), 1e-12)
    return centred @ axes, float(variances[-2:].sum() / total)


def fitted(plane: Numbers, *, width: int, height: int, margin: int) -> Numbers:
    """Return the coordinates, moved and scaled into a picture, both axes alike."""
    import numpy as np

    low, high = plane.min(axis=0), plane.max(axis=0)
    spread = np.maximum(high - low, 1e-9)
    room = np.array([width - 2 * margin, height - 2 * margin])
    scale = (room / spread).min()
    placed: Numbers = (plane - (low + high) / 2) * scale + np.array([width, height]) / 2
    return placed


def of_unit_length(vectors: Numbers) -> Numbers:
    """Return the vectors with length 1, as cosine_distances() needs them."""
    import numpy as np

    lengths: Numbers = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / lengths


def cosine_distances(vectors: Numbers, rows: Rows) -> Numbers:
    """Return the cosine distances of vectors of length 1."""
    distances: Numbers = 1 - vectors[rows] @ vectors.T
    return distances


def plane_distances(plane: Numbers, rows: Rows) -> Numbers:
    """Return the squares of the distances in a plane."""
    across: Numbers = plane[rows, 0, None] - plane[:, 0]
    along: Numbers = plane[rows, 1, None] - plane[:, 1]
    return across**2 + along**2


def nearest(
    distances: Distances, points: Numbers, rows: Rows, count: int
) -> tuple[Rows, Numbers]:
    """Return the *count* nearest points of each row, nearest first, and how far they are.

    A point is not its own neighbour. Both results have the shape (rows, count).
    """
    import numpy as np

    far = distances(points, rows)
    far[np.arange(len(rows)), rows] = np.inf
    found = np.argpartition(far, count - 1, axis=1)[:, :count]
    order = np.take_along_axis(far, found, axis=1).argsort(axis=1, kind="stable")
    found = np.take_along_axis(found, order, axis=1)
    return found, np.take_along_axis(far, found, axis=1)


def neighbours_compared(products: int) -> int:
    """Return of how many nearest share_kept() speaks: ten, fewer for few products.

    Half of the others at most: all others together are the same in every picture.
    """
    return min(NEIGHBOURS, (products - 1) // 2)


def share_kept(vectors: Numbers, plane: Numbers) -> float:
    """Return which share, 0 to 1, of the products' nearest are nearest in a plane too.

    vectors: of length 1. 500 products are asked, spread over all.
    """
    import numpy as np

    count = neighbours_compared(len(vectors))
    asked = np.arange(0, len(vectors), max(len(vectors) // ASKED, 1))
    kept = 0
    for rows in blocks(asked):
        true, _far = nearest(cosine_distances, vectors, rows, count)
        drawn, _far = nearest(plane_distances, plane, rows, count)
        kept += int((true[:, :, None] == drawn[:, None, :]).sum())
    return kept / (len(asked) * count)


def blocks(rows: Rows) -> list[Rows]:
    """Return rows in parts that fit in memory with their distances to all."""
    return [rows[start : start + BLOCK] for start in range(0, len(rows), BLOCK)]
