"""The one measurement of recall: what was found, beside the exact answers."""

import pytest

from products.quality import recall
from products.quality.recall import Answers, SearchRecall, ask, search_recall
from products.querysets import ProductQuerySet
from tests.factory import make_product, near


def test_recall_is_the_mean_over_the_samples_that_have_an_answer():
    exact = Answers([[1, 2], [3], []], [1.0, 1.0, 1.0])
    found = Answers([[2, 9], [3], [7]], [1.0, 1.0, 1.0])

    assert found.recall(exact) == 0.75
    assert Answers([[1], [3], []], [1.0] * 3).full(exact) == 0.5


def test_where_nothing_is_there_nothing_is_missed():
    nothing = Answers([[]], [1.0])

    assert nothing.recall(nothing) == nothing.full(nothing) == 1.0


def test_look_ups_are_asked_in_order():
    answers = ask([lambda: [1], lambda: [2, 3]])

    assert answers.found == [[1], [2, 3]]
    assert len(answers.times) == 2
    assert answers.milliseconds >= 0


# The recall of the search


@pytest.mark.django_db
def test_a_search_that_finds_one_of_two_neighbours_has_half_the_recall(monkeypatch):
    products = [make_product(embedding=near(0.1 * number)) for number in range(3)]
    monkeypatch.setattr(recall, "random_products", lambda count: products[:2])
    similar_to = ProductQuerySet.similar_to

    def miss_one(queryset, product, exact=False):
        found = similar_to(queryset, product, exact=exact)
        return found if exact else found.exclude(pk=products[2].pk)

    monkeypatch.setattr(ProductQuerySet, "similar_to", miss_one)

    assert search_recall(seconds=60) == SearchRecall(recall=0.5, asked=2)


@pytest.mark.django_db
def test_measuring_ends_when_its_time_is_over():
    make_product()
    make_product(embedding=near(0.1))

    assert search_recall(seconds=0) == SearchRecall(recall=1.0, asked=1)


@pytest.mark.django_db
def test_without_embedded_products_there_is_no_recall():
    make_product(embedding=None)

    assert search_recall(seconds=60) is None
