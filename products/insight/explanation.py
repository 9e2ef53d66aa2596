"""Explains a search: what PostgreSQL did, and what spoke for each product."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import router

from products.insight.as_sql import NamedSQL, as_sql
from products.insight.sentence import summary
from products.models import Product
from products.search import Hit, Mode, Results, search
from products.search.steps import Step
from products.sql.watch import Record, Scan, watched
from products.turns import Turns

# An explanation asks PostgreSQL twice: once with EXPLAIN.
TURNS = Turns(2, waiting=4)
WAIT_SECONDS = 2

DIGITS = 4  # of the figures that are shown


@dataclass(frozen=True)
class ScoredHit:
    """A hit of the page, with the parts of its score as they are shown.

    place: from 1, over all pages. meaning, words, place_by_words: what each adds;
    *score* is their sum. None where the search does not add up scores.
    """

    hit: Hit
    place: int
    meaning: float | None = None
    words: float | None = None
    place_by_words: float | None = None
    score: float | None = None


@dataclass(frozen=True)
class Reading:
    """How PostgreSQL read the products for one purpose."""

    step: Step
    scan: Scan


@dataclass(frozen=True)
class Explanation:
    """A page of results, and how it came about.

    summary: one plain sentence. readings: how PostgreSQL read the products. main: what
    found the products of the page, as it can be run; others: the rest.
    """

    results: Results
    summary: str
    hits: list[ScoredHit]
    readings: list[Reading]
    main: list[NamedSQL]
    others: list[NamedSQL]


def explain(asked: dict[str, Any], *, using: str | None = None) -> Explanation:
    """Return a page of results with how it came about.

    asked: the arguments of search(). Each statement that compares vectors runs twice,
    first under EXPLAIN (ANALYZE). Raises SearchError, and BusyError when others have
    searches explained.
    """
    using = using or router.db_for_read(Product)
    with TURNS.taken(seconds=WAIT_SECONDS):
        with watched(using=using) as record:
            results = search(**asked, using=using)
        statements = as_sql(record.statements, using=using)
    main = [s for s in statements if s.step == main_step(results)]
    if main_step(results) == Step.NEAREST:
        # A first look by the index may find too few. The last one counts.
        main = main[-1:]
    return Explanation(
        results,
        summary(asked, results, nearest_scan(record)),
        scored_hits(results),
        readings(record),
        main,
        [statement for statement in statements if statement not in main],
    )


def readings(record: Record) -> list[Reading]:
    """Return how the products were read; of several looks for the nearest the last."""
    nearest = nearest_scan(record)
    return [
        Reading(Step(s.name), s.scan)
        for s in record.statements
        if s.scan and (s.name != Step.NEAREST or s.scan is nearest)
    ]


def main_step(results: Results) -> Step:
    """Return the step whose statements found the products of a page."""
    match results.plan.method:
        case "keyword":
            return Step.WITH_WORD
        case "listing":
            return Step.LISTING
        case _:
            return Step.NEAREST


def nearest_scan(record: Record) -> Scan | None:
    """Return the scan of the last look-up of the nearest; None where there was none."""
    scans = [s.scan for s in record.statements if s.scan and s.name == Step.NEAREST]
    return scans[-1] if scans else None


def scored_hits(results: Results) -> list[ScoredHit]:
    """Return the hits with what the search added up, rounded as they are shown."""
    first = (results.page - 1) * results.page_size + 1
    return [
        scored(hit, place, results.mode) for place, hit in enumerate(results, first)
    ]


def scored(hit: Hit, place: int, mode: str) -> ScoredHit:
    """Return a hit with the parts of its score; only a hybrid search has several."""
    if mode != Mode.HYBRID or hit.similarity is None and not hit.reward.words:
        return ScoredHit(hit, place)
    meaning = round(hit.similarity or 0.0, DIGITS)
    words, rank = (round(part, DIGITS) for part in hit.reward)
    return ScoredHit(hit, place, meaning, words, rank, meaning + words + rank)
