"""What programs search for is kept as well, under the names of their addresses."""

import json
from decimal import Decimal

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from products.models import LoggedQuery
from products.search_log.period import Period
from products.search_log.positions import PositionClicks, click_through
from tests.agents.schemas import AGENT, PROFILE
from tests.factory import make_product
from tests.search_log.logs import searched

pytestmark = pytest.mark.django_db

SEARCH = "/api/v1/search"
INSTANT = "/api/v1/instantsearch"


@pytest.fixture(autouse=True)
def lamps():
    """Three lamps, without vectors, so that words alone find them."""
    for number in (1, 2, 3):
        name, sku = f"Lamp {number}", f"lamp-{number}"
        make_product(name=name, sku=sku, price=number, embedding=None)


@pytest.fixture
def program(log):
    """A program that says what it is."""
    return Client(headers={"User-Agent": "curl/8.14.1"}, REMOTE_ADDR="192.0.2.7")


def post(program, path, body, **headers):
    response = program.post(path, json.dumps(body), "application/json", headers=headers)
    assert response.status_code == 200, response.content
    return response.json()


def instant(program, *params):
    requests = [{"indexName": "products", "params": each} for each in params]
    return post(program, INSTANT, requests)


def ucp(program, **body):
    return post(program, "/ucp/catalog/search", body, **AGENT)


def mcp(program, **catalog):
    meta = {"ucp-agent": {"profile": PROFILE}}
    call = {"name": "search_catalog", "arguments": {"meta": meta, "catalog": catalog}}
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call}
    return post(program, "/mcp", message)["result"]["structuredContent"]


ASKED = {
    "api": lambda program: program.get(f"{SEARCH}?q=Lamp&max_price=2"),
    "api-post": lambda program: post(program, SEARCH, {"q": "Lamp", "max_price": 2}),
    "instantsearch": lambda program: instant(
        program, {"query": "Lamp", "numericFilters": "price<=2"}
    ),
    "ucp": lambda program: ucp(program, query="Lamp", filters={"price": {"max": 200}}),
    "mcp": lambda program: mcp(program, query="Lamp", filters={"price": {"max": 200}}),
}


@pytest.mark.parametrize("door", ASKED)
def test_a_search_is_kept_with_its_application(log, program, door):
    ASKED[door](program)
    log.handle_all()

    search = LoggedQuery.objects.get()
    assert search.application == door.removesuffix("-post")
    assert search.user_query == "Lamp"
    assert sorted(search.query_response_hit_ids) == ["lamp-1", "lamp-2"]
    assert (search.found, search.filtered, search.first_position) == (2, True, 1)
    assert Decimal(search.query_attributes["max_price"]) == 2
    assert search.typed == (door == "instantsearch")


@pytest.mark.parametrize("door", ASKED)
def test_the_log_costs_no_statement(log, program, settings, django_user_model, door):
    program.force_login(django_user_model.objects.create(username="s", is_staff=True))

    def statements():
        with CaptureQueriesContext(connection) as asked:
            ASKED[door](program)
        return len(asked)

    statements()  # what is read once
    logged, noted = statements(), len(log.take())
    settings.SEARCH_LOG = False

    assert statements() == logged
    assert (noted, log.take()) == (2, [])


@pytest.mark.parametrize("header", ["DNT", "Sec-GPC"])
def test_who_does_not_want_to_be_tracked_is_left_out(log, program, header):
    program.get(f"{SEARCH}?q=Lamp", headers={header: "1"})
    post(program, SEARCH, {"q": "Lamp"}, **{header: "1"})

    assert log.take() == []


def test_what_is_no_search_by_text_is_left_out(log, program):
    program.get(f"{SEARCH}?q=+&max_price=2")
    program.head(f"{SEARCH}?q=Lamp")
    program.get("/api/v1/facets?q=Lamp")
    program.get("/api/v1/suggest?q=Lamp")
    program.get("/api/v1/products/lamp-1/similar?max_price=2")
    ucp(program, filters={"price": {"max": 200}})

    assert log.take() == []


def test_an_explanation_tries_the_search_out(log, admin_client):
    assert admin_client.get(f"{SEARCH}?q=Lamp&explain=true").status_code == 200
    assert log.take() == []


def test_the_second_page_goes_on_counting(log, program):
    first = program.get(f"{SEARCH}?q=Lamp&limit=2").json()
    program.get(f"{SEARCH}?q=Lamp&limit=2&cursor={first['next_cursor']}")
    cursor = ucp(program, query="Lamp", pagination={"limit": 2})["pagination"]["cursor"]
    ucp(program, query="Lamp", pagination={"limit": 2, "cursor": cursor})
    instant(program, {"query": "Lamp", "hitsPerPage": 2, "page": 1})
    log.handle_all()

    kept = LoggedQuery.objects.order_by("timestamp")
    assert [(each.application, each.first_position) for each in kept] == [
        ("api", 1),
        ("api", 3),
        ("ucp", 1),
        ("ucp", 3),
        ("instantsearch", 3),
    ]


def test_a_text_is_kept_without_the_space_around_it(log, program):
    instant(program, {"query": 1000 * " " + "Lamp"})
    log.handle_all()

    assert LoggedQuery.objects.get().user_query == "Lamp"


# InstantSearch


def test_only_the_products_that_are_shown_are_a_search(log, program):
    instant(
        program,
        {"query": "Lamp"},
        {"query": "Lamp", "hitsPerPage": 0, "analytics": False},
        {"query": "Lamp", "hitsPerPage": 0},
        {"query": "Lamp", "page": 9},
        {"query": "Lamp", "facetName": "category"},
    )

    assert len(log.take()) == 1


def test_a_page_may_want_none_of_its_searches_kept(log, program):
    instant(program, {"query": "Lamp", "analytics": False})

    assert log.take() == []


def test_a_search_that_finds_nothing_is_kept(log, program):
    instant(program, {"query": "zebra"})
    log.handle_all()

    assert LoggedQuery.objects.get().found == 0


def test_the_last_of_the_half_typed_searches_replaces_the_others(log, program):
    for text in ("la", "lam", "lamp"):
        instant(program, {"query": text})
    log.handle_all()

    assert LoggedQuery.objects.get().user_query == "lamp"


# Reports


def test_searches_without_links_say_nothing_about_positions():
    searched("lamp", skus=["a"])
    searched("lamp", skus=["a"], application="api")

    assert click_through(Period.last()) == [PositionClicks(1, 1, 0)]
