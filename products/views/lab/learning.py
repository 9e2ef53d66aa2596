"""The steps of the tour about products, their embeddings and their distances."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from products import samples
from products.embeddings.text import DESCRIPTION_WORDS, embedding_text
from products.insight.added import BESIDE, before_after
from products.insight.preview import neighbours_of
from products.insight.spread import catalogue_spread, on_dial
from products.insight.strips import choices, pair_of
from products.models import Product
from products.search import similar_to
from products.views.lab.forms import (
    PairForm,
    PreparedForm,
    ProductChoiceForm,
    TextForm,
)
from products.views.lab.steps import render_step
from products.views.similar import SIMILAR_COUNT


@require_safe
def load(request: HttpRequest) -> HttpResponse:
    """Return the step on which the sets of samples are loaded and removed."""
    sets = [
        (name, samples.size(name), samples.fit_recipe(name)) for name in samples.SETS
    ]
    return render_step(request, "samples", {"sets": sets})


@require_safe
def embedding(request: HttpRequest) -> HttpResponse:
    """Return the step that shows the embeddings of two products as strips of colour."""
    form = PairForm(request.GET) if request.GET else None
    chosen: list[Product] = []
    pair = None
    if form and form.is_valid():
        chosen = [form.cleaned_data["a"], form.cleaned_data["b"]]
        pair = pair_of(*chosen)
    offered = choices(*chosen)
    context = {
        "form": form,
        "choices": offered,
        "chosen": chosen or default_pair(offered),
        "pair": pair,
    }
    return render_step(
        request, "embedding", context, done=bool(pair), status=status_of(form)
    )


def default_pair(products: list[Product]) -> list[Product]:
    """Return the two products to begin with: the lab's, or else the first two."""
    skus = ("wireless-bluetooth-headphones", "noise-cancelling-earbuds")
    own = [product for product in products if product.sku in skus]
    return own[::-1] if len(own) == len(skus) else products[:2]


@require_safe
def distance(request: HttpRequest) -> HttpResponse:
    """Return the step that shows how far the five nearest products of one are."""
    form = ProductChoiceForm(request.GET) if request.GET else None
    context: dict[str, Any] = {"form": form, "product": None, "results": None}
    if form and form.is_valid():
        pk = form.cleaned_data["product"].pk
        product, results = similar_to(pk, page_size=SIMILAR_COUNT)
        context |= {"product": product, "results": results}
        if results.hits:
            context |= {"spread": catalogue_spread(), "on_dial": on_dial}
    product = context["product"]
    context["choices"] = choices(*[product] if product else [])
    done = bool(context["results"] and context["results"].hits)
    return render_step(request, "distance", context, done=done, status=status_of(form))


@require_safe
def adding(request: HttpRequest) -> HttpResponse:
    """Return the step that shows what an added product changes beside another."""
    form = PreparedForm(request.GET or {"sku": next(iter(BESIDE))})
    change = before_after(form.cleaned_data["sku"]) if form.is_valid() else None
    context = {
        "form": form,
        "prepared": samples.new_products(),
        "change": change,
        "sku": form.cleaned_data.get("sku"),
    }
    return render_step(request, "adding", context, status=status_of(form))


@require_safe
def your_data(request: HttpRequest) -> HttpResponse:
    """Return the step that shows how a text of one's own is embedded."""
    form = TextForm(request.GET if "name" in request.GET else None, label_suffix="")
    context: dict[str, Any] = {
        "form": form,
        "words": DESCRIPTION_WORDS,
        "embedded": "",
    }
    if form.is_valid():
        text = form.typed()
        context["embedded"] = embedding_text(**text)
        context["neighbours"] = neighbours_of(**text)
    return render_step(
        request,
        "your_data",
        context,
        done=bool(context["embedded"]),
        status=status_of(form),
    )


def status_of(form: Any) -> int:
    """Return the status of a page: 400 where what was asked is wrong."""
    return 400 if form is not None and form.errors else 200
