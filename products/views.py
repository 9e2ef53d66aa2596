"""The shop's pages: parse, call, present."""

from __future__ import annotations

import logging

from django.contrib import messages
from django.core.management import CommandError
from django.core.paginator import Paginator
from django.db import DatabaseError, IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import (
    require_http_methods,
    require_POST,
    require_safe,
)

from products.embeddings import EmbeddingError
from products.forms import NewProductForm, ProductForm, SimilarForm, already_exists
from products.models import Product
from products.permissions import may_write, writer_required
from products.samples import load_sample_products, new_products
from products.search import search

logger = logging.getLogger(__name__)

PAGE_SIZE = 24
SIMILAR_COUNT = 5
CHOICES = 200  # of the list "Choose a product"; larger catalogues use the cards


@require_safe
def product_list(request: HttpRequest) -> HttpResponse:
    """The catalogue, and the lab's three actions: load, find similar, add."""
    products = Product.objects.for_display()
    context = {
        "page": Paginator(products, PAGE_SIZE).get_page(request.GET.get("page")),
        "choices": products.only("name")[:CHOICES],
        "new_products": new_products().values(),
        "may_write": may_write(request),
    }
    return render(request, "products/list.html", context)


@require_safe
def product_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One product and the five most like it."""
    product = get_object_or_404(Product.objects.for_display(), pk=pk)
    return render_similar(request, product)


@require_safe
def similar(request: HttpRequest) -> HttpResponse:
    """The five products most like the one chosen, nearest first."""
    form = SimilarForm(request.GET)
    if not form.is_valid():
        status = 404 if form.has_error("product", "invalid_choice") else 400
        context = {"form": form, "choices": Product.objects.only("name")[:CHOICES]}
        return render(request, "products/similar.html", context, status=status)
    return render_similar(request, form.cleaned_data["product"])


def render_similar(request: HttpRequest, product: Product) -> HttpResponse:
    """Render a product with its similar ones: one query for a full list."""
    similar: list[Product] = []
    if product.embedding_fingerprint:
        results = search(like=[product], page_size=SIMILAR_COUNT)
        similar = [hit.product for hit in results]
    context = {
        "product": product,
        "similar_products": similar,
        "choices": Product.objects.only("name")[:CHOICES],
    }
    return render(request, "products/similar.html", context)


@require_POST
@writer_required
def load_samples(request: HttpRequest) -> HttpResponse:
    """Load the ten sample products."""
    try:
        count = load_sample_products()
    except (CommandError, DatabaseError):
        logger.exception("The sample products could not be loaded.")
        messages.error(
            request,
            "The sample products could not be loaded; nothing was changed. "
            "The server's log tells why.",
        )
    else:
        messages.success(request, f"Successfully loaded {count} sample products!")
    return redirect("products:list")


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
    messages.success(request, f"Successfully added '{product.name}'!")
    return redirect(product)


@require_http_methods(["GET", "HEAD", "POST"])
@writer_required
def add(request: HttpRequest) -> HttpResponse:
    """Add a product of one's own, embedded on save."""
    form = ProductForm(request.POST or None)
    if request.method != "POST" or not form.is_valid() or not save(request, form):
        context = {"form": form, "new_products": new_products().values()}
        return render(request, "products/add.html", context)
    return redirect(form.instance)


def save(request: HttpRequest, form: ProductForm) -> bool:
    """Save the form's product, without an embedding where the embedder fails."""
    try:
        saved = form.save_product()
    except EmbeddingError:
        logger.exception("A product is saved without embedding.")
        saved = form.save_product(embed=False)
        if saved:
            messages.warning(
                request,
                f"'{form.instance.name}' is saved, but could not be embedded: it will "
                "be found by likeness once manage.py embed_products has run.",
            )
        return saved
    if saved:
        messages.success(request, f"Successfully added '{form.instance.name}'!")
    return saved
