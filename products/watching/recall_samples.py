"""Recall at 10 of what visitors ask: one search in many is asked again exactly.

A web process puts the question into a small table after its page was sent; the worker
asks it again, as the shop does and exactly. What is kept of a question is its vector, or
the id of its example, and its filters; never its text.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from contextvars import ContextVar
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.signals import request_finished
from django.db import DEFAULT_DB_ALIAS, Error
from django.db.models import Avg, Count
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone

from products.models import DIMENSIONS, EmbeddingRecipe, Product, RecallSample
from products.quality.measures import recall
from products.quality.recall import NEIGHBOURS, first_ids
from products.search import Filters, Mode, Results, search
from products.search.nearest import nearest_products
from products.search.query_vector import cache_key, cached_vectors, embedded_part
from products.search.question import Question
from products.search.signals import searched
from vectorshop.privacy import refuses_tracking

logger = logging.getLogger(__name__)

MOST_WAITING = 100  # samples that the worker has not asked yet; more are dropped
ASK_SECONDS = 30.0  # of the worker's time, every ten minutes
KEPT = timedelta(days=1)

# The shares of products that pass a filter, from the smallest on, by what they are called.
PASSING = ((0.01, "to_1_percent"), (0.1, "to_10_percent"), (0.5, "to_50_percent"))
MOST, ALL = "over_50_percent", "all"

taken: ContextVar[RecallSample | None] = ContextVar("taken", default=None)


class SamplingMiddleware:
    """Takes samples, but none of people who do not want to be tracked."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response
        searched.connect(take_one_in_many, dispatch_uid="recall")
        request_finished.connect(store_taken, dispatch_uid="recall")

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if taken.get() and refuses_tracking(request):
            taken.set(None)
        return response


# In a web process


def take_one_in_many(*, question: Question, results: Results, **kwargs: Any) -> None:
    """Remember one question in RECALL_SAMPLE until its page is sent."""
    if not settings.RECALL_SAMPLE or random.randrange(settings.RECALL_SAMPLE):
        return
    taken.set(sample_of(question, results))


def sample_of(question: Question, results: Results) -> RecallSample | None:
    """Return what is to be asked again; None for a question that no index answers."""
    if question.operators or question.mode is Mode.KEYWORD or question.unlike:
        return None
    asked: dict[str, Any]
    if example := question.single_example:
        asked = {"product": example.pk}
    elif question.text and not question.examples:
        text = embedded_part(results.corrected or question.text)
        vectors = cached_vectors({text: cache_key(text, question.backend)})
        if text not in vectors:
            return None  # the model knows no word of it, or was busy
        asked = {"vector": vectors[text].tolist()}
    else:
        return None
    filters = question.filters
    asked["categories"] = list(filters.categories)
    for name in ("min_price", "max_price"):
        price = getattr(filters, name)
        asked[name] = None if price is None else str(price)
    return RecallSample(fingerprint=question.fingerprint, question=asked)


def store_taken(**kwargs: Any) -> None:
    """Store the sample of this request, if there is one and there is room."""
    sample = taken.get()
    if sample is None:
        return
    taken.set(None)
    try:
        waiting = RecallSample.objects.using(DEFAULT_DB_ALIAS).filter(recall=None)
        if waiting.count() < MOST_WAITING:
            sample.save(using=DEFAULT_DB_ALIAS)
    except Error as err:
        logger.warning("A search is not asked again, as it cannot be stored: %s", err)


# In the worker


def ask_again(*, using: str, seconds: float = ASK_SECONDS) -> int:
    """Ask the waiting samples again, the oldest first; return how many were asked.

    seconds: after which no other is begun. Samples of more than a day ago are deleted,
    and those of another recipe than the one in force.
    """
    samples = RecallSample.objects.using(using)
    samples.filter(asked_at__lt=timezone.now() - KEPT).delete()
    fingerprint = EmbeddingRecipe.objects.current(using).fingerprint
    samples.filter(recall=None).exclude(fingerprint=fingerprint).delete()
    deadline, asked = time.monotonic() + seconds, 0
    for sample in samples.filter(recall=None).order_by("asked_at"):
        if time.monotonic() >= deadline:
            break
        if measure(sample, using):
            asked += 1
    return asked


def measure(sample: RecallSample, using: str) -> bool:
    """Write the recall of a sample down; delete it where nothing is to be found."""
    asked: dict[str, Any] = sample.question or {}
    filters = Filters(
        tuple(asked["categories"]), asked["min_price"], asked["max_price"]
    )
    if "vector" in asked:
        found, exact = by_vector(asked["vector"], filters, sample.fingerprint, using)
    else:
        found, exact = by_example(asked["product"], filters, using)
    if not exact:
        sample.delete(using=using)
        return False
    sample.recall = recall(found, exact)
    sample.passing = passing(filters, using)
    sample.question = None
    sample.save(using=using)
    return True


def by_vector(
    vector: list[float], filters: Filters, fingerprint: str, using: str
) -> tuple[list[int], list[int]]:
    """Return the ten nearest to a vector, as the shop finds them and exactly."""
    if len(vector) != DIMENSIONS:
        return [], []
    question = Question(
        filters=filters,
        backend=EmbeddingRecipe.objects.current(using).embedder(),
        using=using,
    )
    near = nearest_products(question, str(vector)).looked_at[:NEIGHBOURS]
    exact = question.products().nearest_to(vector, fingerprint=fingerprint, exact=True)
    return [candidate.pk for candidate in near], first_ids(exact)


def by_example(pk: int, filters: Filters, using: str) -> tuple[list[int], list[int]]:
    """Return the ten most like a product, as the shop finds them and exactly."""
    products = Product.objects.using(using)
    example = products.for_display().filter(pk=pk).first()
    if example is None:
        return [], []
    found = search(filters=filters, like=[example], page_size=NEIGHBOURS, using=using)
    exact = filters.narrow(products).similar_to(example, exact=True)
    return [hit.pk for hit in found], first_ids(exact)


def passing(filters: Filters, using: str) -> str:
    """Return which share of the products passes, as one of five words."""
    if not filters:
        return ALL
    products = Product.objects.using(using).filter(embedding__isnull=False)
    share = filters.narrow(products).count() / products.count()
    return next((name for most, name in PASSING if share <= most), MOST)


# What came of them


def sampled_recall(*, using: str) -> dict[str, tuple[float, int]]:
    """Return the mean recall of the last day and of how many searches, by passing()."""
    samples = RecallSample.objects.using(using).filter(
        recall__isnull=False, asked_at__gte=timezone.now() - KEPT
    )
    found = samples.order_by().values("passing").annotate(Avg("recall"), Count("pk"))
    return {row["passing"]: (row["recall__avg"], row["pk__count"]) for row in found}
