"""The pages one looks at: the catalogue with its search, a product, choosing one."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from products.categories import SHOWN, category_counts
from products.choosing import choose_by_name, named
from products.filters import Filters, SearchError
from products.forms import SearchForm, SimilarForm, VarietyForm
from products.judgements import grades_of
from products.models import Product
from products.permissions import may_write
from products.request import Mode, Sort
from products.results import Results
from products.samples import new_products
from products.search import PAGE_SIZE, search

SIMILAR_COUNT = 5

# What the list shows when the question was a wrong one.
UNASKED = {
    "question": {"text": "", "filters": Filters(), "like": (), "unlike": ()},
    "listing": False,
    "ranked": False,
    "empty": False,
}


@require_safe
def product_list(request: HttpRequest) -> HttpResponse:
    """The catalogue and its search, with the lab's three actions: load, find, add."""
    form = SearchForm(request.GET)
    results = form.results()
    context: dict[str, Any] = {
        "form": form,
        "modes": Mode,
        "sorts": Sort,
        # Not `or`: a page without hits is false.
        "results": search(page_size=PAGE_SIZE) if results is None else results,
        "recall_url": f"{reverse('products:exact')}?{request.GET.urlencode()}",
        "new_products": new_products().values(),
        "may_write": may_write(request),
        "grades": None,
    }
    if results is None:
        counts = category_counts(Filters())
        context |= UNASKED | {"facets": [(*counted, False) for counted in counts]}
        return render(request, "products/list.html", context, status=400)
    context |= asked(form, results)
    if (text := form.cleaned_data["q"]) and request.user.is_staff:
        context["grades"] = grades_of(text)
    return render(request, "products/list.html", context)


def asked(form: SearchForm, results: Results) -> dict[str, Any]:
    """Return what the list shows of the question besides the results."""
    question = form.question()
    listing = results.mode == "listing"
    chosen = question["filters"].categories
    counts = (
        category_counts(question["filters"])
        if listing
        else results.facets.counts[:SHOWN]
    )
    counted = dict(counts)
    return {
        "question": question,
        "listing": listing,
        "facets": [(name, count, name in chosen) for name, count in counts]
        + [(name, 0, True) for name in chosen if name not in counted],
        "ranked": not listing,
        "empty": listing and not results.total and not question["filters"],
    }


@require_safe
def product_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One product and the five most like it."""
    product = get_object_or_404(Product.objects.for_display(), pk=pk)
    return render_product(request, product)


@require_safe
def similar(request: HttpRequest) -> HttpResponse:
    """The five products most like the one chosen, or the products to choose from."""
    if "product" not in request.GET:
        return choose(request)
    form = SimilarForm(request.GET)
    if form.is_valid():
        return render_product(request, form.cleaned_data["product"])
    status = 404 if form.has_error("product", "invalid_choice") else 400
    context = {"text": "", "choices": [], "errors": form.errors["product"]}
    return render(request, "products/choose.html", context, status=status)


def choose(request: HttpRequest) -> HttpResponse:
    """The products with the typed name; straight to the one whose name is complete."""
    text = request.GET.get("q", "")
    if not request.headers.get("HX-Request") and (product := named(text)):
        return redirect(product)
    context: dict[str, Any] = {"text": text, "choices": [], "errors": []}
    try:
        context["choices"] = choose_by_name(text)
    except SearchError as err:
        context["errors"] = [str(err)]
    status = 400 if context["errors"] else 200
    return render(request, "products/choose.html", context, status=status)


def render_product(request: HttpRequest, product: Product) -> HttpResponse:
    """Render a product with its similar ones: one statement where nothing is filtered."""
    form = VarietyForm(request.GET)
    results, errors = None, []
    if form.is_valid():
        try:
            results = search(
                like=[product],
                filters=form.filters(product),
                diversity=form.cleaned_data["diversity"] or 0.0,
                page_size=SIMILAR_COUNT,
            )
        except SearchError as err:
            errors = [str(err)]
    like_query = f"?like={product.pk}"
    context = {
        "product": product,
        "recall_url": f"{reverse('products:exact')}{like_query}",
        "like_query": like_query,
        "form": form,
        "results": results,
        "errors": errors,
        "may_write": may_write(request),
    }
    status = 400 if form.errors else 200
    return render(request, "products/detail.html", context, status=status)
