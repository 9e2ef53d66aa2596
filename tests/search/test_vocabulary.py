"""The words of the catalogue, and how long they are kept."""

import threading

import pytest

from products.models import Product
from products.search import vocabulary
from products.search.spelling import Vocabulary
from products.search.vocabulary import Kept, most_frequent
from products.turns import BusyError

pytestmark = pytest.mark.django_db


def add(*names, category=""):
    Product.objects.bulk_create(
        Product(sku=name, name=name, category=category, price=1) for name in names
    )


def words():
    return dict(vocabulary.vocabulary("default").counts)


@pytest.fixture
def clock(monkeypatch):
    """The time in seconds, which stands still until a test moves it."""
    now = [1_000.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    return now


def test_the_words_of_names_and_categories_are_counted():
    add("Red Lamp", "red DS-7608 HDMI/DVI", "Écouteurs 17,3 in", category="Home")

    assert words() == {
        "red": 2,
        "home": 3,
        "lamp": 1,
        "hdmi": 1,
        "dvi": 1,
        "écouteurs": 1,
    }


def test_a_word_with_something_else_than_letters_is_no_word():
    assert most_frequent([("Sony™", 3), ("a_b", 2), ("Sony", 2), ("SONY", 1)]) == {
        "sony": 3
    }


def test_among_many_words_one_that_stands_once_is_left_out(monkeypatch):
    monkeypatch.setattr(vocabulary, "SMALL", 2)

    assert most_frequent([("adapter", 2), ("adpater", 1)]) == {
        "adapter": 2,
        "adpater": 1,
    }
    assert most_frequent([("adapter", 2), ("cable", 2), ("adpater", 1)]) == {
        "adapter": 2,
        "cable": 2,
    }


def test_the_most_frequent_words_are_kept(monkeypatch):
    monkeypatch.setattr(vocabulary, "MOST", 1)

    assert most_frequent([("cable", 1), ("lamp", 4)]) == {"lamp": 4}


def test_the_words_are_read_again_when_they_are_old(clock, monkeypatch):
    def read_for_two_seconds(*args, **kwargs):
        clock[0] += 2
        return [("lamp", 1)]

    monkeypatch.setattr(vocabulary, "rows_within", read_for_two_seconds)

    first = vocabulary.vocabulary("default")
    clock[0] += 199  # less than a hundred times as long

    assert vocabulary.vocabulary("default") is first

    clock[0] += 1

    assert vocabulary.vocabulary("default") is not first


def test_the_words_are_kept_for_ten_minutes_at_most(clock, monkeypatch):
    def read_for_a_minute(*args, **kwargs):
        clock[0] += 60
        return [("lamp", 1)]

    monkeypatch.setattr(vocabulary, "rows_within", read_for_a_minute)

    first = vocabulary.vocabulary("default")
    clock[0] += 600

    assert vocabulary.vocabulary("default") is not first


def test_others_go_on_with_the_old_words_while_one_thread_reads(monkeypatch):
    old = Vocabulary({"lamp": 1})
    vocabulary.KEPT["default"] = Kept(old, until=0.0)
    waits = []

    def busy(*, seconds):
        waits.append(seconds)
        raise BusyError

    monkeypatch.setattr(vocabulary.TURNS, "taken", busy)

    assert vocabulary.vocabulary("default") is old
    assert waits == [0]


def test_without_words_nobody_waits_long(monkeypatch):
    monkeypatch.setattr(vocabulary, "WAIT_SECONDS", 0)

    with vocabulary.TURNS.taken(seconds=0):
        assert found_meanwhile() == Vocabulary({})


def test_reading_is_stopped_after_a_time(monkeypatch, caplog):
    sleep = "SELECT 'lamp', 1 FROM pg_sleep(60) WHERE %s > 0"
    monkeypatch.setattr(vocabulary, "WORDS_SQL", sleep)
    monkeypatch.setattr(vocabulary, "WAIT_SECONDS", 0.01)
    old = Vocabulary({"lamp": 1})

    assert words() == {}
    vocabulary.KEPT["default"] = Kept(old, until=0.0)

    assert vocabulary.vocabulary("default") is old
    assert vocabulary.KEPT["default"].is_fresh  # nobody tries again at once
    assert "took too long" in caplog.text
    assert Product.objects.count() == 0  # the transaction goes on


def found_meanwhile():
    """Return the words that another thread gets."""
    found = []
    thread = threading.Thread(
        target=lambda: found.append(vocabulary.vocabulary("default"))
    )
    thread.start()
    thread.join()
    return found[0]
