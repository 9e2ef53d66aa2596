"""Judgements from clicks: which products visitors open more often than others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from products.quality.judged import (
    EvaluationError,
    Grades,
    JudgedQueries,
    in_catalogue,
)
from products.search_log.period import Period
from products.search_log.positions import (
    PositionClicks,
    ProductClicks,
    click_through,
    clicks_by_text,
)

MOST_TEXTS = 200
# Expected clicks that are added to those of each product: one with a single click has a
# grade below 1, however deep it stood.
SMOOTHING = 1.0
MAX_GRADE = 4.0  # clicked four times as often as its places explain


def judged_by_clicks(days: int | None, *, using: str) -> JudgedQueries:
    """Return the 200 most frequent searches with a click, graded by their clicks.

    days: how many of the last are read; None: all that are kept. Raises EvaluationError
    where the log has no click on a product of the catalogue.
    """
    period = Period.last(days)
    prior = position_prior(click_through(period, ranked=True, using=using))
    evidence = clicks_by_text(period, MOST_TEXTS, using=using)
    grades = clicks_over_expected(evidence, prior)
    judged = in_catalogue({text: text for text in grades}, grades, using=using)
    if not judged.grades:
        raise EvaluationError(
            "The search log has no click on a product of the catalogue. Set "
            "SEARCH_LOG=true, and evaluate when visitors have searched for a while."
        )
    return judged


def position_prior(places: Iterable[PositionClicks]) -> dict[int, float]:
    """Return which share of what is shown in each place is opened: 0 to 1, by place.

    Estimated from all searches of the log, whatever stood there.
    """
    return {place.position: place.rate for place in places}


def clicks_over_expected(
    evidence: Iterable[ProductClicks],
    prior: Mapping[int, float],
    *,
    smoothing: float = SMOOTHING,
) -> dict[str, Grades]:
    """Return a grade of 0 to 4 for each product of each text: clicks over expected.

    grade = clicks / (smoothing + sum over all times it was shown of prior[its place])

    The sum is how many clicks any product would have got in the same places. So what
    stands first gets no better grade for standing there. Without smoothing, one click on
    a product that was shown once far down would count for more than a hundred clicks on
    the first one. Zhang, Jones: Comparing Click Logs and Editorial Labels for Training
    Query Rewriting, Query Log Analysis workshop at WWW 2007.
    """
    clicks: Counter[tuple[str, str]] = Counter()
    expected: dict[tuple[str, str], float] = {}
    for seen in evidence:
        key = seen.text, seen.sku
        clicks[key] += seen.clicks
        expected[key] = expected.get(key, 0.0) + seen.shown * prior.get(
            seen.position, 0.0
        )
    grades: dict[str, Grades] = {}
    for (text, sku), share in expected.items():
        grade = min(MAX_GRADE, clicks[text, sku] / (smoothing + share))
        grades.setdefault(text, {})[sku] = grade
    return grades
