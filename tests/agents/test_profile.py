"""The profile at /.well-known/ucp, by which agents find the catalogue."""

import json

import pytest
from django.urls import get_script_prefix, set_script_prefix

from tests.agents.schemas import BusinessSchema, checked
from tests.serving import ask

ADDRESS = "/.well-known/ucp"


def test_the_profile_names_the_addresses(client):
    response = client.get(ADDRESS)

    ucp = checked(BusinessSchema, response.json())["ucp"]
    assert ucp["version"] == "2026-08-25"
    assert [
        (service["transport"], service["endpoint"])
        for service in ucp["services"]["dev.ucp.shopping"]
    ] == [("rest", "http://testserver/ucp"), ("mcp", "http://testserver/mcp")]
    assert set(ucp["capabilities"]) == {
        "dev.ucp.shopping.catalog.search",
        "dev.ucp.shopping.catalog.lookup",
    }


def test_caches_keep_the_profile(client):
    first = client.get(ADDRESS)

    assert first.headers["Cache-Control"] == "public, max-age=3600"
    assert not first.cookies
    again = client.get(ADDRESS, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.fixture
def prefix():
    """The path that the request set, taken back afterwards."""
    before = get_script_prefix()
    yield
    set_script_prefix(before)


def test_a_shop_below_a_path_names_addresses_there(prefix, same_connection):
    status, page = ask("GET", ADDRESS, below="/shop")

    [rest, mcp] = json.loads(page)["ucp"]["services"]["dev.ucp.shopping"]
    assert status == 200
    assert rest["endpoint"] == "http://localhost/shop/ucp"
    assert mcp["endpoint"] == "http://localhost/shop/mcp"


@pytest.mark.parametrize("currency", ["$", "kr"])
def test_without_a_code_of_the_currency_nothing_is_offered(client, settings, currency):
    settings.CURRENCY = currency

    profile = client.get(ADDRESS)
    search = client.post("/ucp/catalog/search", "{}", content_type="application/json")

    for answer in (profile, search):
        assert answer.status_code == 404
        assert answer.json() == {
            "code": "not_offered",
            "content": "This shop offers its catalogue to no agent: it does not say in "
            "which currency its prices are.",
            "continue_url": "http://testserver/",
        }


def test_the_profile_is_only_read(client):
    assert client.post(ADDRESS).status_code == 405
