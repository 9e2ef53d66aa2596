"""The pages that write: load the samples, add a prepared product or one's own."""

from __future__ import annotations

import logging

from django.contrib import messages
from django.core.management import CommandError
from django.db import DatabaseError, IntegrityError, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _, ngettext
from django.views.decorators.http import require_http_methods, require_POST

from products.embeddings import EmbeddingError
from products.forms import NewProductForm, ProductForm, already_exists
from products.insight.preview import Neighbours, neighbours_of
from products.permissions import may_change, writer_required
from products.samples import add_missing_samples, load_sample_products, new_products

logger = logging.getLogger(__name__)


@require_POST
@writer_required
def load_samples(request: HttpRequest) -> HttpResponse:
    """Load the ten sample products, and go back to the page with the button.

    For who may not change products, those that are missing.
    """
    replace = may_change(request)
    try:
        count = load_sample_products() if replace else add_missing_samples()
    except (CommandError, DatabaseError):
        logger.exception("The sample products could not be loaded.")
        messages.error(
            request,
            _(
                "The sample products could not be loaded; nothing was changed. "
                "The server's log says why."
            ),
        )
    else:
        messages.success(request, loaded(count, replace=replace))
    return HttpResponseRedirect(where_from(request))


def where_from(request: HttpRequest) -> str:
    """Return the page of this shop that the form's field `next` names, or the list."""
    page = request.POST.get("next", "")
    safe = url_has_allowed_host_and_scheme(page, allowed_hosts=None)
    return page if safe and page.startswith("/") else reverse("products:list")


def loaded(count: int, *, replace: bool) -> str:
    """Return the message for sample products that were loaded."""
    if not count:
        return _(
            "All sample products are in the catalogue already; they stay as they are."
        )
    text = ngettext(
        "Successfully loaded %(count)d sample product!",
        "Successfully loaded %(count)d sample products!",
        count,
    ) % {"count": count}
    if replace:
        return text
    kept = _("Those in the catalogue already stay as they are.")
    return f"{text} {kept}"


@require_POST
@writer_required
def add_prepared(request: HttpRequest) -> HttpResponse:
    """Add one of the three prepared products; it brings its embedding along."""
    prepared = new_products()
    choices = [(sku, product.name) for sku, product in prepared.items()]
    form = NewProductForm(request.POST, choices=choices)
    if not form.is_valid():
        messages.error(request, str(form.errors["sku"][0]))
        return redirect("products:list")
    product = prepared[form.cleaned_data["sku"]]
    try:
        with transaction.atomic():
            product.save(embed=False, force_insert=True)
    except IntegrityError:
        messages.warning(request, already_exists(product.name))
        return redirect("products:list")
    messages.success(request, added(product.name))
    return redirect(product)


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
        form.full_clean()  # which stores a file, so that it is not lost
        # Unbound: who only looks is not told what is missing.
        context["form"] = ProductForm(initial=form.typed(), label_suffix="")
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
    return redirect(form.instance)


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
