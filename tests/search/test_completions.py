"""What a half typed text may become."""

import pytest
from django.db import connection

from products.models import Product
from products.search.completions import (
    MOST_CATEGORIES,
    MOST_PRODUCTS,
    MOST_QUERIES,
    Completions,
    completions,
    examples,
    named_beginning,
)
from tests.factory import make_product

pytestmark = pytest.mark.django_db


def names(text):
    return [product.name for product in completions(text).products]


@pytest.mark.usefixtures("samples")
@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("headph", ["Wireless Bluetooth Headphones"]),
        ("RUNNING sh", ["Running Shoes", "Trail Running Shoes"]),
        ("runn", ["Running Shoes", "Trail Running Shoes"]),
        ("runni", ["Running Shoes", "Trail Running Shoes"]),
        ("shoes tr", ["Trail Running Shoes"]),
        ("a", []),
        ("len", []),  # the index on the names has "length 3" besides their words
        ("comfortable", []),  # of a description
        ("zzzz", []),
    ],
)
def test_products_are_those_whose_names_have_words_that_begin_so(typed, found):
    assert names(typed) == found


@pytest.mark.parametrize(
    ("typed", "texts"),
    [
        ("Red l", ["red lamp", "red lantern"]),
        ("red lamp", ["red lampshade"]),
        ("red ", []),
        ("green l", []),
    ],
)
def test_the_last_word_is_completed_by_the_names_that_are_found(typed, texts):
    for name in ("Red lamp", "Lamp, red", "Red Lantern", "Green shade"):
        make_product(name=name)
    if typed == "red lamp":
        make_product(name="Red lampshade")

    assert completions(typed).queries == texts


def test_categories_are_those_with_words_that_begin_so_the_largest_first():
    for category in ("Home audio", "Home", "Home", "Audio"):
        make_product(category=category)

    assert completions("ho").categories == [("Home", 2), ("Home audio", 1)]
    assert completions("audio h").categories == [("Home audio", 1)]


def test_a_word_of_the_description_is_none_of_the_name():
    make_product(name="Lamp", description="Of great length.")

    assert names("len") == []


def test_a_name_that_begins_so_comes_first_then_the_shortest():
    for name in ("A big lamp", "Lamp for a desk", "Lamp"):
        make_product(name=name)

    assert names("lam") == ["Lamp", "Lamp for a desk", "A big lamp"]


def test_no_list_is_longer_than_its_bound():
    for number in range(10):
        letter = "abcdefghij"[number]
        make_product(name=f"Lamp lam{letter}", category=f"Lamps {number}")

    found = completions("la")

    assert len(found.queries) == MOST_QUERIES
    assert len(found.categories) == MOST_CATEGORIES
    assert len(found.products) == MOST_PRODUCTS


@pytest.mark.usefixtures("samples")
@pytest.mark.parametrize(
    "typed",
    ["", "  ", "\0", "head\0", "x" * 1001, "-wireless headph", '"wireless headph"'],
)
def test_nothing_completes_what_is_no_beginning(typed, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert completions(typed) == Completions()


@pytest.mark.usefixtures("samples")
@pytest.mark.parametrize(
    "typed", ["''", "a' | 'b", "\\\\", "ab:*", "%%", "靴靴", "🎧🎧"]
)
def test_signs_are_no_failure(typed):
    assert not completions(typed).products


@pytest.mark.usefixtures("samples", "broken_model")
def test_a_key_takes_two_statements_and_no_model(django_assert_num_queries):
    with django_assert_num_queries(2):
        assert len(completions("wireless headph")) == 2


@pytest.mark.usefixtures("samples")
def test_names_are_found_by_their_index():
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
    plan = named_beginning(["wireless"]).explain()

    assert "products_name_words_idx" in plan


def test_examples_are_products_of_the_largest_categories():
    for name, category, price in [
        ("Bag", "Computers", 20),
        ("Gaming Laptop with a very long name", "Computers", 900),
        ("Mug", "Home", 5),
    ]:
        make_product(name=name, category=category, price=price)

    assert examples() == ["Gaming Laptop with a", "Mug"]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("A lamp", ["A lamp"]),
        ("Extraordinarily bright incomprehensibilities", ["Extraordinarily bright"]),
        ("x" * 41, []),
    ],
    ids=["short", "long", "one long word"],
)
def test_examples_are_short(name, shown):
    make_product(name=name)

    assert examples() == shown


def test_examples_are_read_once(django_assert_num_queries):
    make_product(name="Mug")
    examples()
    Product.objects.all().delete()

    with django_assert_num_queries(0):
        assert examples() == ["Mug"]


def test_an_empty_catalogue_has_no_examples_until_it_is_filled():
    assert examples() == []

    make_product(name="Mug")

    assert examples() == ["Mug"]
