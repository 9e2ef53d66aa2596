"""How good is the search? Measured on queries whose answers people have judged."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from django.utils.translation import gettext

from products.models import Product
from products.quality.measures import bootstrap_interval, ndcg, recall
from products.search.answer import search
from products.search.question import MAX_PAGE_SIZE, Mode, clean_text

TOP = 10  # results that nDCG and the judged share look at
RECALL_AT = 50
MAX_GRADE = 100  # the gain is 2^grade - 1

# The first field of a header line.
HEADERS = {"qid", "query_id", "query-id", "queryid", "query id"}

Grades = dict[str, float]


class EvaluationError(ValueError):
    """Something that cannot be evaluated; the message says what to change."""


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
    """How one query was answered.

    ndcg: nDCG@10, what nobody judged counts as not relevant. judged_only: nDCG@10 of
    the ranking without what nobody judged. recall: the share of the relevant products
    among the first 50. judged: the share of the first ten that somebody judged; None
    for an empty answer.
    """

    qid: str
    ndcg: float
    judged_only: float
    recall: float
    judged: float | None


@dataclass(frozen=True)
class ModeReport:
    """The measures of one mode, over all queries with a relevant product."""

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


@dataclass(frozen=True)
class Judged:
    """Queries with the grades of their products, and what had to be left out.

    unknown: the skus that are no product of the catalogue; without_relevant: queries
    of which no product is relevant; strangers: judged queries that are not asked.
    """

    texts: dict[str, str]
    grades: dict[str, Grades]
    judgements: int
    unknown: list[str] = field(default_factory=list)
    without_relevant: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)


def evaluate(
    judged: Judged, mode: Mode, *, using: str, progress: Callable[[], object]
) -> ModeReport:
    """Return how well a mode answers the judged queries.

    Every product that a search ranks counts, on all its pages. *progress* is called
    after each query. Raises EvaluationError when a text cannot be embedded: what the search
    then serves is no answer of this mode.
    """
    measured = []
    for qid, grades in judged.grades.items():
        measured.append(measure(qid, ranking(judged.texts[qid], mode, using), grades))
        progress()
    return ModeReport(mode, measured)


def ranking(text: str, mode: Mode, using: str) -> list[str]:
    """Return the skus of all products that a search ranks, best first."""
    skus: list[str] = []
    page = 1
    while True:
        results = search(
            text, mode=mode, page=page, page_size=MAX_PAGE_SIZE, using=using
        )
        if results.notice:
            raise EvaluationError(
                gettext("The query %(text)r: %(notice)s")
                % {"text": text, "notice": results.notice}
            )
        skus.extend(hit.product.sku for hit in results)
        if not results.has_next:
            return skus
        page += 1


def measure(qid: str, ranking: Sequence[str], grades: Grades) -> Measured:
    """Return the measures of one ranking. Raises ValueError without a relevant one."""
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


def read_judged(queries: Path, judgements: Path, *, using: str) -> Judged:
    """Return the queries that can be evaluated, with their grades.

    A judged sku that is no product of the catalogue is left out and reported: no
    search could find it. Raises EvaluationError for files that cannot be read, and
    when no query is left.
    """
    texts = read_queries(queries)
    judged = read_judgements(judgements)
    skus = {sku for grades in judged.values() for sku in grades}
    known = set(
        Product.objects.using(using)
        .filter(sku__in=list(skus))
        .values_list("sku", flat=True)
    )
    grades = {
        qid: {sku: grade for sku, grade in judged.get(qid, {}).items() if sku in known}
        for qid in texts
    }
    relevant = {qid: g for qid, g in grades.items() if any(g.values())}
    if not relevant:
        raise EvaluationError(
            f"No query of {queries} has a relevant product: {judgements} judges "
            f"{len(skus):,} skus, of which {len(known):,} are in the catalogue. Is it "
            "the right catalogue?"
        )
    return Judged(
        texts=texts,
        grades=relevant,
        judgements=sum(map(len, judged.values())),
        unknown=sorted(skus - known),
        without_relevant=[qid for qid in texts if qid not in relevant],
        strangers=[qid for qid in judged if qid not in texts],
    )


def read_queries(path: Path) -> dict[str, str]:
    """Return the text of each query, by id. Lines: ``qid<TAB>query``."""
    texts: dict[str, str] = {}
    for where, (qid, text) in read_lines(path, fields=("qid", "query")):
        try:
            text = clean_text(text)
        except ValueError as err:
            raise EvaluationError(f"{where}: {err}") from err
        if not text:
            raise EvaluationError(f"{where}: the query is empty.")
        if texts.setdefault(qid, text) != text:
            raise EvaluationError(f"{where}: the query {qid} stands there twice.")
    if not texts:
        raise EvaluationError(f"{path} has no queries.")
    return texts


def read_judgements(path: Path) -> dict[str, Grades]:
    """Return the grade of each product, by query. Lines: ``qid<TAB>sku<TAB>grade``.

    A grade is a number from 0, not relevant, to 100.
    """
    judged: dict[str, Grades] = {}
    for where, (qid, sku, text) in read_lines(path, fields=("qid", "sku", "grade")):
        grades = judged.setdefault(qid, {})
        grade = read_grade(text, where)
        if grades.setdefault(sku, grade) != grade:
            raise EvaluationError(
                f"{where}: the product {sku} has two grades for the query {qid}."
            )
    return judged


def read_grade(text: str, where: str) -> float:
    """Return a grade. Raises EvaluationError for what is none."""
    try:
        grade = float(text)
    except ValueError:
        grade = math.nan
    if not 0 <= grade <= MAX_GRADE:
        raise EvaluationError(
            f"{where}: the grade {text!r} is no number from 0 to {MAX_GRADE}."
        )
    return grade


def read_lines(path: Path, *, fields: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """Yield the fields of each line of a file, and where it stands.

    UTF-8, separated by tabs; empty lines and a header that begins with "qid" are
    skipped. Raises EvaluationError for anything else.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as err:
        raise EvaluationError(f"{path} cannot be read: {err.strerror}.") from err
    except UnicodeDecodeError as err:
        bad = err.object[: err.start].count(b"\n") + 1
        raise EvaluationError(f"{path}, line {bad}: this is not UTF-8.") from err
    # Not splitlines(): a query may hold other characters that end a line.
    for number, line in enumerate(text.split("\n"), start=1):
        found = [value.strip() for value in line.split("\t")]
        if found == [""] or (number == 1 and found[0].lower() in HEADERS):
            continue
        where = f"{path}, line {number}"
        if len(found) != len(fields) or not found[0] or "\0" in line:
            raise EvaluationError(
                f"{where}: expected {', '.join(fields)}, separated by tabs."
            )
        yield where, found
