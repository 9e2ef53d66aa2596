"""Which products people judged relevant for a query: files, and what the staff noted."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from products.models import Judgement, Product
from products.search.question import clean_text

MAX_GRADE = 100  # the gain is 2^grade - 1

# The first field of a header line.
HEADERS = {"qid", "query_id", "query-id", "queryid", "query id"}

# The page of search quality searches for each of them, in every mode.
MOST_QUERIES = 100

Grades = dict[str, float]


class EvaluationError(ValueError):
    """Something that cannot be evaluated; the message says what to change."""


@dataclass(frozen=True)
class JudgedQueries:
    """Queries with the grades of their products, and what had to be left out.

    unknown: the skus that are no product of the catalogue; without_relevant: queries
    of which no product is relevant; unasked: judged queries that are not asked.
    """

    texts: dict[str, str]
    grades: dict[str, Grades]
    judgements: int
    unknown: list[str] = field(default_factory=list)
    without_relevant: list[str] = field(default_factory=list)
    unasked: list[str] = field(default_factory=list)


# Files


def read_judged(queries: Path, judgements: Path, *, using: str) -> JudgedQueries:
    """Return the queries that can be evaluated, with their grades.

    A judged sku that is not in the catalogue is left out and reported: no
    search could find it. Raises EvaluationError for files that cannot be read, and
    when no query is left.
    """
    texts = read_queries(queries)
    grades = read_judgements(judgements)
    judged = in_catalogue(texts, grades, using=using)
    if not judged.grades:
        skus = len({sku for query in grades.values() for sku in query})
        known = skus - len(judged.unknown)
        raise EvaluationError(
            f"No query of {queries} has a relevant product: {judgements} judges "
            f"{skus:,} skus, of which {known:,} are in the catalogue. Is it "
            "the right catalogue?"
        )
    return judged


def in_catalogue(
    texts: dict[str, str], judged: dict[str, Grades], *, using: str
) -> JudgedQueries:
    """Return the queries with the grades of the products that are in the catalogue."""
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
    return JudgedQueries(
        texts=texts,
        grades=relevant,
        judgements=sum(map(len, judged.values())),
        unknown=sorted(skus - known),
        without_relevant=[qid for qid in texts if qid not in relevant],
        unasked=[qid for qid in judged if qid not in texts],
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
    """Return a grade. Raises EvaluationError for what is not one."""
    try:
        grade = float(text)
    except ValueError:
        grade = math.nan
    if not 0 <= grade <= MAX_GRADE:
        raise EvaluationError(
            f"{where}: the grade {text!r} is not a number from 0 to {MAX_GRADE}."
        )
    return grade


def read_lines(path: Path, *, fields: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """Yield the fields of each line of a file, and where it stands.

    The file is UTF-8, with tabs between the fields. Empty lines are skipped, and so is
    a header that begins with "qid". Raises EvaluationError for anything else.
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


# What the staff judged


def grades_of(query: str) -> dict[int, int]:
    """Return the grades given for a query, by the id of the product."""
    judged = Judgement.objects.filter(query=query)
    return dict(judged.values_list("product", "grade"))


def collected_judgements() -> JudgedQueries:
    """Return what the staff judged: at most 100 queries, those judged last.

    Queries without a relevant product say nothing about a ranking and are named apart.
    """
    rows = Judgement.objects.order_by("-pk").values_list(
        "query", "product__sku", "grade"
    )
    grades: dict[str, Grades] = {}
    count = 0
    for query, sku, grade in rows.iterator():
        if query not in grades and len(grades) == MOST_QUERIES:
            break
        grades.setdefault(query, {})[sku] = float(grade)
        count += 1
    return JudgedQueries(
        texts={query: query for query in grades},
        grades={query: g for query, g in grades.items() if any(g.values())},
        judgements=count,
        without_relevant=[query for query, g in grades.items() if not any(g.values())],
    )
