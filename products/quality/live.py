"""Measures of the index for a page of the lab, in the time that one request may take.

The same questions are asked exactly and by the index, as many as there is time for. The
exact answers are remembered for two minutes, and the next request asks on from there.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from django.core.cache import cache
from django.db import connections, transaction
from psycopg import sql

from products.models import EmbeddingRecipe, Product
from products.quality.measures import recall
from products.quality.recall import NEIGHBOURS, Answers, ask, timed
from products.quality.sampling import some_ids
from products.quality.steps import key_of
from products.quality.tuning import (
    Measurement,
    Sample,
    lookup,
    lookups,
    measurement,
    price_ranges,
    require_index,
)
from products.search import Filters, search
from products.sql.statements import limit_statements
from products.sql.watch import Scan, explained
from products.turns import Turns

# In a smaller catalogue ten neighbours are so large a share that the index misses none.
SMALLEST = 500
QUESTIONS = 10
SECONDS = 0.5  # for the exact answers, and as long for the shop's
KEPT_SECONDS = 2 * 60
STATEMENT_SECONDS = 5
WAIT_SECONDS = 5

TURNS = Turns(1, waiting=4)

# As pgvector reads its index by default, and by no other plan. SET LOCAL also reaches
# the shards of a Citus cluster; set_config() does not.
READ_ONCE = sql.SQL(
    "SET LOCAL hnsw.ef_search = {};"
    "SET LOCAL hnsw.iterative_scan = off;"
    "SET LOCAL enable_sort = off;"
    "SET LOCAL enable_seqscan = off;"
    "SET LOCAL enable_bitmapscan = off"
)

COMPARED = (10, 20, 40, 100)  # values of ef_search that stand beside the chosen one
DEFAULT_EF_SEARCH = 40  # pgvector's


@dataclass(frozen=True)
class IndexLesson:
    """What the index finds at some values of ef_search.

    questions: how many were asked. itself: how PostgreSQL reads the products for one of
    them where nothing is prescribed.
    """

    questions: int
    exact_ms: float
    measured: list[Measurement]
    itself: Scan


@dataclass(frozen=True)
class Found:
    """One of the ten products that are truly nearest, and which way found it."""

    product: Product
    by_default: bool
    by_shop: bool


@dataclass(frozen=True)
class FilterLesson:
    """What a filter leaves of the recall, by pgvector's defaults and by the shop.

    example: the question with the lowest recall by default; nearest: its true answer.
    method: "hnsw" or "exact", the shop's plan for it.
    """

    questions: int
    exact_ms: float
    default: Measurement
    shop: Measurement
    example: Sample
    nearest: list[Found]
    method: str


def is_large_enough(*, using: str) -> bool:
    """Return whether so many products are embedded that the index has work to do."""
    products = Product.objects.using(using).embedded()
    return products.order_by().values("pk")[:SMALLEST].count() == SMALLEST


def index_lesson(ef_search: int, *, using: str) -> IndexLesson:
    """Return what the index finds at this ef_search, and at some others.

    Raises TuningError where PostgreSQL cannot use the index, BusyError when others
    measure.
    """
    with measuring(using):
        samples, exact = answered(1.0, using=using)
        values = sorted({*COMPARED, ef_search})
        measured = [
            measurement(index_answers(samples, ef, using=using), exact, ef_search=ef)
            for ef in values
        ]
        with explained(using=using) as scans:
            lookup(samples[0].product, samples[0].filters, using)()
    return IndexLesson(len(samples), exact.milliseconds, measured, scans[0])


def filter_lesson(share: float, *, using: str) -> FilterLesson:
    """Return what pgvector's defaults and the shop find where a filter keeps a share.

    The filters are ranges of prices. Raises TuningError where PostgreSQL cannot use the
    index, BusyError when others measure.
    """
    with measuring(using):
        samples, exact = answered(share, using=using)
        shop, methods = shop_answers(samples, using=using)
        samples, exact = samples[: len(methods)], first(exact, len(methods))
        default = index_answers(samples, DEFAULT_EF_SEARCH, using=using)
    recalls = list(map(recall, default.found, exact.found))
    place = recalls.index(min(recalls))
    return FilterLesson(
        questions=len(samples),
        exact_ms=exact.milliseconds,
        default=measurement(default, exact, ef_search=DEFAULT_EF_SEARCH),
        shop=measurement(shop, exact, ef_search=None),
        example=samples[place],
        nearest=found_by(
            exact.found[place], default.found[place], shop.found[place], using=using
        ),
        method=methods[place],
    )


@contextmanager
def measuring(using: str) -> Iterator[None]:
    """Have a turn to measure, in which no statement may take longer than five seconds."""
    with TURNS.taken(seconds=WAIT_SECONDS), transaction.atomic(using=using):
        limit_statements(STATEMENT_SECONDS, using=using)
        yield


# The questions, and the ways to ask them


def answered(share: float, *, using: str) -> tuple[list[Sample], Answers[int]]:
    """Return the questions that could be answered exactly so far, with the answers.

    share: which share of the products their filters keep, 1 for no filter.
    """
    fingerprint = EmbeddingRecipe.objects.current(using).fingerprint
    ids = some_ids(QUESTIONS, using=using)
    key = key_of("lesson", fingerprint, share, ids)
    filters, known = cache.get(key) or (ranges(share, len(ids), using=using), [])
    products = Product.objects.using(using).for_display().in_bulk(ids)
    samples = [
        Sample(products[pk], filter) for pk, filter in zip(ids, filters, strict=True)
    ]
    new = asked(lookups(samples, using, exact=True)[len(known) :], SECONDS)
    known = [*known, *new]
    cache.set(key, (filters, known), KEPT_SECONDS)
    found, times = zip(*known, strict=True)
    return samples[: len(known)], Answers(list(found), list(times))


def ranges(share: float, count: int, *, using: str) -> list[Filters]:
    """Return the filters of *count* questions, the same ones every time."""
    return price_ranges(share, count, random.Random(0), using=using)


def asked(
    look_ups: Sequence[Callable[[], list[int]]], seconds: float
) -> list[tuple[list[int], float]]:
    """Return answers and milliseconds of as many look-ups as there is time for."""
    deadline = time.monotonic() + seconds
    answers = []
    for look_up in look_ups:
        answers.append(timed(look_up))
        if time.monotonic() >= deadline:
            break
    return answers


def shop_answers(
    samples: Sequence[Sample], *, using: str
) -> tuple[Answers[int], list[str]]:
    """Return what the search finds by its own plan, and the method of each plan.

    Of as many questions as there is time for.
    """
    methods = []

    def look_up(sample: Sample) -> list[int]:
        results = search(
            filters=sample.filters,
            like=[sample.product],
            page_size=NEIGHBOURS,
            using=using,
        )
        methods.append(results.plan.method)
        return [hit.product.pk for hit in results]

    answers = asked([partial(look_up, sample) for sample in samples], SECONDS)
    found, times = zip(*answers, strict=True)
    return Answers(list(found), list(times)), methods


def index_answers(
    samples: Sequence[Sample], ef_search: int, *, using: str
) -> Answers[int]:
    """Return what the index finds as pgvector uses it by default: read only once.

    So it gives at most *ef_search* products, before any filter. PostgreSQL is made to
    use the index, as it does by itself in a large catalogue. Raises TuningError where
    it cannot.
    """
    with transaction.atomic(using=using):
        with connections[using].cursor() as cursor:
            cursor.execute(READ_ONCE.format(ef_search).as_string())
        require_index(samples[0], using)
        answers = ask(lookups(samples, using))
        # SET LOCAL would outlast the block, which is part of a larger transaction.
        transaction.set_rollback(True, using=using)
    return answers


def first(answers: Answers[int], count: int) -> Answers[int]:
    """Return the first *count* answers."""
    return Answers(answers.found[:count], answers.times[:count])


def found_by(
    exact: Sequence[int], default: Sequence[int], shop: Sequence[int], *, using: str
) -> list[Found]:
    """Return the products of the exact answer, and which way found each."""
    products = Product.objects.using(using).for_display().in_bulk(exact)
    return [Found(products[pk], pk in default, pk in shop) for pk in exact]
