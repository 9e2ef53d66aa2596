"""The page of a product."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from products.forms import ClickForm
from products.models import Product
from products.offers import offer_of
from products.search import similar_to
from products.search.side_by_side import MOST_COMPARED
from products.search_log.noting import note_click
from products.structured_data import breadcrumb_data, product_data
from products.views.similar import SIMILAR_COUNT


@require_safe
def product_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """Return the page of a product with the five most like it."""
    try:
        product, results = similar_to(pk, page_size=SIMILAR_COUNT)
    except Product.DoesNotExist as err:
        raise Http404 from err
    offer = offer_of(product, request.build_absolute_uri)
    clicked = ClickForm.of(request.GET)
    if clicked:
        note_click(request, product.sku, **clicked)
    steps = [
        (name, request.build_absolute_uri(address)) for name, address in way_to(product)
    ]
    context = {
        "product": product,
        "clicked": clicked,
        "results": results,
        "way": way_to(product),
        "canonical": offer.url,
        "most_compared": MOST_COMPARED,
        "image": offer.image or None,
        "structured": [
            product_data(offer),
            breadcrumb_data([*steps, (product.name, offer.url)]),
        ],
    }
    return render(request, "products/detail.html", context)


def way_to(product: Product) -> list[tuple[str, str]]:
    """Return the names and addresses of the pages above a product's."""
    catalogue = reverse("products:list")
    category = urlencode({"category": product.category})
    return [
        (_("Products"), catalogue),
        (product.category or _("No category"), f"{catalogue}?{category}"),
    ]
