"""Which hnsw.ef_search does this catalogue need? Measured against the exact scan."""

from __future__ import annotations

import random
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from django.db import transaction
from django.utils.formats import number_format
from django.utils.translation import gettext as _, ngettext

from products.models import Product
from products.numbers import grouped
from products.quality.recall import NEIGHBOURS, Answers, ask
from products.search import Filters, search
from products.search.nearest import iterative_scan
from products.sql.statements import execute, rows
from products.sql.watch import explained
from products.upkeep import vector_index

EF_SEARCH = (10, 20, 40, 80, 100, 200, 400, 800)
SHARES = (1.0, 0.25, 0.10, 0.05, 0.01)

# In a smaller catalogue PostgreSQL rightly reads the whole table.
SMALLEST = 1_000


class TuningError(ValueError):
    """A catalogue that cannot be tuned; the message says what to do."""


@dataclass(frozen=True)
class Sample:
    """One measured question: the products like one, in a range of prices."""

    product: Product
    filters: Filters


@dataclass(frozen=True)
class Measurement:
    """How one way of looking products up did, over the samples of a bucket.

    recall: the mean share of the true ten nearest that were found; full: the share of
    pages that are as long as the exact ones; milliseconds: the median, with the ORM.
    """

    ef_search: int | None
    recall: float
    full: float
    milliseconds: float
    method: str = "hnsw"


@dataclass(frozen=True)
class Bucket:
    """The measurements with filters that keep a certain share of the products.

    wanted: the share asked for, 1 for no filter; share: what the filters kept in the
    mean. hnsw: the index, with iterative scan, at each ef_search. planned: what the
    search does by itself. exact_ms: the median time of the exact scan.
    """

    wanted: float
    share: float
    exact_ms: float
    hnsw: list[Measurement]
    planned: Measurement

    @property
    def title(self) -> str:
        return (
            "none"
            if self.wanted == 1
            else f"{number_format(f'{self.wanted * 100:g}')} %"
        )

    def smallest(self, target: float) -> int | None:
        """Return the smallest ef_search that reaches a recall, None if none does.

        Every larger one must reach it too, so that chance does not choose it.
        """
        found = None
        for measurement in reversed(self.hnsw):
            if measurement.recall < target:
                break
            found = measurement.ef_search
        return found


def tune(
    shares: Sequence[float] = SHARES,
    *,
    samples: int = 50,
    ef_search: Sequence[int] = EF_SEARCH,
    using: str,
    progress: Callable[[], object] = lambda: None,
) -> list[Bucket]:
    """Return the measured recall@10 and latency, for each share of kept products.

    shares: over 0, 1 for no filter. Each question asks for the products like a stored
    one, chosen at random, itself left out, in a random range of prices that keeps the
    share. *progress* is called after each bucket. Raises TuningError for a catalogue
    of less than 1,000 embedded products. Takes a search for each sample and ef_search:
    seconds to minutes.
    """
    products = Product.objects.using(using).embedded()
    count = products.count()
    if count < SMALLEST:
        raise TuningError(
            ngettext(
                "%(count)s product is embedded; tuning needs %(least)s: in so small a "
                "catalogue PostgreSQL compares them all, and nothing is to be tuned. "
                "Load more products and run manage.py embed_products.",
                "%(count)s products are embedded; tuning needs %(least)s: in so small a "
                "catalogue PostgreSQL compares them all, and nothing is to be tuned. "
                "Load more products and run manage.py embed_products.",
                count,
            )
            % {
                "count": grouped(count),
                "least": grouped(SMALLEST),
            }
        )
    ids = list(products.order_by("pk").values_list("pk", flat=True))
    generator = random.Random(0)
    buckets = []
    for share in shares:
        chosen = (
            Product.objects.using(using)
            .for_display()
            .in_bulk(generator.sample(ids, min(samples, count)))
        )
        ranges = price_ranges(share, len(chosen), generator, using=using)
        asked = list(map(Sample, chosen.values(), ranges))
        buckets.append(measure_bucket(share, asked, ef_search, using, count))
        progress()
    return buckets


