"""How much may be asked for by the API."""

import pytest
from django.core.cache import cache
from django.test import Client
from ninja import Router

from products.api import limits
from products.api.access import key_if_any
from products.api.limits import COLD, Limit, Window, with_limits
from products.api.openapi import DescribedAPI
from products.api.problems import answer_problems
from products.api_keys import ApiKey
from products.embeddings import get_backend
from products.search.query_vector import text_vectors
from tests.factory import make_product

READ = "/api/v1/products/lamp"

tried = DescribedAPI(
    urls_namespace="limits", docs_url=None, auth=key_if_any, throttle=Limit()
)
answer_problems(tried)
tried.add_decorator(with_limits, mode="view")
router = Router()


@router.get("/embed")
def embed(request, text: str):
    return len(text_vectors([text], get_backend()))


tried.add_router("", router)
[EMBED] = [url.callback for url in tried.urls[0] if str(url.pattern) == "embed"]


class Clock:
    """A clock that tests turn."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(Window, "timer", lambda window: clock())
    return clock


@pytest.fixture(autouse=True)
def three_requests(settings):
    settings.API_RATE_ADDRESS = 3
    settings.API_RATE_KEY = 5


def used(response):
    """How much is left, and in how many seconds more will be."""
    return response.headers["RateLimit"]


@pytest.mark.django_db
def test_an_address_may_ask_so_often_a_minute(client, clock):
    make_product(sku="lamp")
    said = [used(client.get(READ)), used(client.get(READ))]
    clock.now += 20
    said.append(used(client.get(READ)))
    refused = client.get(READ)
    clock.now += 40.5
    taken = client.get(READ)

    assert said == [
        '"address";r=2;t=60',
        '"address";r=1;t=60',
        '"address";r=0;t=40',
    ]
    assert refused.status_code == 429
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert refused.headers["Retry-After"] == "40"
    assert used(refused) == '"address";r=0;t=40'
    assert (taken.status_code, used(taken)) == (200, '"address";r=1;t=20')


@pytest.mark.django_db
def test_the_policy_is_said_with_each_answer(client):
    assert client.get(READ).headers["RateLimit-Policy"] == '"address";q=3;w=60'


@pytest.mark.django_db
def test_addresses_are_counted_apart(client):
    for _ in range(3):
        client.get(READ, REMOTE_ADDR="192.0.2.1")

    assert client.get(READ, REMOTE_ADDR="192.0.2.1").status_code == 429
    assert client.get(READ, REMOTE_ADDR="192.0.2.2").status_code == 404


@pytest.mark.django_db
def test_behind_a_proxy_the_visitor_s_address_counts(client, settings):
    settings.BEHIND_PROXY = True

    def ask(visitor):
        headers = {"X-Forwarded-For": f"203.0.113.9, {visitor}"}
        return client.get(READ, headers=headers, REMOTE_ADDR="10.0.0.1")

    for _ in range(3):
        ask("192.0.2.1")

    assert ask("192.0.2.1").status_code == 429
    assert ask("192.0.2.2").status_code == 404


@pytest.mark.django_db
@pytest.mark.parametrize("forwarded", [{}, {"X-Forwarded-For": "unknown"}])
@pytest.mark.parametrize("connected", ["10.0.0.1", "", "unix:"])
def test_whoever_has_no_address_is_limited_too(client, settings, forwarded, connected):
    settings.BEHIND_PROXY = True

    def ask():
        return client.get(READ, headers=forwarded, REMOTE_ADDR=connected)

    said = [used(ask()) for _ in range(3)]

    assert said[0] == '"address";r=2;t=60'
    assert ask().status_code == 429
    named = client.get(READ, headers={"X-Forwarded-For": "192.0.2.1"})
    assert named.status_code == 404


@pytest.mark.django_db
def test_through_a_socket_there_is_a_limit(client, settings):
    settings.BEHIND_PROXY = False

    assert used(client.get(READ, REMOTE_ADDR="")) == '"address";r=2;t=60'


@pytest.mark.django_db
def test_a_key_is_counted_for_itself(django_user_model):
    user = django_user_model.objects.create(username="ada")
    one, other = (
        ApiKey.objects.make(name="till", user=user, scopes=["read"]) for _ in "12"
    )
    client = Client()

    def ask(key):
        return client.get(READ, headers={"Authorization": f"Bearer {key.key}"})

    said = [used(ask(one)) for _ in range(5)]

    assert said[0] == '"key";r=4;t=60'
    assert said[4] == '"key";r=0;t=60'
    assert ask(one).status_code == 429
    assert ask(other).status_code == 404
    assert client.get(READ).status_code == 404


@pytest.mark.django_db
def test_wrong_keys_are_counted_before_they_are_looked_up(
    django_user_model, django_assert_num_queries, clock
):
    user = django_user_model.objects.create(username="ada")
    good = ApiKey.objects.make(name="till", user=user, scopes=["read"]).key

    def ask(key, address="192.0.2.1"):
        headers = {"Authorization": f"Bearer {key}"}
        return Client().get(READ, headers=headers, REMOTE_ADDR=address)

    wrong = ["vs_" + 43 * letter for letter in "xy"] + ["no key"]
    said = [ask(key).status_code for key in wrong]
    with django_assert_num_queries(0):
        refused = ask(wrong[0])

    assert said == [401, 401, 401]
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "60")
    assert "Too many wrong keys" in refused.json()["detail"]
    assert ask(good).status_code == 429
    assert ask(good, "192.0.2.2").status_code == 404
    assert Client().get(READ, REMOTE_ADDR="192.0.2.1").status_code == 404
    clock.now += 60.5
    assert ask(good).status_code == 404


@pytest.mark.django_db
def test_without_a_limit_nothing_is_counted_nor_said(client, settings):
    settings.API_RATE_ADDRESS = 0

    answers = [client.get(READ) for _ in range(9)]

    assert {answer.status_code for answer in answers} == {404}
    assert "RateLimit" not in answers[0].headers


def ask_for(rf, text):
    return used(EMBED(rf.get("/embed", {"text": text})))


def test_a_cold_text_counts_more_than_a_warm_one(rf, settings):
    settings.API_RATE_ADDRESS = 20
    assert COLD == 5

    assert ask_for(rf, "lamp") == '"address";r=15;t=60'
    assert ask_for(rf, "lamp") == '"address";r=14;t=60'
    assert ask_for(rf, "chair") == '"address";r=9;t=60'


def test_what_is_left_is_never_less_than_nothing(rf, clock):
    assert ask_for(rf, "lamp") == '"address";r=0;t=60'
    clock.now += 59
    refused = EMBED(rf.get("/embed", {"text": "lamp"}))

    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "1")


def test_requests_of_two_threads_are_not_mixed_up():
    one, other = Window("address", "a", 3), Window("address", "b", 3)

    one.allow_request(None)
    other.allow_request(None)
    one.charge(1)

    assert len(cache.get("api-address-a")) == 2
    assert len(cache.get("api-address-b")) == 1


def test_nothing_is_charged_outside_a_request():
    limits.charge(3)

    assert cache.get("api-address-127.0.0.1") is None
