"""The catalogue in two dimensions: principal components of the embeddings."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from django.core.cache import cache
from django.db.models import Max, Min

from products.embeddings import get_backend
from products.models import Product
from products.querysets import ProductQuerySet

MOST = 5_000  # points, more than can be told apart
COLOURS = 7  # categories that get one of their own; the rest share grey
CACHE_SECONDS = 600
OTHERS = "…"  # no category is called so
WIDTH, HEIGHT, MARGIN = 1000, 640, 24

Points = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Point:
    """A product on the map; x and y are in the picture's units, from the upper left."""

    pk: int
    name: str
    x: float
    y: float


@dataclass(frozen=True)
class Group:
    """The points of a category. middle: the one nearest to all of them."""

    category: str
    points: list[Point]
    middle: Point


@dataclass(frozen=True)
class Map:
    """The points by category, the largest first; the last may hold all the others.

    kept: the share, 0 to 1, of the variance that two dimensions show. sampled:
    whether there are more products than points.
    """

    groups: list[Group]
    kept: float
    sampled: bool

    @property
    def count(self) -> int:
        return sum(len(group.points) for group in self.groups)


def catalogue_map() -> Map | None:
    """Return the map of the products embedded by the configured recipe.

    None with fewer than three of them. At most 5,000, chosen at random, always the
    same ones. Takes a second for that many, and nothing for the next ten minutes,
    unless a product was added.
    """
    products = Product.objects.embedded()
    ends = products.aggregate(first=Min("pk"), last=Max("pk"))
    if ends["first"] is None:
        return None
    key = f"map-{get_backend().fingerprint}-{ends['first']}-{ends['last']}"
    cached: Map | None = cache.get(key)
    if cached is None:
        cached = draw_map(ends["first"], ends["last"])
        if cached is not None and cached.count >= COLOURS:
            cache.set(key, cached, CACHE_SECONDS)
    return cached


def draw_map(first: int, last: int) -> Map | None:
    """Return a new map of the products with ids from *first* to *last*."""
    rows = list(sample(first, last).values_list("pk", "name", "category", "embedding"))
    if len(rows) < 3:
        return None
    vectors = np.array([row[3] for row in rows], dtype=np.float64)
    plane, kept = principal_plane(vectors)
    points = [
        Point(pk, name, round(x, 1), round(y, 1))
        for (pk, name, _, _), (x, y) in zip(rows, fitted(plane), strict=True)
    ]
    return Map(
        group([row[2] for row in rows], points),
        kept=kept,
        sampled=Product.objects.embedded()[: len(rows) + 1].count() > len(rows),
    )


def sample(first: int, last: int) -> ProductQuerySet:
    """Return at most 5,000 embedded products, spread over the whole range of ids.

    Random ids are looked up, so that the time does not grow with the catalogue; where
    many ids are no longer used, fewer products come back.
    """
    products = Product.objects.embedded().order_by("pk")
    if last - first < 2 * MOST:
        return products[:MOST]
    ids = random.Random(0).sample(range(first, last + 1), min(last - first, 2 * MOST))
    return products.filter(pk__in=ids[:MOST])


def principal_plane(vectors: Points) -> tuple[Points, float]:
    """Return the coordinates along the two directions of largest variance.

    vectors: shape (n, dimensions). Also the share of the variance they keep. See
    https://doi.org/10.1080/14786440109462720 (Pearson, 1901).
    """
    centred = vectors - vectors.mean(axis=0)
    variances, directions = np.linalg.eigh(centred.T @ centred)
    axes = directions[:, [-1, -2]]
    # The sign of a direction is arbitrary: keep the picture the same every time.
    largest = np.abs(axes).argmax(axis=0)
    axes = axes * np.sign(axes[largest, [0, 1]])
    total = max(float(variances.sum()), 1e-12)
    return centred @ axes, float(variances[-2:].sum() / total)


def fitted(plane: Points) -> list[tuple[float, float]]:
    """Return the coordinates, moved and scaled into the picture, both axes alike."""
    low, high = plane.min(axis=0), plane.max(axis=0)
    spread = np.maximum(high - low, 1e-9)
    room = np.array([WIDTH - 2 * MARGIN, HEIGHT - 2 * MARGIN])
    scale = (room / spread).min()
    placed = (plane - (low + high) / 2) * scale + np.array([WIDTH, HEIGHT]) / 2
    return [(float(x), float(y)) for x, y in placed]


def group(categories: list[str], points: list[Point]) -> list[Group]:
    """Return the points by category, the largest first; the smallest in one group."""
    counted = Counter(categories).most_common()
    own = {category for category, _ in counted[:COLOURS]}
    members: dict[str | None, list[Point]] = {name: [] for name, _ in counted[:COLOURS]}
    others: list[Point] = []
    for category, point in zip(categories, points, strict=True):
        (members[category] if category in own else others).append(point)
    groups = [Group(str(name), found, middle(found)) for name, found in members.items()]
    return [*groups, Group(OTHERS, others, middle(others))] if others else groups


def middle(points: list[Point]) -> Point:
    """Return the point nearest to the mean of all."""
    x = sum(point.x for point in points) / len(points)
    y = sum(point.y for point in points) / len(points)
    return min(points, key=lambda point: (point.x - x) ** 2 + (point.y - y) ** 2)
