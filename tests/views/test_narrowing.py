"""What a list is narrowed to, and what it can be narrowed to."""

from decimal import Decimal

import pytest

from products.models import Product
from products.search import Filters
from products.views.catalogue import NO_QUESTION
from products.views.narrowing import (
    MOST,
    SHOWN,
    categories,
    chips,
    nothing_passes,
    price_slider,
)

COUNTS = [(f"C{number}", 1000 - number) for number in range(300)]


def names(shown):
    return [category.name for category in shown.shown]


def test_the_largest_categories_are_shown_and_how_many_there_are():
    shown = categories(COUNTS)

    assert names(shown) == [f"C{number}" for number in range(SHOWN)]
    assert (shown.total, shown.are_many) == (300, True)
    assert not categories(COUNTS[:SHOWN]).are_many


def test_all_categories_are_shown_as_far_as_they_fit_on_a_page():
    assert len(names(categories(COUNTS, every=True))) == MOST
    assert len(names(categories(COUNTS[:50], every=True))) == 50


def test_categories_are_found_by_a_part_of_their_name():
    shown = categories([("Men's shoes", 3), ("Hats", 2), ("SHOES", 1)], within=" shoe ")

    assert names(shown) == ["Men's shoes", "SHOES"]
    assert shown.total == 2


def test_a_chosen_category_is_always_shown():
    chosen = ("C280", "Gone", "C3")

    assert names(categories(COUNTS, chosen))[-2:] == ["C280", "Gone"]
    assert names(categories(COUNTS, chosen, within="C11"))[-3:] == [
        "C3",
        "C280",
        "Gone",
    ]


@pytest.mark.parametrize(
    ("low", "high", "start", "end", "step"),
    [
        ("13.50", "1299.00", 10, 1300, 10),
        ("0", "20", 0, 20, "0.1"),
        ("9.99", "10.49", "9.99", "10.49", "0.01"),
        ("1", "99999999.99", 0, 100_000_000, 1_000_000),
    ],
)
def test_the_slider_has_round_steps(low, high, start, end, step):
    slider = price_slider((Decimal(low), Decimal(high)))

    assert (slider.start, slider.end, slider.step) == (
        Decimal(start),
        Decimal(end),
        Decimal(step),
    )


@pytest.mark.parametrize("prices", [None, (Decimal(5), Decimal(5))])
def test_where_all_cost_the_same_there_is_no_slider(prices):
    assert price_slider(prices) is None


def test_each_thing_that_narrows_can_be_taken_away():
    lamp, torch = Product(pk=1, name="Lamp"), Product(pk=2, name="Torch")
    question = NO_QUESTION | {
        "text": "light",
        "filters": Filters(("Home", ""), Decimal(5), Decimal("9.50")),
        "mode": "semantic",
        "like": (lamp,),
        "unlike": (torch,),
    }

    assert [(chip.kind, chip.text, chip.drop) for chip in chips(question)] == [
        ("", "Home", "category=Home"),
        ("", "No category", "category="),
        ("", "from $5.00", "min_price"),
        ("", "up to $9.50", "max_price"),
        ("Search by", "Meaning", "mode"),
        ("like", "Lamp", "like=1"),
        ("unlike", "Torch", "unlike=2"),
    ]


def test_many_categories_are_taken_away_at_once():
    several = tuple(f"C{number}" for number in range(6))

    assert chips(NO_QUESTION | {"filters": Filters(several)}) == [
        ("6 categories", "category", "", None)
    ]
    assert len(chips(NO_QUESTION | {"filters": Filters(several[1:])})) == 5
    assert nothing_passes(Filters(several)) == "There is nothing in 6 categories."


def test_a_plain_question_has_nothing_to_take_away():
    assert chips(NO_QUESTION) == []
    assert chips(NO_QUESTION | {"mode": "keyword"}) == []  # no text to search for


@pytest.mark.parametrize(
    ("filters", "sentence"),
    [
        (Filters(("Audio",)), "There is nothing in Audio."),
        (Filters(("Audio", "")), "There is nothing in Audio or No category."),
        (Filters(("Audio",), 99), "Nothing in Audio costs $99.00 or more."),
        (Filters(("Audio",), None, 9), "Nothing in Audio costs $9.00 or less."),
        (Filters(("Audio",), 1, 9), "Nothing in Audio costs from $1.00 to $9.00."),
        (Filters((), 99), "Nothing costs $99.00 or more."),
        (Filters((), None, 9), "Nothing costs $9.00 or less."),
        (Filters((), 1, 9), "Nothing costs from $1.00 to $9.00."),
    ],
)
def test_a_filter_without_result_says_which(filters, sentence):
    assert nothing_passes(filters) == sentence
