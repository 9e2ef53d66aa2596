"""Products side by side."""

from decimal import Decimal

import pytest

from products.search.nearness import Nearness
from products.search.side_by_side import side_by_side
from tests.factory import make_product, near

pytestmark = pytest.mark.django_db


def test_each_product_is_compared_with_the_first(django_assert_num_queries):
    # The floor is 0.2: from there to 1 a similarity of 0.75 is beyond half of the way,
    # one of 0.3 before the first quarter.
    lamp = make_product(name="Lamp", category="Home", price="20.00")
    torch = make_product(category="Home", price="25.50", embedding=near(0.25))
    candle = make_product(category="Gifts", price="20.00", embedding=near(0.7))

    with django_assert_num_queries(2):
        columns = side_by_side([lamp.pk, torch.pk, candle.pk])

    assert [column.product for column in columns] == [lamp, torch, candle]
    assert [column.dearer for column in columns] == [0, Decimal("5.50"), 0]
    assert [column.other_category for column in columns] == [False, False, True]
    assert [column.is_first for column in columns] == [True, False, False]
    assert columns[0].near is None
    assert columns[1].near.words == Nearness.VERY
    assert columns[2].near.words == Nearness.LOOSE


def test_the_order_is_that_of_the_ids():
    first, second = make_product(), make_product()

    columns = side_by_side([second.pk, first.pk])

    assert [column.product for column in columns] == [second, first]


@pytest.mark.parametrize(
    "other", [{"embedding": None}, {"fingerprint": "another"}], ids=["none", "another"]
)
@pytest.mark.parametrize("first", [True, False], ids=["first", "second"])
def test_without_vectors_of_one_recipe_nothing_is_near(other, first):
    pks = [make_product().pk, make_product(**other).pk]

    columns = side_by_side(pks if first else pks[::-1])

    assert [column.near for column in columns] == [None, None]


def test_ids_of_no_product_are_left_out():
    product = make_product()

    columns = side_by_side([10**18, product.pk])

    assert [column.product for column in columns] == [product]
    assert columns[0].is_first
    assert side_by_side([]) == []


def test_five_are_too_many():
    with pytest.raises(ValueError, match="at most 4"):
        side_by_side([1, 2, 3, 4, 5])
