from datetime import timedelta

import pytest
from django.utils import timezone

from products.models import Synonym
from products.search_log.period import Period
from products.search_log.reformulations import Reformulation, reformulations
from tests.search_log.logs import clicked, searched

pytestmark = pytest.mark.django_db

START = timezone.now() - timedelta(hours=1)


def tried(visitor, *steps, opened=True, pause=60, each=False):
    """A visitor searches for one text after the other, and opens what the last found.

    each: whether they open what each of them found.
    """
    for number, text in enumerate(steps):
        search = searched(
            text,
            visitor=visitor,
            skus=["sku"],
            timestamp=START + timedelta(seconds=number * pause),
        )
        if each or (opened and text == steps[-1]):
            clicked(search, "sku", 1)


def found():
    return reformulations(Period.last())


def test_a_search_given_up_by_two_visitors_is_a_pair():
    tried("anna", "Settee", "sofa")
    tried("bert", "settee", "sofa")
    tried("cleo", "couch", "sofa")  # nobody else did

    assert found() == [Reformulation("settee", "sofa", 2)]
    assert found()[0].words == "settee, sofa"


@pytest.mark.parametrize(
    "steps",
    [("lamp", "desk lamp"), ("desk lamp", "lamp"), ("lam", "lamp"), ("lamp", "lamp")],
    ids=["narrower", "wider", "half-typed", "again"],
)
def test_what_is_said_more_exactly_is_no_pair(steps):
    for visitor in ("anna", "bert"):
        tried(visitor, *steps)

    assert found() == []


def test_without_a_click_nothing_was_found():
    for visitor in ("anna", "bert"):
        tried(visitor, "settee", "sofa", opened=False)

    assert found() == []


def test_a_first_search_with_a_click_was_not_given_up():
    for visitor in ("anna", "bert"):
        tried(visitor, "settee", "sofa", each=True)

    assert found() == []


def test_after_five_minutes_it_is_another_matter():
    for visitor in ("anna", "bert"):
        tried(visitor, "settee", "sofa", pause=301)

    assert found() == []


def test_synonyms_are_not_suggested_again():
    for visitor in ("anna", "bert"):
        tried(visitor, "settee", "sofa")
    Synonym.objects.create(words=["Sofa", "settee"])

    assert found() == []
