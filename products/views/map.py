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

LABELLED = 40  # points, that their names do not cover each other
MANY = 500  # points, from where they are drawn small


@require_safe
def show(request: HttpRequest) -> HttpResponse:
    """The page with the map of the catalogue, and the same in words."""
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
    """The map alone, as SVG: each point a link to its product, with its name.

    A browser asks each time whether its copy is still right, by ETag.
    """
    return HttpResponse(catalogue_picture(), content_type="image/svg+xml")


def catalogue_picture() -> str:
    """Return the SVG, in the visitor's language; an empty one without a map.

    Made without the request, so that nothing of one visitor gets into the cache.
    Takes half a second for 5,000 points that are not in the cache.
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
