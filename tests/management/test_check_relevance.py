"""Expectations of a shop, in TOML, against its search."""

import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from tests.factory import axis, make_product, near

SAMPLES = Path(__file__).parents[1] / "relevance.toml"


def run(path, *options):
    out = StringIO()
    try:
        call_command("check_relevance", str(path), *options, stdout=out)
    except CommandError as err:
        return out.getvalue() + str(err), err.returncode
    return out.getvalue(), 0


@pytest.fixture
def written(tmp_path, db):
    """A function that runs the command on a file with this text."""
    make_product(sku="red", name="Red mug", embedding=axis(0))
    make_product(sku="blue", name="Blue mug", embedding=near(0.1))
    make_product(sku="lamp", name="Lamp", embedding=axis(2))

    def run_on(text, *options):
        path = tmp_path / "expected.toml"
        path.write_text(text)
        return run(path, *options)

    return run_on


@pytest.mark.usefixtures("real_model", "samples")
def test_the_samples_are_found_as_expected():
    assert run(SAMPLES) == ("All 16 expectations are met.\n", 0)


def test_what_came_instead_is_said_in_a_line_each(written):
    out, status = written("""
        [[search]]
        text = "mug"
        mode = "keyword"
        first = 2
        has = ["lamp", "blue"]
        not = ["red"]

        [[search]]
        text = "lamp"
        mode = "keyword"
        nothing = true

        [[similar]]
        sku = "red"
        first = 1
        has = ["blue"]
        """)

    assert out.splitlines() == [
        "search 'mug': lamp not in the first 2; red in the first 2. Found: red, blue",
        "search 'lamp': something found. Found: lamp",
        "2 of 3 expectations are not met.",
    ]
    assert status == 1


def test_filters_narrow_what_is_asked(written):
    text = '[[search]]\ntext = "mug"\nmode = "keyword"\nmax_price = 5\nhas = ["red"]'

    out, status = written(text)

    assert "Found: nothing" in out
    assert status == 1


def test_programs_read_json(written):
    text = '[[similar]]\nsku = "red"\nfirst = 1\nhas = ["lamp"]'

    out, status = written(text, "--json")

    read, end = json.JSONDecoder().raw_decode(out)
    assert read == {
        "expectations": 1,
        "failed": 1,
        "answers": [
            {
                "kind": "similar",
                "asked": "red",
                "mode": "hybrid",
                "first": 1,
                "as_expected": False,
                "found": ["blue"],
                "missing": ["lamp"],
                "unwanted": [],
                "notice": "",
            }
        ],
    }
    assert status == 1


def test_all_problems_of_a_file_are_said_at_once(written):
    out, status = written("""
        [[search]]
        text = "mug"
        has = ["nosuch", "red"]

        [[search]]
        has = "red"
        frist = 3

        [[similar]]
        sku = "gone"
        not = ["red", "nosuch"]

        [[search]]
        text = "mug"
        mode = "best"
        first = 0

        [other]
        """)

    for problem in (
        "[other] is not a table",
        "[[search]] number 2: 'frist' is unknown; use text, mode,",
        "[[search]] number 2: has = 'red' is not a list of skus",
        "[[search]] number 2: text is missing",
        "[[search]] number 3: has, not or nothing = true must say what is expected",
        "[[search]] number 3: first must be from 1 to 200",
        "[[search]] number 3: mode = 'best' is not one of hybrid, semantic, keyword",
        "no product has the sku 'nosuch'",
        "no product has the sku 'gone'",
    ):
        assert problem in out
    assert len(out.splitlines()) == 10
    assert status == 2


@pytest.mark.parametrize(
    "text, problem",
    [
        ("[[search]", "cannot be read as TOML"),
        ("", "it expects nothing"),
        ("search = 3", "[search] must be written [[search]]"),
        ("search = [3]", "number 1: must be written [[search]]"),
        ('[[search]]\ntext = " "\nnothing = true', "text = ' ' is not a text"),
        ('[[search]]\ntext = "a"\nfirst = true\nnothing = true', "not a whole number"),
        ('[[search]]\ntext = "a"\nnothing = true\nhas = ["red"]', "contradict"),
        (
            '[[search]]\ntext = "a"\nnothing = true\nmin_price = 3\nmax_price = 2',
            "The lowest price, 3, is above the highest, 2.",
        ),
        (f'[[search]]\ntext = "{"a" * 1001}"\nnothing = true', "1,000"),
    ],
)
def test_a_file_that_cannot_be_asked_is_refused(written, text, problem):
    out, status = written(text)

    assert problem in out
    assert status == 2


def test_a_file_that_is_not_there_is_refused(db):
    assert run("nowhere.toml")[1] == 2
