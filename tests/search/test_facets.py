"""How many products each category has."""

from decimal import Decimal

import pytest

from products.search import Filters, facets
from products.search.facets import category_counts
from tests.factory import make_product


@pytest.mark.django_db
def test_categories_are_counted_within_the_prices_largest_first():
    for cost, category in [(1, "B"), (1, "A"), (1, "B"), (9, "C")]:
        make_product(price=cost, category=category)

    counts = category_counts(Filters(max_price=Decimal(5), categories=("A",)))

    assert counts == [("B", 2), ("A", 1)]


@pytest.mark.django_db
def test_a_large_catalogue_is_counted_once(monkeypatch, django_assert_num_queries):
    monkeypatch.setattr(facets, "LARGE", 1)
    filters = Filters(max_price=Decimal("123.45"))
    for _ in range(2):
        make_product(category="A")
    category_counts(filters)

    with django_assert_num_queries(0):
        assert category_counts(filters) == [("A", 2)]


@pytest.mark.django_db
def test_many_small_categories_are_counted_once_too(
    monkeypatch, django_assert_num_queries
):
    monkeypatch.setattr(facets, "LARGE", 11)
    for number in range(12):
        make_product(category=f"C{number}")
    counts = category_counts(Filters())

    with django_assert_num_queries(0):
        assert category_counts(Filters()) == counts
    assert len(counts) == 12


@pytest.mark.django_db
def test_the_price_range_is_that_of_all_products():
    assert facets.price_range() is None

    for cost in ("5.50", "1200", "20"):
        make_product(price=cost)

    assert facets.price_range() == (Decimal("5.50"), Decimal(1200))


@pytest.mark.django_db
def test_the_price_range_of_a_large_catalogue_is_read_once(
    monkeypatch, django_assert_num_queries
):
    monkeypatch.setattr(facets, "LARGE", 0)
    make_product(price=3)
    with django_assert_num_queries(1):
        facets.price_range()

    with django_assert_num_queries(0):
        assert facets.price_range() == (3, 3)
