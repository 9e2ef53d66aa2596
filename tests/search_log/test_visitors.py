from datetime import UTC, datetime

import pytest
from django.test import RequestFactory

from products.models import DaySalt
from products.search_log import visitors
from products.search_log.visitors import Salts, Visitor, visitor_of
from tests.search_log.logs import FIREFOX, GOOGLEBOT, SAFARI

BROWSER = {"User-Agent": FIREFOX}


def asked(method="get", address="192.0.2.7", **headers):
    request = getattr(RequestFactory(), method)
    return request("/", headers=BROWSER | headers, REMOTE_ADDR=address)


def test_a_visitor_is_an_address_and_a_browser():
    assert visitor_of(asked()) == Visitor("192.0.2.7", FIREFOX)


@pytest.mark.parametrize(
    "headers",
    [
        {"User-Agent": GOOGLEBOT},
        {"User-Agent": "curl/8.14.1"},
        {"User-Agent": "python-requests/2.32"},
        {"User-Agent": ""},
        {"Sec-Purpose": "prefetch;prerender"},
        {"Purpose": "prefetch"},
        {"X-Moz": "prefetch"},
        {"DNT": "1"},
        {"Sec-GPC": "1"},
    ],
    ids=lambda headers: "-".join(*headers.items())[:30],
)
def test_the_log_leaves_out(headers):
    assert visitor_of(asked(**headers)) is None


def test_the_log_leaves_out_who_asks_for_the_head_alone():
    assert visitor_of(asked("head")) is None


def test_a_telephone_called_cubot_is_no_robot():
    agent = "Mozilla/5.0 (Linux; Android 13; CUBOT P80) Chrome/140.0"

    assert visitor_of(asked(**{"User-Agent": agent})).agent == agent


def test_the_key_depends_on_address_browser_and_salt():
    anna, bert = Visitor("192.0.2.7", FIREFOX), Visitor("192.0.2.8", FIREFOX)
    at_phone = Visitor("192.0.2.7", SAFARI)

    assert anna.key(b"salt") == Visitor("192.0.2.7", FIREFOX).key(b"salt")
    keys = {
        anna.key(b"salt"),
        bert.key(b"salt"),
        at_phone.key(b"salt"),
        anna.key(b"other"),
    }
    assert len(keys) == 4
    assert {len(key) for key in keys} == {32}


@pytest.mark.django_db
def test_all_servers_share_the_salt_of_the_day(django_assert_num_queries):
    here, there = Salts(), Salts()
    salt = here.today()

    assert len(salt) == 32
    assert there.today() == salt
    with django_assert_num_queries(0):
        here.today()


@pytest.mark.django_db
def test_the_salt_is_deleted_when_its_day_is_over(monkeypatch):
    def at(hour, day):
        now = datetime(2026, 1, day, hour, tzinfo=UTC)
        monkeypatch.setattr(visitors.timezone, "now", lambda: now)

    salts = Salts()
    at(23, day=5)
    yesterday = salts.today()
    at(0, day=6)

    assert salts.today() != yesterday
    assert [salt.day.day for salt in DaySalt.objects.all()] == [6]
