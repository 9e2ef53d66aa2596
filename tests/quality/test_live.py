"""The measures for a page: as many questions as there is time for, remembered."""

import threading

import pytest
from django.db import DEFAULT_DB_ALIAS, connection

from products import samples
from products.quality import live
from products.quality.tuning import TuningError
from products.turns import BusyError
from tests.factory import make_product

pytestmark = pytest.mark.django_db


@pytest.fixture
def thousand(real_model):
    samples.load("thousand")


def index_lesson(ef_search=40):
    return live.index_lesson(ef_search, using=DEFAULT_DB_ALIAS)


def setting(name):
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting(%s)", [name])
        return cursor.fetchone()[0]


def test_a_large_enough_catalogue_has_500_products(monkeypatch):
    monkeypatch.setattr(live, "SMALLEST", 2)
    make_product()
    before = live.is_large_enough(using=DEFAULT_DB_ALIAS)
    make_product(embedding=None)
    unembedded = live.is_large_enough(using=DEFAULT_DB_ALIAS)
    make_product()

    assert (before, unembedded) == (False, False)
    assert live.is_large_enough(using=DEFAULT_DB_ALIAS)


@pytest.mark.usefixtures("thousand")
def test_each_request_asks_on_where_the_time_ended_before(monkeypatch):
    monkeypatch.setattr(live, "SECONDS", 0)

    asked = [index_lesson().questions for _ in range(3)]

    assert asked == [1, 2, 3]


@pytest.mark.usefixtures("thousand")
def test_the_exact_answers_are_remembered(monkeypatch):
    monkeypatch.setattr(live, "SECONDS", 60)
    first = index_lesson()
    asked = []
    monkeypatch.setattr(live, "timed", asked.append)

    second = index_lesson()

    assert first.questions == second.questions == live.QUESTIONS
    assert asked == []
    assert first.exact_ms == second.exact_ms


@pytest.mark.usefixtures("thousand")
def test_measuring_leaves_no_setting_behind():
    names = ("hnsw.ef_search", "enable_seqscan", "enable_sort")
    index_lesson()
    before = [setting(name) for name in names]

    live.filter_lesson(0.05, using=DEFAULT_DB_ALIAS)

    assert before == [setting(name) for name in names] == ["40", "on", "on"]


@pytest.mark.usefixtures("thousand")
def test_a_missing_index_is_a_problem_that_is_said():
    with connection.cursor() as cursor:
        cursor.execute("DROP INDEX products_embedding_idx")

    with pytest.raises(TuningError, match="does not use the index"):
        index_lesson()


@pytest.mark.usefixtures("thousand")
def test_who_comes_while_all_places_are_taken_is_told(monkeypatch):
    monkeypatch.setattr(live, "WAIT_SECONDS", 0)
    inside, leave = threading.Event(), threading.Event()

    def stay():
        with live.TURNS.taken(seconds=5):
            inside.set()
            leave.wait(30)

    thread = threading.Thread(target=stay)
    thread.start()
    inside.wait(30)
    try:
        with pytest.raises(BusyError):
            index_lesson()
    finally:
        leave.set()
        thread.join()
