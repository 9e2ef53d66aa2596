"""The map as a browser gets it: as a picture, and as points for a script to draw.

Both take long to write, so each is in the cache until the map changes; one thread
writes, and the others see the old one meanwhile.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from django.core.cache import cache
from django.db.models import F, Value
from django.template.loader import render_to_string
from django.urls import get_script_prefix
from django.utils.translation import get_language

from products.insight.map import (
    CACHE_SECONDS,
    SIZE,
    WAIT_SECONDS,
    Kind,
    Map,
    catalogue_map,
)
from products.models import Product
from products.sql.expressions import InArray, array_of
from products.turns import BusyError, Turns

PICTURED = 5_000  # points of a picture, which names each and links to it
LABELLED = 40  # points at most; the names of more would cover each other
MANY = 500  # points; more of them are drawn smaller
FINENESS = 100  # steps of a point's place, for one unit of the picture
TURNS = Turns(1)


def catalogue_picture(kind: Kind) -> str:
    """Return the map as SVG in the visitor's language; an empty picture without a map.

    Raises BusyError as catalogue_map() does.
    """
    # The links of the picture begin with the path that the shop is served below.
    key = f"map-picture-{kind}-{get_language()}-{get_script_prefix()}"
    return written(key, catalogue_map(kind), write_picture)


def catalogue_points(kind: Kind) -> str:
    """Return the points of the map as JSON, see write_points().

    Raises BusyError as catalogue_map() does.
    """
    return written(f"map-points-{kind}", catalogue_map(kind), write_points)


def written(key: str, drawn: Map | None, write: Callable[[Map | None], str]) -> str:
    """Return what *write* makes of a map, from the cache if possible.

    It is written without the request, so that nothing about a visitor gets into the
    cache. Raises BusyError where there is none and the turn does not come.
    """
    version = "" if drawn is None else drawn.version
    kept: tuple[str, str] | None = cache.get(key)
    if kept is not None and kept[0] == version:
        return kept[1]
    try:
        with TURNS.taken(seconds=WAIT_SECONDS if kept is None else 0):
            kept = cache.get(key)
            if kept is None or kept[0] != version:
                kept = version, write(drawn)
                cache.set(key, kept, CACHE_SECONDS)
    except BusyError:
        if kept is None:
            raise
    return kept[1]


def write_picture(drawn: Map | None) -> str:
    """Return a map as SVG: at most 5,000 of its points, spread over all."""
    series: list[list[dict[str, Any]]] = []
    if drawn is not None:
        step = -(-drawn.count // PICTURED)
        ids = drawn.ids[::step]
        products = Product.objects.filter(InArray(F("pk"), Value(array_of(ids))))
        names = dict(products.values_list("pk", "name"))
        series = [[] for _ in drawn.groups]
        places = drawn.places[::step].tolist()
        for pk, (x, y), own in zip(ids, places, drawn.series[::step], strict=True):
            if pk in names:  # it may have been deleted a moment ago
                series[own].append({"pk": pk, "name": names[pk], "x": x, "y": y})
    context = {
        "series": series,
        "width": SIZE["width"],
        "height": SIZE["height"],
        "labelled": drawn is not None and drawn.count <= LABELLED,
        "many": drawn is not None and drawn.count > MANY,
    }
    return render_to_string("products/map.svg", context)


def write_points(drawn: Map | None) -> str:
    """Return a map as JSON without names: 20,000 points are 450 kB, 200 kB with gzip.

    `ids`, `x`, `y` and `series` have an entry for each product. x and y are in
    hundredths of a unit of the picture, which is `width` by `height`; series is the
    place of its category in the legend, from 0. `clusters`: `x`, `y`, `count` and
    `words` of each.
    """
    points: dict[str, Any] = {
        "width": SIZE["width"] * FINENESS,
        "height": SIZE["height"] * FINENESS,
        "ids": [],
        "x": [],
        "y": [],
        "series": [],
        "clusters": [],
    }
    if drawn is not None:
        fine = (drawn.places * FINENESS).round().astype(int)
        points |= {
            "ids": drawn.ids,
            "x": fine[:, 0].tolist(),
            "y": fine[:, 1].tolist(),
            "series": drawn.series.tolist(),
            "clusters": [
                {
                    "x": round(cluster.x * FINENESS),
                    "y": round(cluster.y * FINENESS),
                    "count": cluster.count,
                    "words": " · ".join(cluster.words),
                }
                for cluster in drawn.clusters
            ],
        }
    return json.dumps(points, separators=(",", ":"))
