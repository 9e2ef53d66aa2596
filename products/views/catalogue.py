"""The list of the catalogue, with its search."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.views.decorators.http import require_safe

from products.forms import SearchForm
from products.quality.judged import grades_of
from products.search import (
    Filters,
    Mode,
    SearchError,
    Sort,
    search,
)
from products.search.completions import examples
from products.search.facets import SHOWN, category_counts
from products.views.canonical import list_canonical

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
    """Return the catalogue with its search."""
    form = SearchForm.asked(request.GET)
    answer = answer_to(form) if form else answered(NO_QUESTION)
    address = searched_address(request.GET, answer)
    context: dict[str, Any] = {
        "form": form,
        "modes": Mode,
        "sorts": Sort,
        "address": address,
        "grades": None,
        "examples": [],
        "canonical": None,
    }
    if answer is None:
        facets = shown_facets(category_counts(Filters()), chosen=())
        context |= UNASKED | {"results": search(), "facets": facets}
        return render(request, "products/list.html", context, status=400)
    context |= answer
    context["canonical"] = list_canonical(request, answer["results"])
    if form is None and not answer["empty"]:
        context["examples"] = examples(answer["counts"])
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
        "counts": counts,
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
