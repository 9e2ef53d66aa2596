"""The admin's page "Embeddings": how many there are of each state, and a button."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from django.contrib import messages
from django.db.models import Count
from django.http import HttpRequest
from django.utils.translation import gettext as _, ngettext

from products.embeddings import EmbeddingError
from products.models import EmbeddingRecipe, Product
from products.upkeep.pending import Failures, embed_pending
from products.upkeep.second_column import SecondEmbedding

# What the button does at most, so that no proxy gives up on the request.
MAX_PRODUCTS = 500
MAX_SECONDS = 5.0
SHOWN_FAILURES = 5


def embeddings_context() -> dict[str, Any]:
    """Return what the page shows: counts by state and by recipe, and the recipes.

    Three or four statements, which read all rows.
    """
    recipe = EmbeddingRecipe.objects.current()
    states = Product.objects.embedding_states(recipe.fingerprint)
    context = {
        "recipe": recipe,
        "states": states,
        "pending": sum(states.values()) - states["fresh"] - states["unknown"],
        "fingerprints": (
            Product.objects.exclude(embedding=None)
            .values("embedding_fingerprint")
            .annotate(products=Count("pk"))
            .order_by("-products", "embedding_fingerprint")
        ),
        "max_products": MAX_PRODUCTS,
    }
    if recipe.second_backend:
        second = SecondEmbedding.objects.embedding_states(recipe.second_fingerprint)
        context["second"] = second
    return context


def embed_some(request: HttpRequest) -> None:
    """Embed a bounded number of products and show the visitor what came of it."""
    failures = Failures()
    done = take_batches(request, embed_pending(failures=failures))
    text = ngettext("Embedded %(done)d product.", "Embedded %(done)d products.", done)
    messages.info(request, text % {"done": done})
    show_failures(request, failures)


def take_batches(request: HttpRequest, batches: Iterator[int]) -> int:
    """Embed batch after batch for as long as a request has; return how many products.

    batches: as embed_pending() yields them. Shows the visitor why the backend failed.
    """
    done, deadline = 0, time.monotonic() + MAX_SECONDS
    try:
        for count in batches:
            done += count
            if done >= MAX_PRODUCTS or time.monotonic() > deadline:
                break
    except EmbeddingError as err:
        messages.error(request, str(err))
    return done


def show_failures(request: HttpRequest, failures: Failures) -> None:
    """Show the visitor why the first few products were not embedded."""
    for reason in list(failures.reasons.values())[:SHOWN_FAILURES]:
        messages.warning(request, _("Not embedded: %(reason)s") % {"reason": reason})
