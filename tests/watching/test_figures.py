"""The eight figures: their values, their trend, and what `doctor` says of them."""

import json
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from django.utils.translation import override

from products.models import HourlyFigure, Product, RecallSample
from products.watching import figures as module
from products.watching.counts import Counts
from products.watching.figures import KINDS, figures
from products.watching.history import keep, this_hour
from products.watching.rounds import go_round
from products.watching.statistics import Connections, Storage
from tests.factory import make_product

pytestmark = pytest.mark.django_db

NAMES = [
    "slow",
    "empty",
    "recall",
    "waiting",
    "lag",
    "failed",
    "dead_rows",
    "connections",
]


@pytest.fixture
def calm(monkeypatch):
    """A server without dead rows, and with few connections."""
    storage = Storage(table=8192, index=8192, live=100, dead=0)
    monkeypatch.setattr(module, "read_storage", lambda using: storage)
    connections = Connections(used=5, most=100)
    monkeypatch.setattr(module, "read_connections", lambda using: connections)


def now():
    return {figure.kind.name: figure for figure in figures(using="default")}


def values():
    return {name: figure.value for name, figure in now().items()}


def at(hours, name, value):
    HourlyFigure.objects.create(
        name=name, hour=this_hour() - timedelta(hours=hours), value=value
    )


# Their values


def test_there_are_eight(calm):
    assert list(now()) == NAMES


def test_what_nobody_measures_is_not_known(calm):
    make_product()

    assert values() == {
        "slow": None,
        "empty": None,
        "recall": None,
        "waiting": 0.0,
        "lag": 0.0,
        "failed": None,
        "dead_rows": 0.0,
        "connections": 0.05,
    }
    assert not any(figure.needs_attention for figure in now().values())
    assert now()["slow"].advice == (
        "Set METRICS_ADDRESS, so that the web processes count."
    )


def test_the_oldest_product_without_a_fresh_vector_counts(calm):
    for _ in range(3):
        make_product()
    waiting = make_product(embedding=None)
    Product.objects.filter(pk=waiting.pk).update(
        updated_at=timezone.now() - timedelta(hours=2)
    )

    found = now()

    assert (found["waiting"].text, found["lag"].text) == ("25%", "2 h")
    assert found["waiting"].advice == "Keep manage.py embed_products --watch running."


def test_the_recall_is_the_mean_of_all_samples(calm):
    for recall, passing in ((0.9, "all"), (0.9, "all"), (0.6, "to_1_percent")):
        RecallSample.objects.create(fingerprint="x", recall=recall, passing=passing)

    assert values()["recall"] == pytest.approx(0.8)
    assert now()["recall"].needs_attention


def test_searches_are_those_since_the_last_full_hour(calm, monkeypatch):
    for name, value in (("all", 100), ("slow", 50), ("by_text", 60), ("empty", 30)):
        at(1, f"count_{name}", value)
    counts = Counts(all=200, slow=60, by_text=80, empty=31)
    monkeypatch.setattr(module, "read_counts", lambda: counts)

    assert (values()["slow"], values()["empty"]) == (0.1, 0.05)


def test_without_a_single_search_there_is_no_share(calm, monkeypatch):
    monkeypatch.setattr(module, "read_counts", Counts)

    assert (values()["slow"], values()["empty"]) == (None, None)


@pytest.mark.parametrize(
    ("name", "fine", "bad"),
    [
        ("slow", 0.05, 0.06),
        ("empty", 0.2, 0.21),
        ("recall", 0.95, 0.94),
        ("waiting", 0.01, 0.02),
        ("lag", 600, 601),
        ("failed", 0, 1),
        ("dead_rows", 0.2, 0.21),
        ("connections", 0.8, 0.81),
    ],
)
def test_each_has_a_limit(name, fine, bad):
    [kind] = [kind for kind in KINDS if kind.name == name]

    assert (kind.is_fine(fine), kind.is_fine(bad)) == (True, False)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (59, "59 s"),
        (60, "1 min"),
        (7200, "2 h"),
        (86_400, "1 day"),
        (3 * 86_400, "3 days"),
    ],
)
def test_an_age_is_told_in_its_largest_unit(seconds, text):
    assert module.age(seconds) == text


# What the worker keeps


def test_the_worker_writes_the_figures_of_the_hour_down_once(calm, monkeypatch):
    monkeypatch.setattr(module, "read_counts", lambda: Counts(10, 1, 4, 2))
    make_product()

    go_round(using="default", failed=1)
    go_round(using="default", failed=2)

    kept = dict(HourlyFigure.objects.values_list("name", "value"))
    assert kept == {
        "slow": 0.1,
        "empty": 0.5,
        "waiting": 0.0,
        "lag": 0.0,
        "failed": 2.0,
        "dead_rows": 0.0,
        "connections": 0.05,
        "count_all": 10.0,
        "count_slow": 1.0,
        "count_by_text": 4.0,
        "count_empty": 2.0,
    }
    assert values()["failed"] == 2


def test_failed_texts_are_forgotten_when_the_worker_says_nothing(calm):
    at(2, "failed", 3)

    assert values()["failed"] is None


def test_values_of_more_than_a_month_ago_are_deleted():
    at(30 * 24 + 1, "lag", 1)
    at(30 * 24, "lag", 2)

    keep({"lag": 3}, using="default")

    assert list(HourlyFigure.objects.order_by("hour").values_list("value")) == [
        (2.0,),
        (3.0,),
    ]


def test_the_trend_is_the_value_a_day_and_a_week_ago(calm):
    at(24, "connections", 0.5)
    at(7 * 24, "connections", 0.25)

    found = now()["connections"]

    assert (found.text, found.day_ago_text, found.week_ago_text) == (
        "5%",
        "50%",
        "25%",
    )


def test_they_take_six_statements(django_assert_num_queries):
    # A test is in a transaction, so that the limit of the count has a savepoint: made,
    # rolled back to and released.
    with django_assert_num_queries(6 + 3):
        figures(using="default")


# doctor


def doctor(*arguments):
    out = StringIO()
    call_command("doctor", *arguments, stdout=out, no_color=True)
    return out.getvalue()


def test_doctor_prints_a_line_for_each_and_what_to_do(calm):
    make_product()

    lines = doctor().splitlines()

    assert lines[0].split("  ")[-1].strip() == "a week ago"
    assert "Searches of over 0.25 s                      –           –           –" in (
        lines
    )
    assert "    Set METRICS_ADDRESS, so that the web processes count." in lines
    assert len([line for line in lines[1:] if not line.startswith(" ")]) == 8


def test_doctor_fails_when_a_figure_needs_attention(calm):
    make_product(embedding=None)

    with pytest.raises(CommandError, match="1 of 8 figures need attention"):
        doctor()


def test_doctor_writes_json_for_programs(calm):
    make_product()
    at(24, "waiting", 0.5)

    found = {figure["name"]: figure for figure in json.loads(doctor("--json"))}

    assert list(found) == NAMES
    assert found["waiting"] == {
        "name": "waiting",
        "value": 0.0,
        "day_ago": 0.5,
        "week_ago": None,
        "needs_attention": False,
        "advice": "",
    }


def test_the_real_server_tells_its_rows_and_connections():
    make_product()

    found = values()

    assert 0 <= found["dead_rows"] <= 1
    assert 0 < found["connections"] < 1


def test_numbers_are_written_in_the_language_in_force():
    slow = KINDS[0]

    with override("de"):
        assert slow.written(0.384) == "38,4\xa0%"
        assert "0,25" in str(slow.label)
    assert slow.written(0.384) == "38.4%"
    assert "0.25" in str(slow.label)
