"""The catalogue in two dimensions: where its products lie, and what they have in common.

Of principal components, which need nothing, or by t-SNE where that was computed; see
projections.py.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from django.core.cache import cache
from django.db.models import F
from django.db.models.enums import TextChoices

from products.insight.clusters import Cluster, clusters_of
from products.insight.plane import (
    Numbers,
    fitted,
    neighbours_compared,
    of_unit_length,
    principal_plane,
    share_kept,
    vectors_of,
)
from products.insight.projections import stored_places, text_number
from products.insight.sampling import embedded_count, sample, version_of
from products.models import Projection
from products.querysets import ProductQuerySet, recipe
from products.sql.expressions import VectorBytes
from products.turns import BusyError, Turns

if TYPE_CHECKING:
    from products.insight.plane import Rows

COLOURS = 7  # categories that get one of their own; the rest share grey
CACHE_SECONDS = 24 * 60 * 60
# For so long a map is shown without a look at the catalogue.
FRESH_SECONDS = 60
# One thread of a process draws. Those who have no map yet wait for it.
TURNS = Turns(1)
WAIT_SECONDS = 20
OTHERS = "…"  # no category has this name
SIZE = {"width": 1000, "height": 640, "margin": 24}
FEWEST = 3  # products


class Kind(TextChoices):
    """The projections that a map may be drawn by, as they stand in its address."""

    PRINCIPAL = "pca"
    NEIGHBOURHOODS = "tsne"


@dataclass(frozen=True)
class Group:
    """The products of a category: how many, and the one in the middle of them."""

    category: str
    count: int
    middle: int
    middle_name: str


@dataclass(frozen=True, eq=False)
class Map:
    """Products in a picture of 1,000 by 640, and what to say about them.

    ids, places, series: of each product its id, x and y from the upper left, and its
    group, counted from 0. groups: the largest first; the last may hold all the others.
    variance: the share, 0 to 1, of the variance that principal components show, None
    for t-SNE. missing: how many products of the map the projection has no place for.
    version: that of the products drawn, see version_of(). compared: of how many nearest
    `kept` speaks: the share, 0 to 1, that each projection keeps which can be shown now.
    total: how many products could be on it, see embedded_count(). looked_at: when it
    was last compared with the catalogue, in seconds since 1970.
    """

    kind: Kind
    ids: list[int]
    places: Numbers
    series: Rows
    groups: list[Group]
    clusters: list[Cluster]
    version: str
    variance: float | None = None
    missing: int = 0
    kept: dict[Kind, float] = field(default_factory=dict)
    total: int = 0
    looked_at: float = 0.0

    @property
    def count(self) -> int:
        return len(self.ids)

    @property
    def compared(self) -> int:
        return neighbours_compared(self.count)

    @property
    def is_fresh(self) -> bool:
        return time.time() - self.looked_at < FRESH_SECONDS


def catalogue_map(kind: Kind = Kind.PRINCIPAL) -> Map | None:
    """Return the map of the products embedded by the recipe in force.

    None with fewer than three such products, and of t-SNE until it was computed for the
    recipe. At most 20,000 are on it, chosen at random, but the same ones every time. A
    map is at most a minute old where somebody looks at it all the time: then one thread
    finds out by a few statements whether it is still right, and draws a new one if not,
    which takes far longer. The others are shown the old one meanwhile. Raises BusyError
    when there is none and drawing takes too long.
    """
    kept: Map | None = cache.get(f"map-{kind}")
    if kept is not None and kept.is_fresh:
        return kept
    try:
        with TURNS.taken(seconds=0 if kept is not None else WAIT_SECONDS):
            return up_to_date_map(kind)
    except BusyError:
        if kept is None:
            raise
        return kept


def up_to_date_map(kind: Kind) -> Map | None:
    """Return the map of the products as they are now, from the cache if possible."""
    key = f"map-{kind}"
    kept: Map | None = cache.get(key)
    if kept is not None and kept.is_fresh:
        return kept  # drawn by the thread that had the turn before
    now = time.time()
    total = embedded_count()
    products, stored = sample(total), stored_projection()
    version = version_of(products)
    if kind is Kind.NEIGHBOURHOODS and stored is not None:
        version += f" {stored.made_at.isoformat()}"
    if kept is None or kept.version != version:
        kept = draw_map(kind, products, version, stored)
    if kept is not None:
        shares = shares_of(kept, stored)
        kept = replace(kept, total=total, kept=shares, looked_at=now)
        # One key for all versions, so that outdated maps take no room.
        cache.set(key, kept, CACHE_SECONDS)
    else:
        cache.delete(key)
    return kept


def stored_projection() -> Projection | None:
    """Return the second projection of the recipe in force, without its places."""
    stored = Projection.objects.filter(fingerprint=recipe(None))
    return stored.defer("ids", "texts", "places").first()


def shares_of(drawn: Map, stored: Projection | None) -> dict[Kind, float]:
    """Return the share of neighbours that each projection keeps which can be shown."""
    if stored is None:
        return {Kind.PRINCIPAL: drawn.kept[Kind.PRINCIPAL]}
    principal = drawn.kept.get(Kind.PRINCIPAL, stored.principal_kept)
    return {Kind.PRINCIPAL: principal, Kind.NEIGHBOURHOODS: stored.kept}


def draw_map(
    kind: Kind, products: ProductQuerySet, version: str, stored: Projection | None
) -> Map | None:
    """Return a new map of these products, None with fewer than three or no projection."""
    if kind is Kind.PRINCIPAL:
        return principal_map(products, version)
    return None if stored is None else stored_map(products, version, stored)


def principal_map(products: ProductQuerySet, version: str) -> Map | None:
    """Return the map of two principal components, None with fewer than three products."""
    columns = ("pk", "name", "category", VectorBytes(F("embedding")))
    rows = list(products.values_list(*columns))
    if len(rows) < FEWEST:
        return None
    ids, names, categories, sent = zip(*rows, strict=True)
    vectors = of_unit_length(vectors_of(list(sent)))
    plane, variance = principal_plane(vectors)
    drawn = labelled_map(Kind.PRINCIPAL, ids, names, categories, plane, version)
    share = share_kept(vectors, plane)
    return replace(drawn, variance=variance, kept={Kind.PRINCIPAL: share})


def stored_map(
    products: ProductQuerySet, version: str, stored: Projection
) -> Map | None:
    """Return the map of the places that a command has computed.

    Products that came since, or were embedded from another text, are left out. None
    where fewer than three are left.
    """
    import numpy as np

    known = stored_places(stored)
    rows = list(products.values_list("pk", "name", "category", "embedded_hash"))
    places = [known.get((row[0], text_number(row[3]))) for row in rows]
    found = [
        (*row[:3], place)
        for row, place in zip(rows, places, strict=True)
        if place is not None
    ]
    if len(found) < FEWEST:
        return None
    ids, names, categories, placed = zip(*found, strict=True)
    plane = np.array(placed)
    drawn = labelled_map(Kind.NEIGHBOURHOODS, ids, names, categories, plane, version)
    return replace(drawn, missing=len(rows) - len(found))


def labelled_map(
    kind: Kind,
    ids: Sequence[int],
    names: Sequence[str],
    categories: Sequence[str],
    plane: Numbers,
    version: str,
) -> Map:
    """Return the map of products in a plane, with its groups and clusters."""
    places = fitted(plane, **SIZE)
    series, groups = grouped(ids, names, categories, places)
    return Map(
        kind=kind,
        ids=list(ids),
        places=places,
        series=series,
        groups=groups,
        clusters=clusters_of(places, names),
        version=version,
    )


def grouped(
    ids: Sequence[int],
    names: Sequence[str],
    categories: Sequence[str],
    places: Numbers,
) -> tuple[Rows, list[Group]]:
    """Return the group of each product, and the groups: the largest categories first.

    The smallest categories are in one group, the last.
    """
    import numpy as np

    own = [category for category, _ in Counter(categories).most_common(COLOURS)]
    number = {category: place for place, category in enumerate(own)}
    series: Rows = np.array([number.get(name, COLOURS) for name in categories])
    groups = []
    for place, category in enumerate([*own, OTHERS]):
        members = np.flatnonzero(series == place)
        if len(members):
            middle = members[middle_of(places[members])]
            groups.append(Group(category, len(members), ids[middle], names[middle]))
    return series, groups


def middle_of(places: Numbers) -> int:
    """Return which of some places is the nearest to the mean of all."""
    return int(((places - places.mean(axis=0)) ** 2).sum(axis=1).argmin())
