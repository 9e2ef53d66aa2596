"""The histogram of distances, and the dial."""

import pytest

from products.insight.spread import catalogue_spread, on_dial
from tests.factory import axis, make_product, near


@pytest.mark.django_db
def test_each_pair_is_counted_by_its_distance():
    make_product()
    make_product(embedding=near(0.52))
    make_product(embedding=[-number for number in axis(0)])

    spread = catalogue_spread()

    # 0.52 stands in the bin from 0.50, 1.48 in that from 1.45; 2 is in the last one.
    assert spread.bars == [(10, 100), (29, 100), (39, 100)]
    assert (spread.products, spread.pairs) == (3, 3)
    assert spread.median == pytest.approx(1.48, abs=1e-6)
    assert spread.nearer(0.5) == 0
    assert spread.nearer(1) == pytest.approx(1 / 3)


@pytest.mark.django_db
def test_equal_products_are_at_distance_0():
    make_product(embedding=near(0.3))
    make_product(embedding=near(0.3))

    assert catalogue_spread().bars == [(0, 100)]


@pytest.mark.django_db
def test_fewer_than_two_products_have_no_spread():
    make_product()
    make_product(embedding=None)

    assert catalogue_spread() is None


@pytest.mark.django_db
def test_it_is_measured_once(monkeypatch):
    make_product()
    make_product()
    first = catalogue_spread()
    monkeypatch.setattr("products.insight.spread.measured", None)

    assert catalogue_spread() == first


def test_the_dial_goes_from_left_to_right():
    assert on_dial(0, 100) == (-100, 0)
    assert on_dial(1, 100) == (0, -100)
    assert on_dial(2, 100) == (100, 0)
