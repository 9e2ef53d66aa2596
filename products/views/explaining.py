"""The pages that explain a result.

Each runs the model or reads every vector, so it is made only when somebody asks.
"""

from __future__ import annotations

import logging
from typing import Any

from django.db import OperationalError
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe
from psycopg.errors import QueryCanceled

from products.embeddings import EmbeddingError
from products.forms import SearchForm, WhyNotForm
from products.insight.as_code import (
    as_arguments,
    as_curl,
    as_python,
    for_powershell,
    for_shell,
)
from products.insight.comparison import compare_with_exact, parts_of
from products.insight.explanation import explain
from products.insight.why_not import why_not
from products.models import Product
from products.search import SearchError
from products.turns import BusyError
from products.views.busy import or_busy
from products.views.typeahead import product_named, products_named_like

logger = logging.getLogger(__name__)


@require_safe
@or_busy
def why(request: HttpRequest) -> HttpResponse:
    """Return the page that says how a search found its products.

    With `why_not` in the address, also what keeps a product out.
    """
    missing = WhyNotForm(request.GET)
    if request.headers.get("HX-Target") == "why-not-choices":
        return render(request, "lab/_choices.html", choices(request, missing))
    form = SearchForm.asked(request.GET)
    context: dict[str, Any] = {"form": form, "kept": kept(request), "explanation": None}
    if form and form.is_valid():
        context["back"] = back(request, form)
        try:
            context |= explained(request, form.question())
            context |= looked_for(request, missing, form.question())
        except SearchError as err:
            form.add_error(None, str(err))
        except OperationalError as err:
            form.add_error(None, too_slow(err))
    status = 400 if form and form.errors else 200
    return render(request, "lab/why.html", context, status=status)


def explained(request: HttpRequest, asked: dict[str, Any]) -> dict[str, Any]:
    """Return what the page shows of a question: its explanation, and its code."""
    search = request.build_absolute_uri(reverse("api-v1:search_products"))
    arguments = as_arguments(asked)
    explanation = explain(asked)
    return {
        "explanation": explanation,
        "results": explanation.results,
        "varied": bool(asked["diversity"]),
        "python": as_python(asked),
        "command": for_shell(arguments),
        "powershell": for_powershell(arguments),
        "curl": as_curl(asked, search),
    }


def looked_for(
    request: HttpRequest, form: WhyNotForm, asked: dict[str, Any]
) -> dict[str, Any]:
    """Return what keeps the product out that was chosen, or which may be chosen."""
    product = product_named(form.text())
    if product is None:
        return choices(request, form)
    return choices(request, form, product) | {"answer": why_not(product, asked)}


def choices(
    request: HttpRequest, form: WhyNotForm, chosen: Product | None = None
) -> dict[str, Any]:
    """Return the products to choose from, named like the typed text."""
    text = form.text()
    return {
        "answer": None,
        "typed": chosen.name if chosen else text,
        "choices": products_named_like(text) if text and not chosen else [],
        "errors": form.error_texts() if form.errors else [],
        "question": f"?{question_of(request).urlencode()}",
    }


def question_of(request: HttpRequest) -> QueryDict:
    """Return the question of the shop's address: without a product that is missing."""
    data = request.GET.copy()
    data.pop("why_not", None)
    return data


def kept(request: HttpRequest) -> list[tuple[str, str]]:
    """Return the question's parameters by name and value, for another form."""
    return [
        (name, value)
        for name, values in question_of(request).lists()
        for value in values
    ]


@require_safe
@or_busy
def parts(request: HttpRequest, pk: int) -> HttpResponse:
    """Return the page that says which part of a product's text matters most."""
    product = get_object_or_404(Product.objects.for_display(), pk=pk)
    form = SearchForm(request.GET)
    context: dict[str, Any] = {
        "product": product,
        "form": form,
        "back": back(request, form),
    }
    if form.is_valid():
        try:
            context["parts"] = parts_of(product, form.question())
        except SearchError as err:
            form.add_error(None, str(err))
        except BusyError:
            raise
        except EmbeddingError:
            logger.exception("The parts of a text could not be embedded.")
            form.add_error(None, model_is_silent())
    status = 400 if form.errors else 200
    return render(request, "lab/parts.html", context, status=status)


@require_safe
@or_busy
def exact(request: HttpRequest) -> HttpResponse:
    """Return the page that says how much of the exact answer a search found."""
    form = SearchForm(request.GET)
    context: dict[str, Any] = {"form": form, "back": back(request, form)}
    if form.is_valid():
        try:
            context["comparison"] = compare_with_exact(form.question())
        except SearchError as err:
            form.add_error(None, str(err))
        except BusyError:
            raise
        except EmbeddingError:
            logger.exception("A query could not be embedded.")
            form.add_error(None, model_is_silent())
        except OperationalError as err:
            form.add_error(None, too_slow(err))
    status = 400 if form.errors else 200
    return render(request, "lab/exact.html", context, status=status)


def back(request: HttpRequest, form: SearchForm) -> str:
    """Return the address of the results that a question belongs to.

    A question about nothing but one product belongs to the page of that product.
    """
    asked = question_of(request)
    if form.is_valid() and list(asked) == ["like"]:
        match list(form.cleaned_data["like"]):
            case [product]:
                return f"{product.get_absolute_url()}#similar"
    return f"{reverse('products:list')}?{asked.urlencode()}"


def model_is_silent() -> str:
    """Return the message for an embedding model that failed."""
    return _("The embedding model does not answer, so nothing can be compared.")


def too_slow(err: OperationalError) -> str:
    """Return the message for a statement that took too long; raise any other error."""
    if not isinstance(err.__cause__, QueryCanceled):
        raise err
    return _("The catalogue is too large: comparing takes more than 5 seconds.")
