"""The page of the map, and what its script asks for: points, cards, names, searches."""

from __future__ import annotations

from typing import Any

from django.db.models import F, Value
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBadRequest,
    JsonResponse,
)
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import conditional_page, require_safe

from products.forms import MapForm
from products.insight.map import OTHERS, Kind, Map, catalogue_map
from products.insight.sampling import COUNTED
from products.models import Product
from products.search import SearchError, search, similar_to
from products.search.nearest import WINDOW
from products.sql.expressions import InArray, array_of
from products.views.busy import or_busy
from products.views.map_drawing import PICTURED, catalogue_picture, catalogue_points

NEIGHBOURS = 5
NAMED = 20  # products whose names are asked for at a time


@require_safe
@or_busy
def show(request: HttpRequest) -> HttpResponse:
    """Return the page with the map of the catalogue and a table that says the same.

    One statement, for the product that the address chooses, where the map is in the
    cache.
    """
    form = MapForm(request.GET)
    asked = form.cleaned_data if form.is_valid() else {}
    kind = Kind(asked.get("projection") or Kind.PRINCIPAL)
    drawn = catalogue_map(kind)
    if drawn is None and kind is not Kind.PRINCIPAL:
        form.add_error("projection", not_computed())
        drawn = catalogue_map()
    chosen, status = {}, 400 if form.errors else 200
    if asked.get("product"):
        try:
            chosen = chosen_product(asked["product"])
        except Product.DoesNotExist:
            form.add_error("product", _("There is no such product. Choose a point."))
            status = 404
    context = {
        "map": drawn,
        "form": form,
        "text": asked.get("q", ""),
        "errors": form.error_texts(),
        "others": OTHERS,
        "pictured": PICTURED,
        # Visitors differ in this, and a page with a map is the same for all.
        **counted(drawn),
        **({"chosen": None} | chosen),
    }
    return render(request, "products/map.html", context, status=status)


def not_computed() -> str:
    """Return what to do about a projection that nobody has computed."""
    return _("It is not computed yet. Run manage.py project_products first.")


def counted(drawn: Map | None) -> dict[str, Any]:
    """Return how many products could be on the map, and whether there are more."""
    total = 0 if drawn is None else drawn.total
    return {"total": min(total, COUNTED), "more": total > COUNTED}


def chosen_product(pk: int) -> dict[str, Any]:
    """Return what a card shows: the product and the five nearest, in one statement.

    Raises Product.DoesNotExist.
    """
    product, results = similar_to(pk, page_size=NEIGHBOURS)
    return {"chosen": product, "results": results}


@require_safe
@gzip_page
@conditional_page
@cache_control(no_cache=True)
@or_busy
def picture(request: HttpRequest) -> HttpResponse:
    """Return the map alone, as SVG; each point links to its product.

    A browser keeps a copy and asks each time, by ETag, whether it is still right.
    """
    svg = catalogue_picture(asked_kind(request))
    return HttpResponse(svg, content_type="image/svg+xml")


@require_safe
@gzip_page
@conditional_page
@cache_control(no_cache=True)
@or_busy
def points(request: HttpRequest) -> HttpResponse:
    """Return where the products lie, as JSON; a browser keeps it as it does picture()."""
    points = catalogue_points(asked_kind(request))
    return HttpResponse(points, content_type="application/json")


def asked_kind(request: HttpRequest) -> Kind:
    """Return the projection that an address names. Raises Http404 for no such one."""
    try:
        return Kind(request.GET.get("projection") or Kind.PRINCIPAL)
    except ValueError as err:
        raise Http404 from err


@require_safe
def card(request: HttpRequest, pk: int) -> HttpResponse:
    """Return the card of a product, with the five nearest, for the page of the map."""
    try:
        context = chosen_product(pk)
    except Product.DoesNotExist as err:
        raise Http404 from err
    return render(request, "products/_map_card.html", context)


@require_safe
def names(request: HttpRequest) -> HttpResponse:
    """Return a list of products by their ids, in the order of these; at most 20.

    Products that are no longer there are left out.
    """
    asked = request.GET.getlist("product")
    if len(asked) > NAMED or not all(map(is_id, asked)):
        return HttpResponseBadRequest(f"product takes up to {NAMED} ids of products.")
    ids = Value(array_of(map(int, asked)))
    found = Product.objects.for_display().filter(InArray(F("pk"), ids))
    products = {product.pk: product for product in found}
    ordered = [products[int(pk)] for pk in asked if int(pk) in products]
    return render(request, "products/_map_names.html", {"products": ordered})


def is_id(text: str) -> bool:
    """Return whether a text may be the id of a product."""
    return text.isascii() and text.isdecimal() and len(text) < 19


@require_safe
def found(request: HttpRequest) -> HttpResponse:
    """Return the ids of up to 200 products that a search finds, and how many in words.

    JSON: `ids`, `text`. With status 400 `text` says why nothing can be searched for.
    """
    form = MapForm({"q": request.GET.get("q", "")})
    if not form.is_valid():
        return JsonResponse({"ids": [], "text": form.error_texts()[0]}, status=400)
    try:
        results = search(form.cleaned_data["q"], page_size=WINDOW)
    except SearchError as err:
        return JsonResponse({"ids": [], "text": str(err)}, status=400)
    ids = [hit.pk for hit in results]
    return JsonResponse({"ids": ids, "text": results.found_text})
