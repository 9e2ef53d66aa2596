"""The pages of the map: the picture, and the page around it."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_safe

from products.projection import HEIGHT, MOST, OTHERS, WIDTH, catalogue_map

LABELLED = 40  # points, that their names do not cover each other


@require_safe
def show(request: HttpRequest) -> HttpResponse:
    """The page with the map of the catalogue, and the same in words."""
    context = {"map": catalogue_map(), "most": MOST, "others": OTHERS}
    return render(request, "products/map.html", context)


@require_safe
@gzip_page
def picture(request: HttpRequest) -> HttpResponse:
    """The map alone, as SVG: each point a link to its product, with its name."""
    context = {
        "map": catalogue_map(),
        "width": WIDTH,
        "height": HEIGHT,
        "labelled": LABELLED,
    }
    return render(request, "products/map.svg", context, content_type="image/svg+xml")
