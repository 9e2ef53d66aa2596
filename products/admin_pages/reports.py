"""The admin's reports: near-duplicates and odd categories, a page of ids at a time.

A GET shows what is found, a POST settles one of the findings and goes back there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext, gettext_lazy as _

from products.embeddings import EmbeddingError
from products.insight.reports import (
    DUPLICATE_DISTANCE,
    MAX_LEFT,
    VOTERS,
    ReportPage,
    near_duplicates,
    odd_categories,
)
from products.models import NotDuplicate, Product
from products.numbers import grouped
from products.sql.prepared import MAX_ID

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin


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


class PairForm(forms.Form):
    """Two products that are no duplicates."""

    product = forms.ModelChoiceField(Product.objects.only("sku", "name"))
    other = forms.ModelChoiceField(Product.objects.only("sku", "name"))

    def clean(self) -> dict[str, Any]:
        if self.cleaned_data.get("product") == self.cleaned_data.get("other"):
            self.add_error("other", _("A product is no pair."))
        return self.cleaned_data


class MoveForm(forms.Form):
    """A product, the category it was seen in, and that which it should have."""

    product = forms.ModelChoiceField(Product.objects.without_vectors())
    seen_in = forms.CharField(required=False, strip=False)
    category = forms.CharField(max_length=200)


def near_duplicates_page(
    model_admin: ModelAdmin[Product], request: HttpRequest
) -> HttpResponse:
    """Show pairs of products that say nearly the same, or settle one of them."""
    if request.method == "POST":
        keeps_one = "keep" in request.POST
        if keeps_one and not model_admin.has_delete_permission(request):
            raise PermissionDenied
        do = keep_one if keeps_one else keep_apart
        return settle(model_admin, request, PairForm(request.POST), do)
    form = DuplicatesForm({"threshold": DUPLICATE_DISTANCE, **request.GET.dict()})
    return render_report(model_admin, request, form, near_duplicates, "near_duplicates")


def odd_categories_page(
    model_admin: ModelAdmin[Product], request: HttpRequest
) -> HttpResponse:
    """Show products whose neighbours are in another category, or move one there."""
    if request.method == "POST":
        return settle(model_admin, request, MoveForm(request.POST), move)
    form = PageForm(request.GET)
    return render_report(model_admin, request, form, odd_categories, "odd_categories")


def render_report(
    model_admin: ModelAdmin[Product],
    request: HttpRequest,
    form: PageForm,
    find: Callable[..., ReportPage[Any]],
    name: str,
) -> HttpResponse:
    """Return the page with what *find* reports, or with what is wrong in the form."""
    if not model_admin.has_view_permission(request):
        raise PermissionDenied
    valid = form.is_valid()
    page = find(**form.options()) if valid else None
    context = {
        **model_admin.admin_site.each_context(request),
        "title": TITLES[name],
        "opts": model_admin.opts,
        "form": form,
        "page": page,
        "left": number_left(page) if page else "",
        "neighbours": VOTERS,
        "may_settle": model_admin.has_change_permission(request),
        "may_delete": model_admin.has_delete_permission(request),
    }
    template = f"admin/products/product/{name}.html"
    return render(request, template, context, status=200 if valid else 400)


def number_left(page: ReportPage[Any]) -> str:
    """Return how many products are left to look at, as people read it."""
    number = grouped(page.left)
    return gettext("at least %s") % number if page.left == MAX_LEFT else number


# Settling a finding


def settle(
    model_admin: ModelAdmin[Product],
    request: HttpRequest,
    form: forms.Form,
    do: Callable[[ModelAdmin[Product], HttpRequest, dict[str, Any]], None],
) -> HttpResponse:
    """Settle a finding of the report, and go back to where it was shown."""
    if not model_admin.has_change_permission(request):
        raise PermissionDenied
    if form.is_valid():
        do(model_admin, request, form.cleaned_data)
    else:
        messages.error(request, NOT_SETTLED)
    return redirect(request.get_full_path())


NOT_SETTLED = _(
    "Nothing was changed: a product was deleted meanwhile, or the form was not complete. "
    "Here is the report as it is now."
)


def keep_apart(
    model_admin: ModelAdmin[Product], request: HttpRequest, given: dict[str, Any]
) -> None:
    """Remember that two products are no duplicates."""
    product, other = given["product"], given["other"]
    try:
        NotDuplicate.objects.settle(product, other, user=request.user)
    except IntegrityError:  # deleted since the form looked it up
        messages.error(request, NOT_SETTLED)
        return
    text = gettext("%(product)s and %(other)s are no duplicates, and not shown again.")
    messages.success(
        request,
        format_html(
            '{} <a href="{}">{}</a>',
            text % {"product": product, "other": other},
            reverse("admin:products_notduplicate_changelist"),
            gettext("Undo it in the list of settled pairs."),
        ),
    )


def keep_one(
    model_admin: ModelAdmin[Product], request: HttpRequest, given: dict[str, Any]
) -> None:
    """Delete the other product of a pair. The log keeps its name."""
    product, other = given["product"], given["other"]
    model_admin.log_deletions(
        request, Product.objects.without_vectors().filter(pk=other.pk)
    )
    name = str(other)
    model_admin.delete_model(request, other)
    text = gettext("Kept %(product)s and deleted %(other)s.")
    messages.success(request, text % {"product": product, "other": name})


def move(
    model_admin: ModelAdmin[Product], request: HttpRequest, given: dict[str, Any]
) -> None:
    """Move a product to another category, unless somebody else did meanwhile."""
    product, category = given["product"], given["category"]
    names = {"product": product, "category": product.category or gettext("no category")}
    if product.category != given["seen_in"]:
        text = gettext("%(product)s is in %(category)s by now, and was not moved.")
        messages.warning(request, text % names)
        return
    product.category = category
    fields = ["category", "updated_at"]
    try:
        product.save(update_fields=fields)
    except EmbeddingError as err:
        product.save(embed=False, update_fields=fields)
        text = gettext("Saved, but not embedded: %(reason)s")
        messages.warning(request, text % {"reason": err})
    # As Django's own forms write it, so that it is shown in the reader's language.
    model_admin.log_change(request, product, [{"changed": {"fields": ["Category"]}}])
    text = gettext("Moved %(product)s from %(category)s to %(new)s.")
    messages.success(
        request,
        format_html(
            '{} <a href="{}">{}</a>',
            text % {**names, "new": category},
            reverse("admin:products_product_change", args=[product.pk]),
            gettext("Undo it on the page of the product."),
        ),
    )
