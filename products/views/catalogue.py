"""The list of the catalogue, with its search."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils.cache import patch_cache_control
from django.views.decorators.http import require_safe

from products.forms import SearchForm
from products.models import Product
from products.quality.judged import grades_of
from products.search import (
    Filters,
    Mode,
    Results,
    SearchError,
    Sort,
    search,
)
from products.search.completions import examples
from products.search.facets import category_counts, price_range
from products.search.side_by_side import MOST_COMPARED
from products.search_log.noting import note_search
from products.views.canonical import list_canonical
from products.views.narrowing import (
    categories,
    chips,
    nothing_passes,
    price_slider,
)
from vectorshop.caching import kept_a_moment

# The orders of what was found, and those of the whole catalogue.
FOUND_SORTS = (Sort.RELEVANCE, Sort.PRICE, Sort.PRICE_DESCENDING, Sort.NEWEST)
LISTING_SORTS = (Sort.NAME, Sort.PRICE, Sort.PRICE_DESCENDING, Sort.NEWEST)

NO_QUESTION = {
    "text": "",
    "filters": Filters(),
    "mode": Mode.HYBRID,
    "like": (),
    "unlike": (),
    "literal": False,
    "sort": Sort.RELEVANCE,
    "page": 1,
}

# What the list shows in place of a question that is not valid.
UNASKED = {
    "question": NO_QUESTION,
    "searched": "",
    "listing": False,
    "ranked": False,
    "whole": False,
    "empty": False,
    "sorts": (),
    "chips": [],
    "nothing_passes": "",
}


@require_safe
@kept_a_moment
def product_list(request: HttpRequest) -> HttpResponse:
    """Return the catalogue with its search."""
    form = SearchForm.asked(request.GET)
    answer = answer_to(form) if form else answered(NO_QUESTION)
    context: dict[str, Any] = {
        "form": form,
        "modes": Mode,
        "address": searched_address(request.GET, answer),
        # What links of the page repeat: a refused question may be long.
        "linked": request.GET if answer else QueryDict(),
        "slider": price_slider(price_range()),
        "grades": None,
        "examples": [],
        "canonical": None,
        "query_id": None,
        "most_compared": MOST_COMPARED,
    }
    if answer is None:
        counts = category_counts(Filters())
        context |= UNASKED | {"results": search(), "categories": categories(counts)}
        return render(request, "products/list.html", context, status=400)
    context |= answer
    context["canonical"] = list_canonical(request, answer["results"])
    if form is None and not answer["empty"]:
        context["examples"] = examples(answer["counts"])
    if (text := answer["searched"]) and request.user.is_staff:
        context["grades"] = grades_of(text)
    query_id = context["query_id"] = note_asked(request, answer)
    response = render(request, "products/list.html", context)
    if query_id:  # which is this visitor's own
        patch_cache_control(response, private=True)
    return response


def note_asked(request: HttpRequest, answer: dict[str, Any]) -> UUID | None:
    """Note an answered question for the search log; return its id there, if any."""
    question = answer["question"]
    return note_search(
        request,
        answer["results"],
        text=question["text"],
        filters=question["filters"],
        typed="HX-Request" in request.headers,
        sort=question["sort"],
        like=[product.sku for product in question["like"]],
        unlike=[product.sku for product in question["unlike"]],
    )


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
        return answered(
            form.question(),
            within=form.cleaned_data["within"],
            every=form.cleaned_data["all_categories"],
        )
    except SearchError as err:
        form.add_error(None, str(err))
        return None


def answered(
    question: dict[str, Any], *, within: str = "", every: bool = False
) -> dict[str, Any]:
    """Return what the list shows of the arguments of a search. Raises SearchError.

    within, every: which categories are offered, see categories().
    """
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
        "counts": counts,
        "categories": categories(
            counts, filters.categories, within=within, every=every
        ),
        "ranked": not listing,
        "whole": whole and not filters,
        "empty": is_empty_shop(results),
        "sorts": LISTING_SORTS if listing else FOUND_SORTS,
        "chips": chips(question),
        "nothing_passes": (
            nothing_passes(filters) if whole and filters and not results.total else ""
        ),
    }


def is_empty_shop(results: Results) -> bool:
    """Return whether nothing was found because there is no product at all."""
    if results.total or results.far:
        return False
    return not Product.objects.exists()
