"""How good is the search? Measured on queries whose answers people have judged."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext

from products.quality.judged import EvaluationError, Grades, JudgedQueries
from products.quality.measures import bootstrap_interval, ndcg, recall
from products.search import Mode, search
from products.search.question import MAX_PAGE_SIZE
from products.search.rank import EMBEDDER_FAILED

TOP = 10  # results that nDCG and the judged share look at
RECALL_AT = 50


@dataclass(frozen=True)
class Interval:
    """The mean over the queries, and its 95 % bootstrap interval."""

    mean: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Interval | None:
        """Return the interval of the mean of *values*, None without any."""
        import numpy as np

        if not values:
            return None
        return cls(float(np.mean(values)), *bootstrap_interval(values))


@dataclass(frozen=True)
class Measured:
    """How well one query was answered.

    ndcg: nDCG@10, where a product that nobody judged counts as not relevant.
    judged_only: nDCG@10 of the ranking without the products that nobody judged. recall:
    the share of the relevant products that are among the first 50. judged: the share of
    the first ten that somebody judged; None for an empty answer.
    """

    qid: str
    ndcg: float
    judged_only: float
    recall: float
    judged: float | None


@dataclass(frozen=True)
class ModeMeasures:
    """The measures of one mode of searching, for each query with a relevant product."""

    mode: Mode
    queries: list[Measured]

    def interval(self, measure: str) -> Interval | None:
        """Return the mean of a measure of the queries that have it."""
        values = [getattr(measured, measure) for measured in self.queries]
        return Interval.of([value for value in values if value is not None])

    @property
    def empty(self) -> int:
        """How many queries found nothing."""
        return sum(measured.judged is None for measured in self.queries)


def evaluate(
    judged: JudgedQueries, mode: Mode, *, using: str, progress: Callable[[], object]
) -> ModeMeasures:
    """Return how well a mode answers the judged queries.

    Every product that a search ranks counts, on all its pages. *progress* is called
    after each query. Raises EvaluationError when a text cannot be embedded: the search
    then answers by another mode.
    """
    measured = []
    for qid in judged.grades:
        measured.append(measure_query(judged, qid, mode, using=using))
        progress()
    return ModeMeasures(mode, measured)


def measure_query(
    judged: JudgedQueries, qid: str, mode: Mode, *, using: str
) -> Measured:
    """Return how well a mode answers one of the judged queries, as evaluate() does."""
    found = ranking(judged.texts[qid], mode, using)
    return measure_ranking(qid, found, judged.grades[qid])


def ranking(text: str, mode: Mode, using: str) -> list[str]:
    """Return the skus of all products that a search ranks, best first."""
    skus: list[str] = []
    page = 1
    while True:
        results = search(
            text, mode=mode, page=page, page_size=MAX_PAGE_SIZE, using=using
        )
        if results.notice == str(EMBEDDER_FAILED):
            raise EvaluationError(
                gettext("The query %(text)r: %(notice)s")
                % {"text": text, "notice": results.notice}
            )
        skus.extend(hit.product.sku for hit in results)
        if not results.has_next:
            return skus
        page += 1


def measure_ranking(qid: str, ranking: Sequence[str], grades: Grades) -> Measured:
    """Return the measures of the skus that answer one query, best first.

    Raises ValueError when no product of *grades* is relevant.
    """
    top = ranking[:TOP]
    known = [sku for sku in ranking if sku in grades]
    return Measured(
        qid=qid,
        ndcg=ndcg(ranking, grades, k=TOP),
        judged_only=ndcg(known, grades, k=TOP),
        recall=recall(
            ranking[:RECALL_AT], (sku for sku, grade in grades.items() if grade > 0)
        ),
        judged=sum(sku in grades for sku in top) / len(top) if top else None,
    )
