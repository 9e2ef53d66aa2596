"""Measures of a ranking: values checked by hand, and what holds for any input."""

import math

import pytest
from hypothesis import assume, given, strategies as st

from products.quality.measures import bootstrap_interval, dcg, ndcg, recall


def test_dcg_discounts_by_the_logarithm_of_the_place():
    # 2^3 - 1 at once, 2^1 - 1 over log2(3), nothing, 2^2 - 1 over log2(5).
    assert dcg([3, 1, 0, 2]) == pytest.approx(7 + 1 / 1.58496 + 3 / 2.32193, abs=1e-4)


def test_ndcg_compares_with_the_best_order():
    grades = {"best": 2, "good": 1, "bad": 0}

    assert ndcg(["best", "good"], grades) == 1
    assert ndcg(["unjudged", "best"], grades) == pytest.approx(
        (3 / math.log2(3)) / (3 + 1 / math.log2(3))
    )
    assert ndcg(["bad", "unjudged"], grades) == 0
    assert ndcg(["good", "best"], grades, k=1) == pytest.approx(1 / 3)


def test_a_query_without_a_relevant_item_measures_nothing():
    with pytest.raises(ValueError, match="no item is judged relevant"):
        ndcg(["a"], {"a": 0})


@given(st.dictionaries(st.integers(0, 30), st.integers(0, 3)), st.data())
def test_no_order_is_better_than_the_ideal_one(grades, data):
    assume(any(grades.values()))
    ranking = data.draw(st.permutations(sorted(grades)))

    value = ndcg(ranking, grades)

    assert 0 <= value <= 1 + 1e-12
    assert ndcg(sorted(grades, key=lambda key: -grades[key]), grades) == pytest.approx(
        1
    )


def test_recall_is_the_share_of_what_is_expected():
    assert recall([1, 2, 9], [1, 2, 3, 4]) == 0.5
    assert recall([], [1]) == 0
    with pytest.raises(ValueError, match="nothing to recall"):
        recall([1], [])


def test_equal_values_leave_no_doubt():
    assert bootstrap_interval([0.5] * 8) == (0.5, 0.5)


def test_the_interval_is_that_of_the_normal_distribution_for_many_values():
    values = [0.0, 1.0] * 200

    low, high = bootstrap_interval(values)

    # 1.96 times the standard error, 0.5 / sqrt(400).
    assert low == pytest.approx(0.5 - 0.049, abs=0.006)
    assert high == pytest.approx(0.5 + 0.049, abs=0.006)
    assert bootstrap_interval(values) == (low, high)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_the_interval_lies_among_the_values(values):
    low, high = bootstrap_interval(values, samples=50)

    assert min(values) - 1e-9 <= low <= high <= max(values) + 1e-9


def test_no_values_have_no_interval():
    with pytest.raises(ValueError, match="no values"):
        bootstrap_interval([])
