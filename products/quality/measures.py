"""Measures of a ranking, as functions of numbers: no Django, no database."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import TypeVar

Key = TypeVar("Key", bound=Hashable)


def dcg(grades: Iterable[float]) -> float:
    """Return the discounted cumulative gain of a ranking, with gain 2^grade - 1.

    grades: of the results in order, 0 for not relevant. Järvelin, Kekäläinen, ACM
    TOIS 20(4), 2002, doi 10.1145/582415.582418, with the gain of Burges et al. 2005.
    """
    return math.fsum(
        (2**grade - 1) / math.log2(position + 1)
        for position, grade in enumerate(grades, start=1)
    )


def ndcg(ranking: Sequence[Key], grades: Mapping[Key, float], *, k: int = 10) -> float:
    """Return the DCG of the first k of *ranking* divided by the best possible: 0 to 1.

    grades: the judged items; others count as 0. Raises ValueError when no item is
    relevant: such a query measures nothing.
    """
    ideal = dcg(sorted(grades.values(), reverse=True)[:k])
    if not ideal:
        raise ValueError("no item is judged relevant")
    return dcg(grades.get(item, 0) for item in ranking[:k]) / ideal


def recall(found: Iterable[Key], expected: Iterable[Key]) -> float:
    """Return which share of *expected* is in *found*: 0 to 1.

    Raises ValueError when nothing is expected.
    """
    wanted = set(expected)
    if not wanted:
        raise ValueError("nothing is expected, so there is nothing to recall")
    return len(wanted & set(found)) / len(wanted)


def bootstrap_interval(
    values: Sequence[float], *, samples: int = 2_000, confidence: float = 0.95
) -> tuple[float, float]:
    """Return the percentile bootstrap interval of the mean of *values*.

    The same values give the same interval. Raises ValueError for no values. Efron,
    Tibshirani: An Introduction to the Bootstrap, 1993, chapter 13.
    """
    import numpy as np

    if not values:
        raise ValueError("no values, so there is no mean")
    generator = np.random.default_rng(0)
    numbers = np.asarray(values, dtype=np.float64)
    draws = generator.integers(0, len(numbers), size=(samples, len(numbers)))
    means = numbers[draws].mean(axis=1)
    tail = (1 - confidence) / 2
    low, high = np.quantile(means, [tail, 1 - tail])
    return float(low), float(high)
