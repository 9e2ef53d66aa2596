"""The pages of the catalogue: the list with its search, a product, finding one."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from products.forms import SearchForm, VarietyForm
from products.models import Product
from products.permissions import may_change, may_write
from products.quality.judged import grades_of
from products.samples import new_products
from products.search import (
    Filters,
    Mode,
    Results,
    SearchError,
    Sort,
    search,
    similar_to,
)
from products.search.facets import SHOWN, category_counts
from products.views.typeahead import product_named, products_named_like

SIMILAR_COUNT = 5

NO_QUESTION = {
    "text": "",
    "filters": Filters(),
    "like": (),
    "unlike": (),
    "literal": False,
}

# What the list shows in place of a question that is not valid.
UNASKED = {
    "question": NO_QUESTION,
    "searched": "",
    "listing": False,
    "ranked": False,
    "empty": False,
}


@require_safe
def product_list(request: HttpRequest) -> HttpResponse:
    """Return the catalogue with its search and the lab's three actions."""
    form = SearchForm.asked(request.GET)
    answer = answer_to(form) if form else answered(NO_QUESTION)
    address = searched_address(request.GET, answer)
    context: dict[str, Any] = {
        "form": form,
        "modes": Mode,
        "sorts": Sort,
        "address": address,
        "recall_url": f"{reverse('products:exact')}?{address.urlencode()}",
        "new_products": new_products().values(),
        "may_write": may_write(request),
        "may_change": may_change(request),
        "grades": None,
    }
    if answer is None:
        facets = shown_facets(category_counts(Filters()), chosen=())
        context |= UNASKED | {"results": search(), "facets": facets}
        return render(request, "products/list.html", context, status=400)
    context |= answer
    if (text := answer["searched"]) and request.user.is_staff:
        context["grades"] = grades_of(text)
    return render(request, "products/list.html", context)


def searched_address(asked: QueryDict, answer: dict[str, Any] | None) -> QueryDict:
    """Return the parameters of an address with the text that was searched for."""
    if answer is None or not answer["results"].corrected:
        return asked
    address = asked.copy()
    address["q"] = answer["searched"]
    return address


def answer_to(form: SearchForm) -> dict[str, Any] | None:
    """Return what the list shows of a question: the results and their facets.

    None, with errors on the form, for a question that cannot be answered.
    """
    if not form.is_valid():
        return None
    try:
        return answered(form.question())
    except SearchError as err:
        form.add_error(None, str(err))
        return None


def answered(question: dict[str, Any]) -> dict[str, Any]:
    """Return what the list shows of the arguments of a search. Raises SearchError."""
    results = search(**question)
    listing = results.mode == "listing"
    filters = question["filters"]
    whole = listing and not question["text"]
    counts = category_counts(filters) if whole else results.facets
    return {
        "question": question,
        "results": results,
        "searched": results.corrected or question["text"],
        "listing": listing,
        "facets": shown_facets(counts, filters.categories),
        "ranked": not listing,
        "empty": whole and not results.total and not filters,
    }


def shown_facets(
    counts: list[tuple[str, int]], chosen: tuple[str, ...]
) -> list[tuple[str, int | None, bool]]:
    """Return the largest categories, and the chosen ones, with count and choice.

    The count of a chosen category is None where it was not among those counted.
    """
    shown = [(name, count, name in chosen) for name, count in counts[:SHOWN]]
    others, named = dict(counts), {name for name, *_ in shown}
    return shown + [
        (name, others.get(name), True) for name in chosen if name not in named
    ]


@require_safe
def product_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """Return the page of a product with the five most like it."""
    try:
        return render_product(request, pk)
    except Product.DoesNotExist as err:
        raise Http404 from err


@require_safe
def similar(request: HttpRequest) -> HttpResponse:
    """Return the page of the chosen product, or the page on which one is chosen."""
    if "product" not in request.GET:
        return find_similar(request)
    number = request.GET["product"]
    try:
        return render_product(request, product_number(number))
    except Product.DoesNotExist:
        if number:
            status, error = 404, _("There is no such product. Choose one of the list.")
        else:
            status, error = 400, _("Choose a product.")
    context = {"text": "", "choices": [], "errors": [error]}
    return render(request, "products/find_similar.html", context, status=status)


def product_number(text: str) -> int:
    """Return a product's id, written as in its address; raise Product.DoesNotExist."""
    # No id is longer, and int() refuses more than 4,300 digits.
    if not (text.isascii() and text.isdecimal() and len(text) < 20):
        raise Product.DoesNotExist
    return int(text)


def find_similar(request: HttpRequest) -> HttpResponse:
    """Return the products named like the typed text, or go to the one it names."""
    text = request.GET.get("q", "")
    if not request.headers.get("HX-Request") and (product := product_named(text)):
        return redirect(product)
    context: dict[str, Any] = {"text": text, "choices": [], "errors": []}
    try:
        context["choices"] = products_named_like(text)
    except SearchError as err:
        context["errors"] = [str(err)]
    status = 400 if context["errors"] else 200
    return render(request, "products/find_similar.html", context, status=status)


def render_product(request: HttpRequest, pk: int) -> HttpResponse:
    """Return the page of a product with its similar ones.

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
        "may_write": may_write(request),
    }
    status = 400 if form and form.errors else 200
    return render(request, "products/detail.html", context, status=status)


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
