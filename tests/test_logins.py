"""Failed log-ins: what is refused, for whom, and for whom not."""

import threading
from datetime import timedelta

import pytest
from axes.models import AccessAttempt
from django.contrib.auth.hashers import make_password
from django.db import connections
from django.test import Client, RequestFactory
from django.utils import timezone

from vectorshop import logins
from vectorshop.logins import client_address

LIMIT = 10
HERE, THERE = "192.0.2.1", "192.0.2.2"


@pytest.fixture(autouse=True)
def quick_passwords(settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def clerks(db, django_user_model):
    for name in ("ann", "bob"):
        django_user_model.objects.create(
            username=name, password=make_password("right"), is_staff=True
        )


def log_in(name, password, *, at=HERE, url="/login/"):
    data = {"username": name, "password": password}
    return Client().post(url, data, REMOTE_ADDR=at)


def fail(times, name="ann", **where):
    return [log_in(name, f"wrong {n}", **where).status_code for n in range(times)]


@pytest.mark.parametrize("url", ["/login/", "/admin/login/"])
def test_the_right_password_is_refused_after_ten_wrong_ones(clerks, url):
    statuses = fail(LIMIT, url=url)

    response = log_in("ann", "right", url=url)

    assert statuses == 9 * [200] + [429]
    assert response.status_code == 429
    assert response.headers["Retry-After"] == "900"
    assert "for 15 minutes" in response.content.decode()
    assert "sessionid" not in response.cookies


def test_nine_wrong_passwords_refuse_nobody(clerks):
    fail(LIMIT - 1)

    assert log_in("ann", "right").status_code == 302
    assert not AccessAttempt.objects.exists()  # it counts anew from here


def test_the_shops_and_the_admins_failures_add_up(clerks):
    fail(5)
    fail(5, url="/admin/login/")

    assert log_in("ann", "right").status_code == 429


def test_the_rest_of_the_office_and_the_same_name_elsewhere_can_sign_in(clerks):
    fail(LIMIT)

    assert log_in("bob", "right").status_code == 302
    assert log_in("ann", "right", at=THERE).status_code == 302


@pytest.mark.parametrize("name", [" ann ", "ａnn"], ids=["blanks", "wide letter"])
def test_a_name_in_another_spelling_is_the_same_name(clerks, name):
    fail(LIMIT, name=name)

    assert log_in("ann", "right").status_code == 429


def test_another_browser_does_not_begin_anew(clerks):
    data = {"username": "ann", "password": "wrong"}
    for n in range(LIMIT):
        Client().post("/login/", data, REMOTE_ADDR=HERE, headers={"user-agent": str(n)})

    assert log_in("ann", "right").status_code == 429


def test_it_is_over_after_a_quarter_of_an_hour_whoever_goes_on_trying(clerks):
    fail(LIMIT)
    late = timezone.now() - timedelta(minutes=14, seconds=50)
    AccessAttempt.objects.update(attempt_time=late)
    refused = fail(3)
    AccessAttempt.objects.update(attempt_time=late - timedelta(seconds=20))

    response = log_in("ann", "right")

    assert refused == 3 * [429]
    assert response.status_code == 302


def test_one_who_tries_many_names_is_refused_before_a_password_is_hashed(
    clerks, monkeypatch
):
    for n in range(logins.ADDRESS_LIMIT):
        log_in(f"name {n}", "x")
    hashed = []
    monkeypatch.setattr(
        "django.contrib.auth.models.AbstractBaseUser.check_password",
        lambda *args: hashed.append(args),
    )

    assert log_in("bob", "right").status_code == 429
    assert hashed == []


def test_others_can_sign_in_while_one_tries_many_names(clerks, monkeypatch):
    monkeypatch.setattr(logins, "ADDRESS_LIMIT", 3)
    for n in range(3):
        log_in(f"name {n}", "x")

    assert log_in("bob", "right").status_code == 429
    assert log_in("bob", "right", at=THERE).status_code == 302


@pytest.mark.parametrize("query", ["?next=%00", "?" + "a=1&" * 500])
def test_an_odd_address_counts_like_any_other(clerks, query):
    fail(LIMIT, url=f"/login/{query}")

    assert log_in("ann", "right").status_code == 429


def test_a_name_longer_than_any_user_has_fails_like_any_other(clerks):
    name = 5000 * "x"

    assert fail(LIMIT, name=name) == 9 * [200] + [429]
    assert log_in("ann", "right").status_code == 302


@pytest.mark.parametrize("name", ["a\0b", ""], ids=["NUL", "none"])
def test_an_impossible_name_is_an_error_of_the_form(clerks, name):
    response = log_in(name, "x")

    assert response.status_code == 200
    assert "errorlist" in response.content.decode()
    assert not AccessAttempt.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_failures_at_the_same_moment_are_all_counted(clerks):
    together = threading.Barrier(4)

    def attack():
        together.wait()
        fail(3)
        connections.close_all()

    threads = [threading.Thread(target=attack) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert log_in("ann", "right").status_code == 429


# Whose failures they are


def request_from(remote, forwarded=None):
    headers = {} if forwarded is None else {"x-forwarded-for": forwarded}
    return RequestFactory().get("/", REMOTE_ADDR=remote, headers=headers)


@pytest.mark.parametrize(
    ("remote", "address"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:aaaa::1", "2001:db8:1:2::"),
        ("2001:db8:1:2:bbbb::9", "2001:db8:1:2::"),
        ("", None),  # a unix socket
    ],
)
def test_the_address_of_the_connection_counts(settings, remote, address):
    settings.BEHIND_PROXY = False

    assert client_address(request_from(remote, "203.0.113.9")) == address


@pytest.mark.parametrize(
    ("forwarded", "address"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("made up, 203.0.113.9, 192.0.2.7", "192.0.2.7"),
        ("192.0.2.7:4711", "192.0.2.7"),
        ("[2001:db8:1:2::7]:4711", "2001:db8:1:2::"),
        ("2001:db8:1:2::7", "2001:db8:1:2::"),
        ("unknown", None),
        ("", None),
        (None, None),
    ],
)
def test_behind_a_proxy_the_address_that_it_wrote_counts(settings, forwarded, address):
    settings.BEHIND_PROXY = True

    assert client_address(request_from("127.0.0.1", forwarded)) == address


def test_a_proxy_that_names_no_visitor_does_not_lock_out_all(
    clerks, settings, monkeypatch
):
    settings.BEHIND_PROXY = True
    monkeypatch.setattr(logins, "ADDRESS_LIMIT", 3)
    for n in range(4):
        log_in(f"name {n}", "x")

    assert log_in("bob", "right").status_code == 302
