"""The pages that explain a result.

Each runs the model or reads every vector, so it is made only when somebody asks.
"""

from __future__ import annotations

import logging
from typing import Any

from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe
from psycopg.errors import QueryCanceled

from products.embeddings import EmbeddingError
from products.forms import SearchForm
from products.insight.comparison import compare_with_exact, parts_of
from products.models import Product
from products.search import SearchError, search
from products.turns import BusyError
from products.views.busy import or_busy

logger = logging.getLogger(__name__)


@require_safe
def why(request: HttpRequest) -> HttpResponse:
    """Return the page that says how a search found its products."""
    form = SearchForm.asked(request.GET)
    context: dict[str, Any] = {"form": form}
    if form and form.is_valid():
        context["back"] = back(request, form)
        try:
            context["results"] = search(**form.question())
        except SearchError as err:
            form.add_error(None, str(err))
    status = 400 if form and form.errors else 200
    return render(request, "lab/why.html", context, status=status)


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
            if not isinstance(err.__cause__, QueryCanceled):
                raise
            form.add_error(
                None,
                _("The catalogue is too large: comparing takes more than 5 seconds."),
            )
    status = 400 if form.errors else 200
    return render(request, "lab/exact.html", context, status=status)


def back(request: HttpRequest, form: SearchForm) -> str:
    """Return the address of the results that a question belongs to.

    A question about nothing but one product belongs to the page of that product.
    """
    if form.is_valid() and list(request.GET) == ["like"]:
        match list(form.cleaned_data["like"]):
            case [product]:
                return f"{product.get_absolute_url()}#similar"
    return f"{reverse('products:list')}?{request.GET.urlencode()}"


def model_is_silent() -> str:
    """Return the message for an embedding model that failed."""
    return _("The embedding model does not answer, so nothing can be compared.")
