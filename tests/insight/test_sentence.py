"""One plain sentence says what a search did."""

from dataclasses import replace

import pytest
from django.http import QueryDict

from products.forms import SearchForm
from products.insight import explanation
from products.insight.explanation import explain
from products.insight.sentence import what_was_listed
from products.models import Product
from products.sql.watch import Scan
from tests.factory import axis, make_product, near

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop():
    for n, name in enumerate(["Red lamp", "Lamp", "Sofa"], start=1):
        Product(name=name, category="Home", price=50 * n).save()


def question(query):
    form = SearchForm(QueryDict(query))
    assert form.is_valid(), form.errors
    return form.question()


def sentence(query):
    return explain(question(query)).summary


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("", "VectorShop read the products and listed 3 of them."),
        (
            "max_price=100",
            "VectorShop read the products up to $100.00 and listed 2 of them.",
        ),
        (
            "q=lamp&max_price=100",
            "VectorShop compared all 2 products up to $100.00 with your words and "
            "listed the 2 that are near enough or have your words, the best of both "
            "first.",
        ),
        (
            "q=lamp&min_price=100&max_price=100",
            "VectorShop compared the only product from $100.00 to $100.00 with your "
            "words and listed the one that is near enough or has your words.",
        ),
        (
            "q=lamp&mode=semantic&category=Home",
            "VectorShop compared all 3 products of Home with the meaning of your words "
            "and listed the 2 that are near enough, the nearest first.",
        ),
        (
            "q=lamp+-red&mode=keyword",
            "VectorShop looked in the products without “red” for your words and listed "
            "the one that has any.",
        ),
        (
            "q=lamp&mode=semantic&category=Garden",
            "VectorShop could compare no product of Garden with the meaning of your "
            "words and found none to list.",
        ),
        (
            "q=chair&mode=keyword&literal=chair",
            "VectorShop looked in the products for your words and found none to list.",
        ),
    ],
)
def test_what_was_compared_and_listed_is_one_sentence(query, says):
    assert sentence(query) == says


def test_examples_are_named():
    one, other, bad = (
        make_product(name=name, embedding=axis(n))
        for n, name in enumerate(["Lamp", "Candle", "Sofa"])
    )
    for n in (1, 2):
        make_product(embedding=near(0.1 * n))

    assert sentence(f"like={one.pk}").startswith(
        "VectorShop compared all 4 products with “Lamp” and listed the nearest 4"
    )
    assert sentence(f"like={one.pk}&like={other.pk}&unlike={bad.pk}&diversity=0.5") == (
        "VectorShop compared all 2 products with “Candle and Lamp” and the opposite of "
        "“Sofa”, listed the nearest 2, the nearest first, and then varied their order."
    )


def test_the_index_is_named_where_postgresql_used_it(monkeypatch):
    one = make_product(name="Lamp", embedding=axis(0))
    make_product(embedding=near(0.1))
    scan = Scan(
        "Index Scan", "products_embedding_idx", rows=1, removed=0, milliseconds=1
    )
    monkeypatch.setattr(explanation, "nearest_scan", lambda record: scan)

    assert sentence(f"like={one.pk}") == (
        "VectorShop had the index look up the products nearest to “Lamp” and listed the "
        "nearest one."
    )


@pytest.mark.usefixtures("shop")
def test_the_parts_of_a_score_add_up():
    [first, *_] = rows = explain(question("q=red+lamp")).hits

    assert first.hit.product.name == "Red lamp"
    for row in rows:
        parts = row.meaning + row.words + row.place_by_words
        assert row.score == pytest.approx(parts, abs=1e-9)
        assert row.score == pytest.approx(row.hit.score, abs=2e-4)
    # 0.2 times the share of its words and its name's score; 0.2 * 20 / 21 for place 1.
    assert first.place_by_words == 0.1905
    assert first.words > 0.2


@pytest.mark.usefixtures("shop")
def test_more_than_were_ranked_are_not_hidden():
    results = explain(question("q=lamp&mode=keyword")).results

    assert (
        what_was_listed(results) == "listed the 2 that have any, the best match first"
    )
    assert what_was_listed(replace(results, more=True)) == (
        "listed the 2 that have any, the best match first; there may be more"
    )