def price_ranges(
    share: float, count: int, generator: random.Random, *, using: str
) -> list[Filters]:
    """Return random ranges of prices that each keep about a share of the products.

    From one quantile of the prices to another; no filter for the share 1.
    """
    if share == 1:
        return [Filters()] * count
    starts = [generator.uniform(0, 1 - share) for _ in range(count)]
    quantiles = [quantile for start in starts for quantile in (start, start + share)]
    [(bounds,)] = rows(
        "SELECT percentile_disc(%s::float8[]) WITHIN GROUP (ORDER BY price) "
        "FROM products WHERE embedding IS NOT NULL",
        [quantiles],
        using=using,
    )
    return [
        Filters(min_price=low, max_price=high)
        for low, high in zip(bounds[::2], bounds[1::2], strict=True)
    ]


def measure_bucket(
    wanted: float,
    samples: Sequence[Sample],
    ef_search: Sequence[int],
    using: str,
    count: int,
) -> Bucket:
    """Return the measurements of all ways to look up the same questions.

    wanted: the share of the *count* products that the filters should keep.
    """
    exact = ask(lookups(samples, using, exact=True))
    if not any(exact.found):
        raise TuningError(
            _("The filters keep nothing. Sample more products, or filter less.")
        )
    kept = [
        sample.filters.narrow(Product.objects.using(using)).embedded().count()
        for sample in samples
    ]
    return Bucket(
        wanted=wanted,
        share=statistics.fmean(kept) / count,
        exact_ms=exact.milliseconds,
        hnsw=[measure_index(samples, exact, ef, using=using) for ef in ef_search],
        planned=measure_search(samples, exact, using=using),
    )


def measure_index(
    samples: Sequence[Sample], exact: Answers[int], ef_search: int, *, using: str
) -> Measurement:
    """Return how the HNSW index does with iterative scans at this ef_search."""
    with transaction.atomic(using=using), iterative_scan(ef_search, using=using):
        # Only the index gives its rows in order; any other plan must sort them.
        for setting in ("enable_sort", "enable_seqscan", "enable_bitmapscan"):
            execute(f"SET LOCAL {setting} = off", using=using)
        require_index(samples[0], using)
        found = ask(lookups(samples, using))
        # Where this is part of a larger transaction, SET LOCAL would outlast it.
        transaction.set_rollback(True, using=using)
    return measurement(found, exact, ef_search=ef_search)


def require_index(sample: Sample, using: str) -> None:
    """Raise TuningError when PostgreSQL answers a question without the HNSW index."""
    with explained(using=using) as scans:
        lookup(sample.product, sample.filters, using)()
    index = vector_index.configured_kind().name
    if scans[0].index != index:
        raise TuningError(
            _(
                "PostgreSQL does not use the index %(index)s (%(scan)s). Is it "
                "there and valid? Ask manage.py check --database default."
            )
            % {"index": index, "scan": scans[0]}
        )


def measure_search(
    samples: Sequence[Sample], exact: Answers[int], *, using: str
) -> Measurement:
    """Return how search() does, which plans by itself."""
    plans = []

    def look_up(sample: Sample) -> list[int]:
        results = search(
            filters=sample.filters,
            like=[sample.product],
            page_size=NEIGHBOURS,
            using=using,
        )
        plans.append(results.plan)
        return [hit.product.pk for hit in results]

    found = ask(partial(look_up, sample) for sample in samples)
    methods = sorted({plan.method for plan in plans})
    return replace(
        measurement(found, exact, ef_search=plans[0].ef_search),
        method=" or ".join(methods),
    )


def lookups(
    samples: Sequence[Sample], using: str, *, exact: bool = False
) -> list[Callable[[], list[int]]]:
    """Return lookup() of each sample."""
    return [
        lookup(sample.product, sample.filters, using, exact=exact) for sample in samples
    ]


def lookup(
    product: Product, filters: Filters, using: str, *, exact: bool = False
) -> Callable[[], list[int]]:
    """Return a function that gives the ids of the ten products most like one."""
    products = filters.narrow(Product.objects.using(using))
    nearest = products.similar_to(product, exact=exact, ef_search=None)
    return lambda: list(nearest.values_list("pk", flat=True)[:NEIGHBOURS])


def measurement(
    found: Answers[int], exact: Answers[int], *, ef_search: int | None
) -> Measurement:
    """Return the measurement of what was found, compared with the exact answers."""
    return Measurement(
        ef_search=ef_search,
        recall=found.recall(exact),
        full=found.full(exact),
        milliseconds=found.milliseconds,
    )
