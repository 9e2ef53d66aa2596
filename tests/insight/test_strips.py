"""Embeddings as strips of colour."""

import pytest

from products.insight.strips import COLUMNS, choices, pair_of, strip
from products.samples import load
from tests.factory import axis, make_product, near


def cells(strip):
    return {level: path.count("M") for level, path in strip.paths.items()}


def test_each_number_is_a_cell_of_its_shade():
    numbers = [0.15, 0.9, 0.04, 0, -0.04, -0.15]

    assert cells(strip(numbers, 0.15)) == {-4: 1, -1: 1, 0: 1, 1: 1, 4: 2}


def test_cells_stand_row_by_row():
    numbers = [0.0] * COLUMNS + [1.0]

    assert strip(numbers, 0.15).paths[4] == "M0 10h9v9h-9z"


@pytest.mark.django_db
def test_a_pair_has_the_similarity_of_its_numbers():
    pair = pair_of(make_product(), make_product(embedding=near(0.25)))

    assert pair.similarity == pytest.approx(0.75)
    assert pair.distance == pytest.approx(0.25)
    assert cells(pair.strips[0]) == {0: 383, 4: 1}
    assert cells(pair.strips[1]) == {0: 382, 4: 2}
    assert cells(pair.together) == {0: 383, 4: 1}


@pytest.mark.django_db
def test_vectors_of_another_length_are_compared_by_their_direction():
    long = [3 * number for number in axis(0)]

    assert pair_of(make_product(embedding=long), make_product()).similarity == 1


@pytest.mark.django_db
def test_what_has_no_embedding_is_no_pair():
    assert pair_of(make_product(), make_product(embedding=None)) is None


@pytest.mark.django_db
def test_the_choices_are_few_and_have_the_chosen_ones(django_assert_num_queries):
    many = [make_product(name=f"Thing {number:02}") for number in range(50)]

    with django_assert_num_queries(2):
        offered = choices(many[-1])

    names = [product.name for product in offered]
    assert names == [*(f"Thing {number:02}" for number in range(40)), "Thing 49"]


@pytest.mark.django_db
@pytest.mark.usefixtures("real_model")
def test_the_labs_own_products_come_first():
    for number in range(50):
        make_product(name=f"Thing {number}")
    load("ten")

    names = [product.name for product in choices()]

    assert "Yoga Mat" in names
    assert len(names) == 40
