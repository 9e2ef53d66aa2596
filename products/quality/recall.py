"""Which share of the true nearest neighbours a way of looking them up finds.

The questions are asked in the way that is measured and exactly, by ask(); the exact
answers say how good the others are.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar

from django.db import transaction
from django.db.models import Max, Min

from products.models import DIMENSIONS, Product
from products.quality.measures import recall
from products.querysets import ProductQuerySet
from products.sql.sharding import is_sharded
from products.sql.statements import execute, rows
from products.upkeep.vector_index import HALFVEC, VECTOR, IndexKind

T = TypeVar("T")
Item = TypeVar("Item", bound=Hashable)

NEIGHBOURS = 10  # that are looked up for each sample
SAMPLES = 50


@dataclass(frozen=True)
class Answers(Generic[Item]):
    """What one way of looking up gave for each sample, and the times in milliseconds."""

    found: list[Sequence[Item]]
    times: list[float]

    @property
    def milliseconds(self) -> float:
        """The median time."""
        return statistics.median(self.times)

    def recall(self, exact: Answers[Item]) -> float:
        """Return the mean share, 0 to 1, of the exact answers that was found.

        Over the samples that have an exact answer; 1 when none has.
        """
        pairs = self.beside(exact)
        return statistics.fmean(recall(*pair) for pair in pairs) if pairs else 1.0

    def full(self, exact: Answers[Item]) -> float:
        """Return the share of the answers that are as long as the exact ones."""
        pairs = self.beside(exact)
        if not pairs:
            return 1.0
        return statistics.fmean(len(found) == len(true) for found, true in pairs)

    def beside(
        self, exact: Answers[Item]
    ) -> list[tuple[Sequence[Item], Sequence[Item]]]:
        """Return the pairs of an answer and the exact one, where there is one."""
        pairs = zip(self.found, exact.found, strict=True)
        return [(found, true) for found, true in pairs if true]


@dataclass(frozen=True)
class IndexQuality:
    """What an index costs and finds: bytes, and recall at 10 from 0 to 1."""

    size: int
    recall: float


@dataclass(frozen=True)
class SearchRecall:
    """The recall at 10, 0 to 1, of the search for the *asked* products' neighbours."""

    recall: float
    asked: int


def ask(look_ups: Iterable[Callable[[], Sequence[Item]]]) -> Answers[Item]:
    """Return what each of *look_ups* gives, called one after the other."""
    found, times = [], []
    for look_up in look_ups:
        answer, milliseconds = timed(look_up)
        found.append(answer)
        times.append(milliseconds)
    return Answers(found, times)


def timed(function: Callable[[], T]) -> tuple[T, float]:
    """Return what a function gives, and the milliseconds it took."""
    started = time.perf_counter()
    result = function()
    return result, (time.perf_counter() - started) * 1000


def search_recall(*, seconds: float) -> SearchRecall | None:
    """Return the share of the true nearest that similar_to() finds; None without any.

    Asks about products chosen at random, each as the shop does and exactly, until some
    seconds are over: about one at least, about 50 at most. In a small catalogue
    PostgreSQL rightly compares all products, and the recall is 1.
    """
    deadline = time.monotonic() + seconds
    found: list[Sequence[int]] = []
    exact: list[Sequence[int]] = []
    similar_to = Product.objects.similar_to
    for product in random_products(SAMPLES):
        found.append(first_ids(similar_to(product)))
        exact.append(first_ids(similar_to(product, exact=True)))
        if time.monotonic() >= deadline:
            break
    if not any(exact):
        return None
    return SearchRecall(Answers(found, []).recall(Answers(exact, [])), len(exact))


def first_ids(products: ProductQuerySet) -> list[int]:
    """Return the ids of the first ten products."""
    return list(products.values_list("pk", flat=True)[:NEIGHBOURS])


def random_products(count: int) -> Iterator[Product]:
    """Yield up to *count* embedded products chosen at random, none of them twice.

    They are looked up by their ids one by one, so the time for one does not grow with the
    catalogue. A product that follows many ids that are no longer used is likelier.
    """
    products = Product.objects.embedded().only("pk").order_by("pk")
    ends = products.aggregate(first=Min("pk"), last=Max("pk"))
    if ends["first"] is None:
        return
    seen = set()
    for _ in range(count):
        start = random.randint(ends["first"], ends["last"])
        for product in products.filter(pk__gte=start)[:1]:
            if product.pk not in seen:
                seen.add(product.pk)
                yield product


def index_quality(kind: IndexKind, *, using: str) -> IndexQuality:
    """Return the size of an index and the share of the true nearest it finds.

    Asks for the neighbours of 50 products chosen at random, once by the index and once
    by reading the whole table.
    """
    vectors = rows(
        "SELECT embedding::text FROM products WHERE embedding IS NOT NULL "
        "ORDER BY random() LIMIT %s",
        [SAMPLES],
        using=using,
    )
    exact, found = (
        ask(
            partial(nearest_ids, which, vector, index=index, using=using)
            for (vector,) in vectors
        )
        for which, index in ((VECTOR, False), (kind, True))
    )
    size_of = "citus_relation_size" if is_sharded(using) else "pg_relation_size"
    [(size,)] = rows(f"SELECT {size_of}(to_regclass(%s))", [kind.name], using=using)
    return IndexQuality(size, found.recall(exact))


def nearest_ids(kind: IndexKind, vector: str, *, index: bool, using: str) -> list[int]:
    """Return the ids of the ten products nearest to a vector, by the index or without.

    Raw SQL: a QuerySet orders by what the configured index knows, not by *kind*.
    """
    cast = f"::halfvec({DIMENSIONS})" if kind is HALFVEC else "::vector"
    off = "enable_seqscan" if index else "enable_indexscan"
    with transaction.atomic(using=using):
        execute(f"SET LOCAL {off} = off", using=using)  # which also reaches shards
        found = rows(
            "SELECT id FROM products WHERE embedding IS NOT NULL "  # noqa: S608
            f"ORDER BY {kind.expression} <=> %s{cast} LIMIT %s",
            [vector, NEIGHBOURS],
            using=using,
        )
    return [id for (id,) in found]
