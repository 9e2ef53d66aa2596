"""The pages that add a product: a prepared one, or one's own."""

from __future__ import annotations

import logging

from django.contrib import messages
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from products.embeddings import EmbeddingError
from products.forms import NewProductForm, ProductForm, already_exists
from products.insight.preview import Neighbours, neighbours_of
from products.permissions import writer_required
from products.samples import new_products
from products.views.next_page import go_on

logger = logging.getLogger(__name__)


@require_POST
@writer_required
def add_prepared(request: HttpRequest) -> HttpResponse:
    """Add one of the three prepared products; it brings its embedding along."""
    prepared = new_products()
    choices = [(sku, product.name) for sku, product in prepared.items()]
    form = NewProductForm(request.POST, choices=choices)
    if not form.is_valid():
        messages.error(request, str(form.errors["sku"][0]))
        return go_on(request, reverse("products:list"))
    product = prepared[form.cleaned_data["sku"]]
    try:
        with transaction.atomic():
            product.save(embed=False, force_insert=True)
    except IntegrityError:
        messages.warning(request, already_exists(product.name))
        return go_on(request, reverse("products:list"))
    messages.success(request, added(product.name))
    return go_on(request, product.get_absolute_url())


@require_http_methods(["GET", "HEAD", "POST"])
@writer_required
def add(request: HttpRequest) -> HttpResponse:
    """Add a product that a visitor wrote, or only show what it would stand next to.

    A product that looks like one of the catalogue is saved only on a second, confirmed
    request.
    """
    form = ProductForm(request.POST or None, request.FILES or None, label_suffix="")
    context = {
        "form": form,
        "new_products": new_products().values(),
        "neighbours": Neighbours(),
        "confirm": False,
        "warned_of": request.POST.get("warned_of", ""),
    }
    if request.method != "POST":
        return render(request, "products/add.html", context)
    if "preview" in request.POST:
        context["neighbours"] = neighbours_of(**form.typed_text())
        context["form"] = form.unchecked()
        return render(request, "products/add.html", context)
    if not form.is_valid():
        return render(request, "products/add.html", context)
    if "confirmed" not in request.POST:
        neighbours = neighbours_of(**form.typed_text())
        if neighbours.duplicate:
            duplicate = str(neighbours.duplicate.pk)
            context |= {"neighbours": neighbours, "confirm": True}
            context["warned_of"] = duplicate
            return render(request, "products/add.html", context)
    if not save(request, form):
        return render(request, "products/add.html", context)
    return go_on(request, form.instance.get_absolute_url())


def save(request: HttpRequest, form: ProductForm) -> bool:
    """Save the form's product and return whether that worked.

    If the model fails, the product is saved without an embedding.
    """
    try:
        saved = form.save_product()
    except EmbeddingError:
        logger.exception(
            "A product is saved without an embedding. Run manage.py embed_products."
        )
        saved = form.save_product(embed=False)
        if saved:
            text = _(
                "'%(name)s' is saved, but could not be embedded. The search finds it "
                "by its words now, and by its meaning once it has an embedding."
            )
            messages.warning(request, text % {"name": form.instance.name})
        return saved
    if saved:
        messages.success(request, added(form.instance.name))
    return saved


def added(name: str) -> str:
    """Return the message for a product that was added."""
    return _("Successfully added '%(name)s'!") % {"name": name}
