from datetime import timedelta

import pytest
from django.utils import timezone

from products.search_log import period
from products.search_log.frequent import FrequentQuery, frequent_queries
from tests.search_log.logs import searched

pytestmark = pytest.mark.django_db


def test_what_most_visitors_search_for_comes_first():
    for visitor in ("anna", "bert", "cleo"):
        searched("Lamp", visitor=visitor)
    searched("chair", visitor="anna")
    searched("chair", visitor="bert")
    searched("table", visitor="anna")

    assert frequent_queries(2) == [FrequentQuery("lamp", 3), FrequentQuery("chair", 2)]


def test_a_visitor_counts_once_however_often_they_repeat():
    for _ in range(5):
        searched("chair", visitor="anna")
    searched("Lamp", visitor="anna")
    searched("lamp", visitor="bert")

    assert frequent_queries(9) == [FrequentQuery("lamp", 2), FrequentQuery("chair", 1)]


def test_equally_frequent_searches_come_by_the_alphabet():
    searched("table")
    searched("chair")

    assert [query.text for query in frequent_queries(9)] == ["chair", "table"]


def test_only_the_last_days_count(settings):
    settings.SEARCH_LOG_DAYS = 30
    searched("lamp", timestamp=timezone.now() - timedelta(days=8))
    searched("chair", timestamp=timezone.now() - timedelta(days=31))
    searched("table")

    assert [query.text for query in frequent_queries(9, days=7)] == ["table"]
    assert [query.text for query in frequent_queries(9)] == ["lamp", "table"]


def test_searches_without_a_text_are_no_searches_for_the_empty_text():
    searched("")

    assert frequent_queries(9) == []


def test_one_statement_reads_a_bounded_number_of_searches(
    monkeypatch, django_assert_num_queries
):
    monkeypatch.setattr(period, "MOST_READ", 2)
    now = timezone.now()
    for minutes, text in enumerate(["table", "chair", "lamp"]):
        searched(text, timestamp=now - timedelta(minutes=minutes + 1))

    with django_assert_num_queries(1):
        assert [query.text for query in frequent_queries(9)] == ["chair", "table"]
