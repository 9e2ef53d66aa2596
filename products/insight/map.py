"""The catalogue in two dimensions: principal components of the embeddings."""

from __future__ import annotations

import random
import time
from collections import Counter
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from django.contrib.postgres.aggregates import StringAgg
from django.core.cache import cache
from django.db.models import F, Max, Min, Value
from django.db.models.functions import MD5

from products.models import Product
from products.querysets import ProductQuerySet
from products.sql.expressions import InArray, RowVersion, VectorBytes, array_of
from products.turns import BusyError, Turns

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

Points: TypeAlias = "npt.NDArray[np.float64]"

MOST = 5_000  # points, more than an eye can distinguish
COLOURS = 7  # categories that get one of their own; the rest share grey
COUNTED = 100_000  # products at most, so that counting takes no longer in a large shop
CACHE_SECONDS = 24 * 60 * 60
# For so long a map is shown without a look at the catalogue.
FRESH_SECONDS = 60
# One thread of a process draws. Those who have no map yet wait for it.
TURNS = Turns(1)
WAIT_SECONDS = 20
OTHERS = "…"  # no category has this name
WIDTH, HEIGHT, MARGIN = 1000, 640, 24


class Point(NamedTuple):
    """A product on the map; x and y are in the picture's units, from the upper left.

    A tuple, since thousands of them are read from the cache.
    """

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

    kept: the share, 0 to 1, of the variance that two dimensions show. version: that of
    the products drawn, see version_of(). total: how many products could be on it, see
    embedded_count(). looked_at: when it was last compared with the catalogue, in seconds
    since 1970.
    """

    groups: list[Group]
    kept: float
    version: str
    total: int = 0
    looked_at: float = 0.0

    @property
    def count(self) -> int:
        return sum(len(group.points) for group in self.groups)

    @property
    def is_fresh(self) -> bool:
        return time.time() - self.looked_at < FRESH_SECONDS


def catalogue_map() -> Map | None:
    """Return the map of the products embedded by the recipe in force.

    None with fewer than three such products. At most 5,000 are on it, chosen at
    random, but the same ones every time. A map is at most a minute old where somebody
    looks at it all the time: then one thread finds out by a few statements whether it
    is still right, and draws a new one if not, which takes far longer. The others are
    shown the old one meanwhile. Raises BusyError when there is none and drawing takes
    too long.
    """
    kept: Map | None = cache.get("map")
    if kept is not None and kept.is_fresh:
        return kept
    try:
        with TURNS.taken(seconds=0 if kept is not None else WAIT_SECONDS):
            return up_to_date_map()
    except BusyError:
        if kept is None:
            raise
        return kept


def up_to_date_map() -> Map | None:
    """Return the map of the products as they are now, from the cache if possible."""
    kept: Map | None = cache.get("map")
    if kept is not None and kept.is_fresh:
        return kept  # drawn by the thread that had the turn before
    now = time.time()
    products = sample()
    version = version_of(products)
    if kept is None or kept.version != version:
        kept = draw_map(products, version)
    if kept is not None:
        kept = replace(kept, total=embedded_count(), looked_at=now)
        # One key for all versions, so that outdated maps take no room.
        cache.set("map", kept, CACHE_SECONDS)
    else:
        cache.delete("map")
    return kept


def version_of(products: ProductQuerySet) -> str:
    """Return a text that differs as soon as one of the products does; "" for none.

    Changes by raw SQL count too, and, by the fingerprint, a switch of the recipe, which
    renames columns and writes no row. One statement reads the rows without their
    vectors.
    """
    rows = products.annotate(version=RowVersion())
    found: dict[str, str | None] = rows.aggregate(
        rows=MD5(StringAgg("version", ",", order_by="pk")),
        recipe=Max("embedding_fingerprint"),
    )
    return f"{found['rows']} {found['recipe']}" if found["rows"] else ""


def embedded_count() -> int:
    """Return how many products could be on the map; 100,001 stands for all above."""
    return Product.objects.embedded()[: COUNTED + 1].count()


def draw_map(products: ProductQuerySet, version: str) -> Map | None:
    """Return a new map of these products, None with fewer than three."""
    columns = ("pk", "name", "category", VectorBytes(F("embedding")))
    rows = list(products.values_list(*columns))
    if len(rows) < 3:
        return None
    plane, kept = principal_plane(vectors_of([row[3] for row in rows]))
    points = [
        Point(pk, name, round(x, 1), round(y, 1))
        for (pk, name, _, _), (x, y) in zip(rows, fitted(plane), strict=True)
    ]
    return Map(group([row[2] for row in rows], points), kept=kept, version=version)


def vectors_of(sent: list[Any]) -> Points:
    """Return the numbers of vectors as pgvector sends them: shape (n, dimensions).

    Big-endian: two numbers of 16 bits, the dimensions and an unused one, then 32 bits
    each. See https://github.com/pgvector/pgvector/blob/master/src/vector.c
    """
    import numpy as np

    numbers = np.frombuffer(b"".join(sent), dtype=">f4").reshape(len(sent), -1)
    return numbers[:, 1:].astype(np.float64)


def sample() -> ProductQuerySet:
    """Return at most 5,000 embedded products, spread over the whole range of ids.

    Random ids are looked up, so that the time does not grow with the catalogue; where
    many ids are no longer used, fewer products come back.
    """
    products = Product.objects.embedded().order_by("pk")
    ends = products.aggregate(first=Min("pk"), last=Max("pk"))
    if ends["first"] is None or ends["last"] - ends["first"] < 2 * MOST:
        return products[:MOST]
    ids = random_ids(*rounded_range(ends["first"], ends["last"]), MOST)
    return products.filter(InArray(F("pk"), Value(array_of(ids))))


def rounded_range(first: int, last: int) -> tuple[int, int]:
    """Return a range that holds another one and is up to a sixteenth longer.

    It stays the same while the catalogue grows or shrinks a little, so that a new
    product does not make another sample.
    """
    step = 1 << max((last - first).bit_length() - 6, 0)
    return first // step * step, -(-last // step) * step


# Drawing 5,000 ids takes as long as the rest of a request whose map is in the cache.
@lru_cache(maxsize=4)
def random_ids(first: int, last: int, count: int) -> list[int]:
    """Return numbers from *first* to *last*, none twice, the same ones every time."""
    return random.Random(0).sample(range(first, last + 1), count)


def principal_plane(vectors: Points) -> tuple[Points, float]:
    """Return the coordinates along the two directions of largest variance.

    The second value is the share of the variance that these directions keep. vectors:
    shape (n, dimensions). See
    https://doi.org/10.1080/14786440109462720 (Pearson, 1901).
    """
    import numpy as np

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
    import numpy as np

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
