"""The lab's pages of similar products: one is chosen, and the five nearest come."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from products.forms import VarietyForm
from products.models import Product
from products.search import Results, SearchError, search, similar_to
from products.views.product_ids import product_id
from products.views.typeahead import product_named, products_named_like

SIMILAR_COUNT = 5


@require_safe
def similar(request: HttpRequest) -> HttpResponse:
    """Return the page of what is like a product, or the one on which it is chosen."""
    if "product" not in request.GET:
        return find_similar(request)
    number = request.GET["product"]
    try:
        return render_similar(request, product_id(number))
    except Product.DoesNotExist:
        if number:
            status, error = 404, _("There is no such product. Choose one of the list.")
        else:
            status, error = 400, _("Choose a product.")
    context = {"text": "", "choices": [], "errors": [error], "empty": False}
    return render(request, "lab/find_similar.html", context, status=status)


def find_similar(request: HttpRequest) -> HttpResponse:
    """Return the products named like the typed text, or go to the one it names."""
    text = request.GET.get("q", "")
    if not request.headers.get("HX-Request") and (product := product_named(text)):
        return redirect(f"{reverse('products:similar')}?product={product.pk}")
    context: dict[str, Any] = {"text": text, "choices": [], "errors": []}
    context["empty"] = not text and not Product.objects.exists()
    try:
        context["choices"] = products_named_like(text)
    except SearchError as err:
        context["errors"] = [str(err)]
    status = 400 if context["errors"] else 200
    return render(request, "lab/find_similar.html", context, status=status)


def render_similar(request: HttpRequest, pk: int) -> HttpResponse:
    """Return the page with the products most like one, and their figures.

    One statement reads them all, unless the address asks for fewer or more varied ones.
    Raises Product.DoesNotExist.
    """
    form = VarietyForm.asked(request.GET)
    results: Results | None
    errors: list[str] = []
    if form is None:
        product, results = similar_to(pk, page_size=SIMILAR_COUNT)
    else:
        product = Product.objects.for_display().get(pk=pk)
        results, errors = narrowed_results(form, product)
    context = {
        "product": product,
        "like_query": f"?like={product.pk}",
        "form": form,
        "results": results,
        "errors": errors,
    }
    status = 400 if form and form.errors else 200
    return render(request, "lab/similar.html", context, status=status)


def narrowed_results(
    form: VarietyForm, product: Product
) -> tuple[Results | None, list[str]]:
    """Return the similar products that were asked for, or what is wrong."""
    if not form.is_valid():
        return None, form.error_texts()
    question = form.question(product)
    try:
        return search(like=[product], page_size=SIMILAR_COUNT, **question), []
    except SearchError as err:
        return None, [str(err)]
