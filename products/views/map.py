"""The pages of the map: the picture, and the page around it."""

from __future__ import annotations

from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.translation import get_language
from django.views.decorators.cache import cache_control
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import conditional_page, require_safe

from products.insight.map import (
    CACHE_SECONDS,
    COUNTED,
    HEIGHT,
    OTHERS,
    WIDTH,
    catalogue_map,
    embedded_count,
    map_of,
    sample,
    version_of,
)

LABELLED = 40  # points at most; the names of more would cover each other
MANY = 500  # points; more of them are drawn smaller


@require_safe
def show(request: HttpRequest) -> HttpResponse:
    """Return the page with the map of the catalogue and a table that says the same."""
    total = embedded_count()
    context = {
        "map": catalogue_map(),
        "total": min(total, COUNTED),
        "more": total > COUNTED,
        "others": OTHERS,
    }
    return render(request, "products/map.html", context)


@require_safe
@gzip_page
@conditional_page
@cache_control(no_cache=True)
def picture(request: HttpRequest) -> HttpResponse:
    """Return the map alone, as SVG; each point links to its product.

    A browser keeps a copy and asks each time, by ETag, whether it is still right.
    """
    return HttpResponse(catalogue_picture(), content_type="image/svg+xml")


def catalogue_picture() -> str:
    """Return the map as SVG in the visitor's language; an empty picture without a map.

    It is drawn without the request, so that nothing about a visitor gets into the
    cache. Drawing thousands of points is slow, hence the cache.
    """
    products = sample()
    version = version_of(products)
    key = f"map-picture-{get_language()}"
    cached: tuple[str, str] | None = cache.get(key)
    if cached is not None and cached[0] == version:
        return cached[1]
    drawn = map_of(products, version)
    context = {
        "groups": [] if drawn is None else drawn.groups,
        "width": WIDTH,
        "height": HEIGHT,
        "labelled": drawn is not None and drawn.count <= LABELLED,
        "many": drawn is not None and drawn.count > MANY,
    }
    svg = render_to_string("products/map.svg", context)
    cache.set(key, (version, svg), CACHE_SECONDS)
    return svg
