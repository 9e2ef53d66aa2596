"""The pages of the map: the picture, and the page around it."""

from __future__ import annotations

from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import get_script_prefix
from django.utils.translation import get_language
from django.views.decorators.cache import cache_control
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import conditional_page, require_safe

from products.insight.map import (
    CACHE_SECONDS,
    COUNTED,
    HEIGHT,
    OTHERS,
    WAIT_SECONDS,
    WIDTH,
    Map,
    catalogue_map,
)
from products.turns import BusyError, Turns
from products.views.busy import or_busy

LABELLED = 40  # points at most; the names of more would cover each other
TURNS = Turns(1)  # to write a picture
MANY = 500  # points; more of them are drawn smaller


@require_safe
@or_busy
def show(request: HttpRequest) -> HttpResponse:
    """Return the page with the map of the catalogue and a table that says the same."""
    drawn = catalogue_map()
    total = 0 if drawn is None else drawn.total
    context = {
        "map": drawn,
        "total": min(total, COUNTED),
        "more": total > COUNTED,
        "others": OTHERS,
    }
    return render(request, "products/map.html", context)


@require_safe
@gzip_page
@conditional_page
@cache_control(no_cache=True)
@or_busy
def picture(request: HttpRequest) -> HttpResponse:
    """Return the map alone, as SVG; each point links to its product.

    A browser keeps a copy and asks each time, by ETag, whether it is still right.
    """
    return HttpResponse(catalogue_picture(), content_type="image/svg+xml")


def catalogue_picture() -> str:
    """Return the map as SVG in the visitor's language; an empty picture without a map.

    It is written without the request, so that nothing about a visitor gets into the
    cache. Writing thousands of points is slow, so one thread does it for all who wait,
    and an old picture is shown meanwhile. Raises BusyError as catalogue_map() does.
    """
    drawn = catalogue_map()
    version = "" if drawn is None else drawn.version
    # The links of the picture begin with the path that the shop is served below.
    key = f"map-picture-{get_language()}-{get_script_prefix()}"
    kept: tuple[str, str] | None = cache.get(key)
    if kept is not None and kept[0] == version:
        return kept[1]
    try:
        with TURNS.taken(seconds=WAIT_SECONDS if kept is None else 0):
            kept = cache.get(key)
            if kept is None or kept[0] != version:
                kept = version, write_picture(drawn)
                cache.set(key, kept, CACHE_SECONDS)
    except BusyError:
        if kept is None:
            raise
    return kept[1]


def write_picture(drawn: Map | None) -> str:
    """Return a map as SVG."""
    context = {
        "groups": [] if drawn is None else drawn.groups,
        "width": WIDTH,
        "height": HEIGHT,
        "labelled": drawn is not None and drawn.count <= LABELLED,
        "many": drawn is not None and drawn.count > MANY,
    }
    return render_to_string("products/map.svg", context)
