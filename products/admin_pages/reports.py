"""The admin's reports: near-duplicates and odd categories, a page of ids at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _

from products.insight.reports import (
    DUPLICATE_DISTANCE,
    PAGE_PRODUCTS,
    VOTERS,
    near_duplicates,
    odd_categories,
)
from products.models import Product

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin

MAX_ID = 2**63 - 1

TITLES = {
    "near_duplicates": _("Near duplicates"),
    "odd_categories": _("Odd categories"),
}


class PageForm(forms.Form):
    """Where a report goes on."""

    after = forms.IntegerField(
        min_value=0, max_value=MAX_ID, required=False, widget=forms.HiddenInput
    )

    def options(self) -> dict[str, Any]:
        """Return the fields that were filled in."""
        given = self.cleaned_data.items()
        return {name: value for name, value in given if value is not None}


class DuplicatesForm(PageForm):
    """How near two products must be to be reported."""

    threshold = forms.FloatField(
        min_value=0,
        max_value=2,
        required=False,
        label=_("Cosine distance below"),
        help_text=_("0 is the same direction; pairs under 0.05 mostly say the same."),
    )


def near_duplicates_page(
    model_admin: ModelAdmin[Product], request: HttpRequest
) -> HttpResponse:
    """Show pairs of products that say nearly the same."""
    form = DuplicatesForm({"threshold": DUPLICATE_DISTANCE, **request.GET.dict()})
    return render_report(model_admin, request, form, near_duplicates, "near_duplicates")


def odd_categories_page(
    model_admin: ModelAdmin[Product], request: HttpRequest
) -> HttpResponse:
    """Show products whose neighbours are in another category."""
    form = PageForm(request.GET)
    return render_report(model_admin, request, form, odd_categories, "odd_categories")


def render_report(
    model_admin: ModelAdmin[Product],
    request: HttpRequest,
    form: PageForm,
    find: Any,
    name: str,
) -> HttpResponse:
    """Return the page with what *find* reports, or with what is wrong in the form."""
    if not model_admin.has_view_permission(request):
        raise PermissionDenied
    valid = form.is_valid()
    context = {
        **model_admin.admin_site.each_context(request),
        "title": TITLES[name],
        "opts": model_admin.opts,
        "form": form,
        "page": find(**form.options()) if valid else None,
        "page_products": PAGE_PRODUCTS,
        "neighbours": VOTERS,
    }
    template = f"admin/products/product/{name}.html"
    return render(request, template, context, status=200 if valid else 400)
