"""How much agents may ask for: the limits are those of the JSON API."""

import json

import pytest

from products.api.limits import COLD, Window
from tests.agents.schemas import AGENT

pytestmark = pytest.mark.django_db

READ = "/api/v1/products/lamp"
PING = {"jsonrpc": "2.0", "id": 7, "method": "ping"}


@pytest.fixture(autouse=True)
def two_requests(settings, monkeypatch):
    settings.API_RATE_ADDRESS = 2
    monkeypatch.setattr(Window, "timer", lambda window: 1000.0)


def post(client, path, body):
    return client.post(
        path, json.dumps(body), content_type="application/json", headers=AGENT
    )


def look_up(client):
    return post(client, "/ucp/catalog/lookup", {"ids": ["lamp"]})


def ping(client):
    return post(client, "/mcp", PING)


def test_an_agent_may_ask_so_often_a_minute(client):
    said = [look_up(client).headers["RateLimit"] for _ in range(2)]
    refused = look_up(client)

    assert said == ['"address";r=1;t=60', '"address";r=0;t=60']
    assert refused.status_code == 429
    assert refused.headers["Retry-After"] == "60"
    assert refused.headers["RateLimit"] == '"address";r=0;t=60'
    assert refused.json() == {
        "code": "rate_limited",
        "content": (
            "Too much was asked for from this address. Ask again in 60 seconds."
        ),
        "retry_after": 60,
        "continue_url": "http://testserver/",
    }


def test_a_message_too_many_is_an_error_of_json_rpc(client):
    said = [ping(client).headers["RateLimit"] for _ in range(2)]
    refused = ping(client)

    assert said == ['"address";r=1;t=60', '"address";r=0;t=60']
    assert refused.status_code == 429
    error = refused.json()["error"]
    assert error["code"] == -32000
    assert (error["data"]["code"], error["data"]["retry_after"]) == ("rate_limited", 60)


def test_all_doors_count_together(client):
    assert look_up(client).status_code == 200
    assert ping(client).status_code == 200

    assert client.get(READ).status_code == 429


def test_a_cold_query_counts_more_than_a_warm_one(client, settings):
    settings.API_RATE_ADDRESS = 20
    assert COLD == 5

    left = [
        post(client, "/ucp/catalog/search", {"query": "lamp"}).headers["RateLimit"]
        for _ in range(2)
    ]

    assert left == ['"address";r=15;t=60', '"address";r=14;t=60']


def test_a_shop_without_a_limit_counts_nothing(client, settings):
    settings.API_RATE_ADDRESS = 0

    answers = [look_up(client) for _ in range(4)]

    assert {answer.status_code for answer in answers} == {200}
    assert "RateLimit" not in answers[0].headers
