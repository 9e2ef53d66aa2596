"""The page with products side by side; which ones stands in its address."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from products.models import Product
from products.search import SearchError
from products.search.side_by_side import MOST_COMPARED, side_by_side
from products.views.product_ids import product_id
from products.views.typeahead import products_named_like

SHOWN = 19  # letters at most of a text that is no id


@require_safe
def compare(request: HttpRequest) -> HttpResponse:
    """Return up to four products side by side, and the search for another one."""
    asked = list(dict.fromkeys(request.GET.getlist("product")))
    ids, errors = product_ids(asked[:MOST_COMPARED])
    columns = side_by_side(ids)
    shown = [column.product.pk for column in columns]
    errors += [no_product(pk) for pk in ids if pk not in shown]
    status = 404 if errors else 200
    text = request.GET.get("add", "")
    choices: list[Product] = []
    try:
        choices = products_named_like(text) if text.strip() else []
    except SearchError as err:
        errors.append(str(err))
        status = 400
    context: dict[str, Any] = {
        "columns": [
            (column, address_without(column.product.pk, shown)) for column in columns
        ],
        "shown": shown,
        "is_full": len(shown) == MOST_COMPARED,
        "text": text,
        "choices": [
            (product, address_of([*shown, product.pk]))
            for product in choices
            if product.pk not in shown
        ],
        "errors": errors,
        "notice": too_many() if len(asked) > MOST_COMPARED else "",
    }
    return render(request, "products/compare.html", context, status=status)


def product_ids(texts: Iterable[str]) -> tuple[list[int], list[str]]:
    """Return the ids that are written so, and a message for each text that is none."""
    ids, errors = [], []
    for text in texts:
        try:
            ids.append(product_id(text))
        except Product.DoesNotExist:
            errors.append(no_product(text[:SHOWN]))
    return ids, errors


def no_product(number: object) -> str:
    return _("There is no product number %(number)s. It was left out.") % {
        "number": number
    }


def too_many() -> str:
    return _(
        "These are the first %(most)d of the products that you chose. No more fit beside "
        "each other, so the others were left out."
    ) % {"most": MOST_COMPARED}


def address_of(pks: Iterable[int]) -> str:
    """Return the query string of the page with these products."""
    return "?" + urlencode({"product": list(pks)}, doseq=True)


def address_without(pk: int, pks: Iterable[int]) -> str:
    """Return the query string of the page with these products but one."""
    return address_of(other for other in pks if other != pk)
