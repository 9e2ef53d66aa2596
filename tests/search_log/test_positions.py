import pytest
from django.utils import timezone

from products.search_log.period import Period
from products.search_log.positions import PositionClicks, click_through
from tests.search_log.logs import clicked, searched

pytestmark = pytest.mark.django_db


def by_position():
    return click_through(Period.last())


def test_clicks_are_counted_where_their_product_was_shown():
    both = searched("lamp", skus=["a", "b"])
    searched("lamp", skus=["a", "b"], visitor="bert")
    searched("sofa", skus=["c"])
    clicked(both, "b", 2)

    assert by_position() == [PositionClicks(1, 3, 0), PositionClicks(2, 2, 1)]
    assert [place.rate for place in by_position()] == [0, 0.5]


def test_the_second_page_has_places_of_its_own():
    clicked(searched("lamp", skus=["y", "z"], first_position=25), "z", 26)

    assert by_position() == [PositionClicks(25, 1, 0), PositionClicks(26, 1, 1)]


@pytest.mark.parametrize(
    ("sku", "position", "visitor"),
    [("b", 1, "anna"), ("a", 2, "anna"), ("a", 1, "bert"), ("a", 99, "anna")],
    ids=["other-product", "other-place", "shared-address", "far-away"],
)
def test_a_click_that_the_search_did_not_offer_counts_for_nothing(
    sku, position, visitor
):
    search = searched("lamp", skus=["a", "b"])
    clicked(search, sku, position, visitor=visitor)

    assert sum(place.clicks for place in by_position()) == 0


def test_only_the_period_counts():
    now = timezone.now()
    searched("lamp", skus=["a"])

    assert click_through(Period(now, now)) == []
