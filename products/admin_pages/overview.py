"""The admin's start page: how the catalogue is, and a button that measures its recall.

What it shows is bounded: the products are counted for a second at most, and the rest is
read from the admin's log.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib import messages
from django.contrib.admin.models import LogEntry
from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from django.db import DEFAULT_DB_ALIAS
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext

from products.admin_pages.log import (
    IMPORTED,
    MEASURED,
    last_of,
    log,
    recall_text,
    values_of,
)
from products.models import Product
from products.quality.recall import search_recall
from products.querysets import EmbeddingState
from products.search.words import COUNTS_SECONDS, LARGE
from products.search_log.frequent import NoResults, no_results
from products.search_log.period import Period
from products.sql.sharding import estimated_rows
from products.sql.statements import TookTooLong, at_most
from products.turns import BusyError, Turns
from products.watching.figures import Figure, figures

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin

# Counting the states reads all rows: tenths of a second for 100,000 products.
COUNT_SECONDS = 1
MEASURE_SECONDS = 3.0
MEASURING = Turns(1)

NO_RESULTS_DAYS = 7

COUNTS_KEY = "admin-embedding-states"
# The states that an operator can do something about, in this order.
OPEN_STATES = (
    EmbeddingState.MISSING,
    EmbeddingState.STALE,
    EmbeddingState.OTHER_RECIPE,
)


@dataclass(frozen=True)
class Counts:
    """How many products there are, and how many in each state of their embedding.

    states: None where counting them takes too long; then *products* is PostgreSQL's
    estimate, None before it made one.
    """

    products: int | None
    states: dict[str, int] | None
    counted_at: datetime

    @property
    def open(self) -> list[tuple[EmbeddingState, int]]:
        """The states that can be mended, with how many products are in each."""
        states = self.states or {}
        return [(state, states[state]) for state in OPEN_STATES if states.get(state)]


@dataclass(frozen=True)
class Overview:
    """What the start page shows of the catalogue.

    figures: the eight that an operator looks at first.
    """

    figures: list[Figure]
    counts: Counts
    last_import: LogEntry | None
    recall: dict[str, Any] | None
    measured: LogEntry | None
    no_results: NoResults | None


def overview() -> Overview:
    """Return what the start page shows; twelve statements, with a search log 13."""
    measured = last_of(Product, MEASURED)
    return Overview(
        figures=figures(using=DEFAULT_DB_ALIAS),
        counts=count_states(),
        last_import=last_of(Product, IMPORTED),
        recall=values_of(measured, MEASURED) if measured else None,
        measured=measured,
        no_results=no_results(Period.last(NO_RESULTS_DAYS))
        if settings.SEARCH_LOG
        else None,
    )


def count_states() -> Counts:
    """Return the counts, of a large catalogue those of up to five minutes ago."""
    counts: Counts | None = cache.get(COUNTS_KEY)
    if counts is None:
        states = states_in_time()
        products = estimated_products() if states is None else sum(states.values())
        counts = Counts(products, states, timezone.now())
        if states is None or sum(states.values()) > LARGE:
            cache.set(COUNTS_KEY, counts, COUNTS_SECONDS)
    return counts


def states_in_time() -> dict[str, int] | None:
    """Return how many products are in each state, None if that takes over a second."""
    try:
        with at_most(COUNT_SECONDS, using=DEFAULT_DB_ALIAS):
            return Product.objects.embedding_states()
    except TookTooLong:
        return None


def estimated_products() -> int | None:
    """Return how many products PostgreSQL's last ANALYZE saw, None before the first."""
    estimate = estimated_rows(DEFAULT_DB_ALIAS)
    return None if estimate < 0 else round(estimate)


def measure_recall(
    model_admin: ModelAdmin[Product], request: HttpRequest
) -> HttpResponse:
    """Measure the recall for some seconds, and keep it in the admin's log."""
    if not model_admin.has_view_permission(request):
        raise PermissionDenied
    try:
        with MEASURING.taken(seconds=0):
            measured = search_recall(seconds=MEASURE_SECONDS)
    except BusyError:
        text = gettext("Somebody is measuring the recall now. Look again in a minute.")
        messages.warning(request, text)
        return redirect("admin:index")
    if measured is None:
        text = gettext(
            "There is nothing to measure: fewer than two products are embedded."
        )
        messages.warning(request, text)
        return redirect("admin:index")
    values: dict[str, Any] = {
        "recall": round(measured.recall, 4),
        "asked": measured.asked,
    }
    log(request, Product, MEASURED, "recall", **values)
    messages.success(request, f"{recall_text(values)}.")
    return redirect("admin:index")
