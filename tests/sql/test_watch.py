"""What runs is recorded: each statement with its name, its values and its scan."""

import pytest
from django.db import connection

from products.search import search
from products.search.steps import Step
from products.sql.watch import named, recorded, watched
from tests.factory import axis, make_product, near


@pytest.mark.django_db
def test_a_statement_has_the_innermost_name_and_its_values():
    @named("inner")
    def ask():
        with connection.cursor() as cursor:
            cursor.execute("SELECT %s", ["it's"])

    with recorded(using="default") as record:
        ask()
        with named("outer"):
            ask()
            connection.cursor().execute("SELECT 1")

    assert [(s.name, s.params) for s in record.statements] == [
        ("inner", ["it's"]),
        ("inner", ["it's"]),
        ("outer", None),
    ]


@pytest.mark.django_db
def test_the_statements_of_a_search_say_what_they_are_for():
    make_product(name="Lamp", embedding=axis(0))
    make_product(name="Lamp shade", category="Home", embedding=near(0.2))

    def steps(*args, **kwargs):
        with watched(using="default") as record:
            search(*args, **kwargs)
        names = list(dict.fromkeys(s.name for s in record.statements))
        # Whether these are asked for depends on what the process knows already.
        return [name for name in names if name not in (Step.RECIPE, Step.WRITTEN)]

    assert steps() == ["listing"]
    assert steps("lamp", mode="keyword") == [
        Step.WORDS,
        Step.WITH_WORD,
        Step.SKU,
        Step.PRODUCTS,
    ]
    assert steps("lamp", diversity=0.5) == [
        Step.WORDS,
        Step.WITH_WORD,
        Step.NEAREST,
        Step.COUNT,
        Step.VARIETY,
        Step.SKU,
        Step.PRODUCTS,
    ]


@pytest.mark.django_db
def test_what_compares_vectors_comes_with_the_scan_that_postgresql_made():
    lamp = make_product(embedding=axis(0))
    make_product(embedding=near(0.2))
    make_product(embedding=near(0.4))

    with watched(using="default") as record:
        search(like=[lamp])

    scans = {s.name: s.scan for s in record.statements}
    assert scans.keys() == {Step.NEAREST, Step.COUNT}
    assert (scans[Step.NEAREST].node, scans[Step.NEAREST].rows) == ("Seq Scan", 2)
    assert scans[Step.COUNT] is None
