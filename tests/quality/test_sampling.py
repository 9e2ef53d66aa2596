"""Some products by chance, however large the catalogue is."""

import pytest
from django.db import DEFAULT_DB_ALIAS

from products.models import Product
from products.quality.sampling import TRIED, some_ids
from tests.factory import make_product

pytestmark = pytest.mark.django_db


def sample(count):
    return some_ids(count, using=DEFAULT_DB_ALIAS)


def test_no_products_are_no_sample():
    make_product(embedding=None)

    assert sample(3) == []


def test_fewer_products_are_all_of_them():
    pks = {make_product().pk for _ in range(3)}
    make_product(embedding=None)
    make_product(fingerprint="other/384/0")

    assert set(sample(5)) == pks


def test_the_sample_is_the_same_every_time_and_has_none_twice():
    pks = [make_product().pk for _ in range(60)]

    first = sample(10)

    assert first == sample(10)
    assert len(set(first)) == 10
    assert set(first) <= set(pks)
    assert first != pks[:10]


def test_where_most_ids_are_unused_the_first_make_up_the_rest():
    pks = [make_product().pk for _ in range(4)]
    Product.objects.filter(pk=pks[-1]).update(id=pks[0] + 1000 * TRIED)

    assert set(sample(3)) >= {pks[0], pks[1]}
    assert len(sample(3)) == 3
