"""The reports from the vectors: in steps, bounded, without what is settled."""

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction

from products.insight import reports
from products.insight.reports import near_duplicates, odd_categories
from products.models import NotDuplicate, Product
from tests.factory import axis, make_product, near

pytestmark = pytest.mark.django_db


def settle(one, other):
    return NotDuplicate.objects.settle(one, other, user=None)


def pairs_of(page):
    return [{pair.product.name, pair.other.name} for pair in page.findings]


@pytest.fixture
def lamps():
    """Three products in a row: at 0.01 and 0.02 from the first."""
    return [
        make_product(name="First", embedding=axis(0)),
        make_product(name="Second", embedding=near(0.01, towards=1)),
        make_product(name="Third", embedding=near(0.02, towards=2)),
    ]


@pytest.mark.parametrize("turned", [False, True], ids=["in order", "turned round"])
def test_a_settled_pair_is_left_out_and_the_next_nearest_comes(lamps, turned):
    first, second, third = lamps
    assert pairs_of(near_duplicates()) == [{"First", "Second"}, {"First", "Third"}]

    settle(*((second, first) if turned else (first, second)))

    # The second one's nearest is now the third, at about 0.03.
    assert pairs_of(near_duplicates()) == [{"First", "Third"}, {"Second", "Third"}]
    settle(first, third)
    settle(second, third)
    assert near_duplicates().findings == []


def test_a_pair_is_settled_once_however_often_it_is_said(lamps, django_user_model):
    first, second, _ = lamps
    clerk = django_user_model.objects.create(username="clerk")

    pair = NotDuplicate.objects.settle(second, first, user=clerk)
    again = settle(first, second)

    assert (again, again.user) == (pair, clerk)
    assert (pair.product, pair.other) == (first, second)
    assert str(pair) == "First / Second"


def test_a_product_is_no_pair(lamps):
    with pytest.raises(ValueError, match="First cannot be paired with itself"):
        settle(lamps[0], lamps[0])

    with pytest.raises(IntegrityError), transaction.atomic():
        NotDuplicate.objects.create(product=lamps[1], other=lamps[0])


def test_a_pair_goes_with_its_product_also_by_sql(lamps):
    first, second, third = lamps
    settle(first, second)
    settle(second, third)

    with connection.cursor() as cursor:  # as an import with --delete-missing does
        cursor.execute("DELETE FROM products WHERE id = %s", [first.pk])
    assert [str(pair) for pair in NotDuplicate.objects.all()] == ["Second / Third"]
    third.delete()
    assert not NotDuplicate.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_pair_with_a_product_that_is_gone_is_refused(lamps):
    first, second, _ = lamps
    Product.objects.filter(pk=second.pk).delete()

    with pytest.raises(IntegrityError):
        settle(first, second)


def test_the_migration_can_be_undone(lamps):
    call_command("migrate", "products", "0006", verbosity=0)
    call_command("migrate", "products", verbosity=0)

    settle(*lamps[:2])
    assert pairs_of(near_duplicates())[0] == {"First", "Third"}


@pytest.mark.parametrize("report", [near_duplicates, odd_categories])
def test_a_page_ends_when_its_time_is_over(report, monkeypatch):
    products = [make_product() for _ in range(5)]
    monkeypatch.setattr(reports, "CHUNK_PRODUCTS", 2)
    times = iter([0.0, 0.5, 0.9, 1.0])  # the start, then before each two products
    monkeypatch.setattr(reports.time, "monotonic", lambda: next(times))

    page = report()

    assert (page.looked_at, page.last, page.left) == (4, products[3].pk, 1)
    monkeypatch.setattr(reports.time, "monotonic", lambda: 0.0)
    rest = report(after=page.last)
    assert (rest.looked_at, rest.last, rest.left) == (1, None, 0)


@pytest.mark.parametrize("report", [near_duplicates, odd_categories])
def test_a_full_page_with_nothing_left_is_the_last(report):
    for _ in range(2):
        make_product()

    page = report(limit=2)

    assert (page.looked_at, page.last, page.left) == (2, None, 0)


def test_the_products_that_are_left_are_counted_up_to_a_bound(monkeypatch):
    monkeypatch.setattr(reports, "MAX_LEFT", 2)
    for _ in range(5):
        make_product()

    assert near_duplicates(limit=1).left == 2
