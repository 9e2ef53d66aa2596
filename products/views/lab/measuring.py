"""The steps of the tour that measure the index."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from django.db import router
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from products.models import Product
from products.quality.live import (
    DEFAULT_EF_SEARCH,
    QUESTIONS,
    SMALLEST,
    filter_lesson,
    index_lesson,
    is_large_enough,
)
from products.quality.tuning import TuningError
from products.search.nearest import MAX_EF_SEARCH
from products.views.busy import or_busy
from products.views.lab.forms import SHARES, EfSearchForm, ShareForm
from products.views.lab.learning import status_of
from products.views.lab.steps import render_step


@require_safe
@or_busy
def index(request: HttpRequest) -> HttpResponse:
    """Return the step that compares the HNSW index with an exact scan."""
    form = EfSearchForm(request.GET) if "ef_search" in request.GET else None
    context = about_catalogue() | {
        "form": form,
        "ef_search": DEFAULT_EF_SEARCH,
        "most": MAX_EF_SEARCH,
    }
    if form and form.is_valid():
        context["ef_search"] = form.cleaned_data["ef_search"]
        measure(context, partial(index_lesson, context["ef_search"]))
    return render_measured(request, "index", context)


@require_safe
@or_busy
def filters(request: HttpRequest) -> HttpResponse:
    """Return the step that compares pgvector's defaults with the shop's plan."""
    form = ShareForm(request.GET) if "share" in request.GET else None
    context = about_catalogue() | {"form": form, "shares": SHARES, "share": "0.05"}
    if form and form.is_valid():
        context["share"] = form.cleaned_data["share"]
        measure(context, partial(filter_lesson, float(context["share"])))
    return render_measured(request, "filters", context)


def measure(context: dict[str, Any], lesson: Callable[..., Any]) -> None:
    """Put a lesson, or why there is none, into the context of a page."""
    if context["large_enough"]:
        try:
            context["lesson"] = lesson(using=router.db_for_read(Product))
        except TuningError as err:
            context["problem"] = str(err)


def render_measured(
    request: HttpRequest, name: str, context: dict[str, Any]
) -> HttpResponse:
    """Return the page of a step, which is done if it has a lesson."""
    done, status = context["lesson"] is not None, status_of(context["form"])
    return render_step(request, name, context, done=done, status=status)


def about_catalogue() -> dict[str, Any]:
    """Return what both pages say before anything is measured."""
    return {
        "large_enough": is_large_enough(using=router.db_for_read(Product)),
        "smallest": SMALLEST,
        "questions": QUESTIONS,
        "lesson": None,
        "problem": "",
    }
