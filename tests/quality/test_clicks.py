"""Judgements from clicks, with values that can be worked out in the head."""

import json

import pytest
from django.core.management import CommandError, call_command

from products.quality.clicks import (
    clicks_over_expected,
    judged_by_clicks,
    position_prior,
)
from products.quality.judged import EvaluationError
from products.search_log.positions import PositionClicks, ProductClicks
from tests.factory import make_product
from tests.search_log.logs import clicked, searched


def seen(sku, position, shown, clicks, text="lamp"):
    return ProductClicks(position, shown, clicks, text, sku)


def test_the_prior_of_a_place_is_its_share_of_clicks():
    places = [
        PositionClicks(1, 10, 5),
        PositionClicks(2, 8, 2),
        PositionClicks(3, 4, 0),
    ]

    assert position_prior(places) == {1: 0.5, 2: 0.25, 3: 0.0}


def test_a_grade_is_clicks_over_those_expected_in_its_places():
    evidence = [
        seen("first", 1, shown=10, clicks=5),  # 10 * 0.5 = 5 expected
        seen("second", 2, shown=10, clicks=5),  # 10 * 0.1 = 1 expected
        seen("both", 1, shown=4, clicks=1),  # 4 * 0.5 + 10 * 0.1 = 3 expected
        seen("both", 2, shown=10, clicks=2),
        seen("ignored", 1, shown=10, clicks=0),
    ]

    assert clicks_over_expected(evidence, {1: 0.5, 2: 0.1}, smoothing=0) == {
        "lamp": {"first": 1.0, "second": 4.0, "both": 1.0, "ignored": 0.0}
    }


def test_few_clicks_count_for_less():
    evidence = [
        seen("once", 9, shown=1, clicks=1),  # 1 / (1 + 0.25)
        seen("often", 1, shown=14, clicks=24),  # 24 / (1 + 7)
    ]

    grades = clicks_over_expected(evidence, {1: 0.5, 9: 0.25})

    assert grades == {"lamp": {"once": 0.8, "often": 3.0}}


def test_no_grade_is_over_4():
    assert clicks_over_expected([seen("a", 1, 100, 99)], {1: 0.0}) == {
        "lamp": {"a": 4.0}
    }


def test_each_text_has_grades_of_its_own():
    evidence = [seen("a", 1, 2, 1), seen("a", 1, 2, 0, text="sofa")]

    assert clicks_over_expected(evidence, {1: 0.5}) == {
        "lamp": {"a": 0.5},
        "sofa": {"a": 0.0},
    }


RELEVANT = {"query_attributes": {"sort": "relevance"}}


@pytest.fixture
def logged(db):
    """Four searches for a lamp that showed a before b: two clicks on b, one on a."""
    for sku in ("a", "b"):
        make_product(sku=sku, name=f"Lamp {sku}")
    searches = [
        searched("Lamp", skus=["a", "b"], visitor=visitor, **RELEVANT)
        for visitor in ("anna", "bert", "cleo", "dora")
    ]
    clicked(searches[0], "a", 1)
    clicked(searches[1], "b", 2)
    clicked(searches[2], "b", 2)


def test_the_log_judges_by_its_clicks(logged):
    searched("sofa", skus=["b"], visitor="anna", **RELEVANT)  # no click

    judged = judged_by_clicks(None, using="default")

    # Shown first: 5 times, 1 click, so 0.2 expected each; second: 4 times, 2 clicks, 0.5.
    assert judged.texts == {"lamp": "lamp"}
    assert judged.grades == {
        "lamp": {"a": pytest.approx(1 / (1 + 4 * 0.2)), "b": 2 / (1 + 4 * 0.5)}
    }


@pytest.mark.parametrize(
    "attributes",
    [
        {"filtered": True, **RELEVANT},
        {"query_attributes": {"sort": "price"}},
        {"query_attributes": {"sort": "relevance", "like": ["a"]}},
    ],
    ids=["filtered", "by-price", "by-example"],
)
def test_orders_that_say_nothing_of_relevance_are_left_out(logged, attributes):
    before = judged_by_clicks(None, using="default").grades
    other = searched("lamp", skus=["b", "a"], visitor="emil", **attributes)
    clicked(other, "b", 1)

    assert judged_by_clicks(None, using="default").grades == before


def test_a_product_that_has_gone_is_reported(logged):
    gone = searched("lamp", skus=["gone"], visitor="emil", **RELEVANT)
    clicked(gone, "gone", 1)

    assert judged_by_clicks(None, using="default").unknown == ["gone"]


@pytest.mark.django_db
def test_a_log_without_clicks_cannot_judge():
    searched("lamp", skus=["a"], **RELEVANT)

    with pytest.raises(EvaluationError, match="has no click"):
        judged_by_clicks(None, using="default")


def test_the_command_evaluates_by_the_log(logged, capsys):
    call_command("evaluate_search", from_log=True, mode="keyword", json=True)

    report = json.loads(capsys.readouterr().out)
    assert (report["queries"], report["judgements"]) == (1, 2)
    [query] = report["modes"]["keyword"]["per_query"]
    assert (query["qid"], query["judged"], query["recall"]) == ("lamp", 1.0, 1.0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "Give both --queries and --judgements, or --from-log alone."),
        ({"from_log": True, "queries": "q"}, "or --from-log alone"),
        ({"queries": "q"}, "Give both"),
        ({"from_log": True, "days": 0}, "--days takes a number from 1 to 3650"),
        ({"days": 7}, "together with --from-log"),
    ],
    ids=["nothing", "both", "half", "no-day", "days-of-files"],
)
@pytest.mark.django_db
def test_the_command_says_what_goes_together(options, message):
    with pytest.raises(CommandError, match=message):
        call_command("evaluate_search", **options)
