"""One search in many is asked again: what is kept of it, and what comes of it."""

from datetime import timedelta

import pytest
from django.db import OperationalError
from django.utils import timezone

from products.embeddings import get_backend
from products.models import Product, RecallSample
from products.watching import recall_samples
from products.watching.recall_samples import ask_again, sampled_recall
from tests.factory import axis, make_product, near

pytestmark = pytest.mark.django_db


@pytest.fixture
def sampled(settings, client):
    """A client of a shop that keeps every search."""
    settings.RECALL_SAMPLE = 1
    settings.MIDDLEWARE = [
        "products.watching.recall_samples.SamplingMiddleware",
        *settings.MIDDLEWARE,
    ]
    yield client
    recall_samples.searched.disconnect(dispatch_uid="recall")
    recall_samples.request_finished.disconnect(dispatch_uid="recall")


def make_sample(filters=None, **asked):
    none = {"categories": [], "min_price": None, "max_price": None}
    return RecallSample.objects.create(
        fingerprint=get_backend().fingerprint,
        question={**none, **asked, **(filters or {})},
    )


# What is kept


def test_the_vector_of_a_text_is_kept_and_not_the_text(sampled):
    make_product(name="Lamp", category="Home")

    sampled.get("/?q=lamp&category=Home&max_price=50")

    [sample] = RecallSample.objects.all()
    asked = sample.question
    assert asked.pop("vector") == pytest.approx(get_backend().embed(["lamp"])[0])
    assert asked == {"categories": ["Home"], "min_price": None, "max_price": "50"}
    assert sample.fingerprint == get_backend().fingerprint


def test_the_id_of_an_example_is_kept(sampled):
    product = make_product()

    sampled.get(product.get_absolute_url())

    [sample] = RecallSample.objects.all()
    assert sample.question["product"] == product.pk


@pytest.mark.parametrize(
    "query",
    ["", "q=lamp&mode=keyword", "q=lamp+-red", 'q="red+lamp"'],
    ids=["a listing", "words", "without a word", "a phrase"],
)
def test_what_no_index_answers_alone_is_not_kept(sampled, query):
    make_product(name="Lamp")

    sampled.get(f"/?{query}")

    assert not RecallSample.objects.exists()


def test_one_in_so_many_is_kept(sampled, settings, monkeypatch):
    settings.RECALL_SAMPLE = 3
    make_product(name="Lamp")
    drawn = iter([1, 0, 2])
    monkeypatch.setattr(recall_samples.random, "randrange", lambda stop: next(drawn))

    for _ in range(3):
        sampled.get("/?q=lamp")

    assert RecallSample.objects.count() == 1


def test_no_more_wait_than_there_is_room_for(sampled, monkeypatch):
    monkeypatch.setattr(recall_samples, "MOST_WAITING", 2)
    make_product(name="Lamp")

    for _ in range(4):
        sampled.get("/?q=lamp")

    assert RecallSample.objects.count() == 2


def test_a_search_is_answered_though_its_sample_cannot_be_stored(
    sampled, monkeypatch, caplog
):
    def refuse(self, **kwargs):
        raise OperationalError("read-only")

    monkeypatch.setattr(RecallSample, "save", refuse)
    make_product(name="Lamp")

    assert sampled.get("/?q=lamp").status_code == 200
    assert "cannot be stored: read-only" in caplog.text


def test_nothing_is_kept_by_default(client):
    make_product(name="Lamp")

    client.get("/?q=lamp")

    assert not RecallSample.objects.exists()


# What comes of it


@pytest.fixture
def ten():
    """Eleven products, at growing distances from axis(0)."""
    return [make_product(embedding=near(0.01 * number)) for number in range(11)]


def test_what_the_shop_finds_is_compared_with_the_true_ten(ten, monkeypatch):
    make_sample(vector=axis(0))

    found = type("Near", (), {"looked_at": [hit(product) for product in ten[3:]]})
    monkeypatch.setattr(recall_samples, "nearest_products", lambda *args: found)
    assert ask_again(using="default") == 1

    [sample] = RecallSample.objects.all()
    assert sample.recall == 0.7
    assert (sample.passing, sample.question) == ("all", None)


def hit(product):
    return type("Candidate", (), {"pk": product.pk})


def test_the_neighbours_of_a_product_are_asked_for_without_itself(ten):
    make_sample(product=ten[0].pk)

    assert ask_again(using="default") == 1
    assert RecallSample.objects.get().recall == 1.0


@pytest.mark.parametrize(
    ("most", "passing"),
    [("1", "to_10_percent"), ("5", "to_50_percent"), ("6", "over_50_percent")],
)
def test_the_samples_are_told_apart_by_what_their_filter_keeps(most, passing):
    for price in range(1, 11):
        make_product(price=price, embedding=near(0.05 * price))
    make_sample({"max_price": most}, vector=axis(0))

    ask_again(using="default")

    assert RecallSample.objects.get().passing == passing
    assert sampled_recall(using="default") == {passing: (1.0, 1)}


def test_what_finds_nothing_measures_nothing():
    product = make_product()
    make_sample(product=product.pk)
    make_sample(product=product.pk + 1)  # deleted meanwhile

    assert ask_again(using="default") == 0
    assert not RecallSample.objects.exists()


def test_samples_of_another_recipe_and_of_yesterday_are_dropped(ten):
    RecallSample.objects.create(fingerprint="another/384/0", question={})
    old = RecallSample.objects.create(fingerprint="any", recall=0.5, passing="all")
    RecallSample.objects.filter(pk=old.pk).update(
        asked_at=timezone.now() - timedelta(hours=25)
    )
    RecallSample.objects.create(fingerprint="any", recall=0.9, passing="all")

    ask_again(using="default")

    assert sampled_recall(using="default") == {"all": (0.9, 1)}
    assert RecallSample.objects.count() == 1


def test_the_worker_stops_asking_in_time(ten):
    for _ in range(3):
        make_sample(vector=axis(0))

    assert ask_again(using="default", seconds=0) == 0
    assert RecallSample.objects.filter(recall=None).count() == 3
    assert Product.objects.count() == 11


@pytest.mark.parametrize("header", ["DNT", "Sec-GPC"])
def test_who_does_not_want_to_be_tracked_is_not_sampled(sampled, header):
    address = make_product().get_absolute_url()

    sampled.get(address, headers={header: "1"})
    assert not RecallSample.objects.exists()

    sampled.get(address, headers={header: "0"})
    assert RecallSample.objects.count() == 1
