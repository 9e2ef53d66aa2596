"""The three operations of UCP's catalogue over REST, held against its schemas."""

import json
import time

import pytest
from django.core import signing
from django.test import Client

from products.agents import cursors
from products.models import EmbeddingRecipe, Product
from tests.agents.schemas import (
    AGENT,
    ErrorResponse,
    GetProductResponse,
    LookupResponse,
    SearchResponse,
    ask,
)
from tests.factory import make_product

pytestmark = pytest.mark.django_db


def search(client, *, status=200, **body):
    schema = SearchResponse if status == 200 else None
    return ask(client, "search", body, schema=schema, status=status)


def lookup(client, ids, **body):
    return ask(client, "lookup", {"ids": ids, **body}, schema=LookupResponse)


def titles(answer):
    return [product["title"] for product in answer["products"]]


@pytest.fixture
def lamps():
    """Twelve lamps of 1 to 12 dollars, those of an even price in Home."""
    return [
        make_product(
            sku=f"lamp-{number:02}",
            name=f"Lamp {number:02}",
            category="" if number % 2 else "Home",
            price=number,
            embedding=None,
        )
        for number in range(1, 13)
    ]


# Shapes


def test_a_product_has_its_facts_and_one_variant(client, settings):
    settings.CURRENCY = "EUR"
    product = make_product(
        sku="lamp-1",
        name="Lamp",
        category="Home",
        description="Bright.",
        price="12.99",
        image=f"upload:{32 * 'a'}",
    )

    answer = ask(client, "product", {"id": "lamp-1"}, schema=GetProductResponse)

    price = {"amount": 1299, "currency": "EUR"}
    assert answer == {
        "ucp": {
            "version": "2026-08-25",
            "status": "success",
            "capabilities": {
                "dev.ucp.shopping.catalog.lookup": [{"version": "2026-08-25"}]
            },
        },
        "product": {
            "id": "lamp-1",
            "title": "Lamp",
            "description": {"plain": "Bright."},
            "url": f"http://testserver/products/{product.pk}/",
            "categories": [{"value": "Home", "taxonomy": "merchant"}],
            "price_range": {"min": price, "max": price},
            "media": [
                {
                    "type": "image",
                    "url": f"http://testserver/pictures/{32 * 'a'}-960.webp",
                    "alt_text": "Lamp",
                }
            ],
            "variants": [
                {
                    "id": "lamp-1",
                    "sku": "lamp-1",
                    "title": "Lamp",
                    "description": {"plain": "Lamp"},
                    "price": price,
                }
            ],
        },
    }


def test_settings_say_what_the_database_does_not_know(client, settings):
    settings.OFFER_AVAILABILITY = "out_of_stock"
    settings.OFFER_CONDITION = "used"
    settings.OFFER_BRAND = "Contoso"
    settings.SELLER_NAME = "Contoso Shop"
    make_product(sku="lamp-1")

    answer = ask(client, "product", {"id": "lamp-1"}, schema=GetProductResponse)

    [variant] = answer["product"]["variants"]
    assert variant["availability"] == {"available": False, "status": "out_of_stock"}
    assert variant["seller"] == {"name": "Contoso Shop"}
    assert variant["metadata"] == {"brand": "Contoso", "condition": "used"}


def test_a_yen_has_no_minor_unit(client, settings, lamps):
    settings.CURRENCY = "JPY"

    answer = search(client, filters={"price": {"min": 11, "max": 11}})

    assert titles(answer) == ["Lamp 11"]
    assert answer["products"][0]["price_range"]["min"] == {
        "amount": 11,
        "currency": "JPY",
    }


def test_a_list_has_the_beginning_of_a_text(client):
    make_product(sku="long", description="word " * 400)

    found = search(client, filters={"price": {"min": 0}})
    full = ask(client, "product", {"id": "long"}, schema=GetProductResponse)

    text = found["products"][0]["description"]["plain"]
    assert len(text) <= 500
    assert text.endswith("word…")
    assert len(full["product"]["description"]["plain"]) == 5 * 400 - 1


# Search


def test_a_query_finds_by_words_and_meaning(client, by_hand):
    answer = search(client, query="lamp")

    assert titles(answer)[0] == "Lamp"
    assert answer["ucp"]["capabilities"] == {
        "dev.ucp.shopping.catalog.search": [{"version": "2026-08-25"}]
    }


def test_filters_alone_browse(client, lamps):
    home = search(client, filters={"categories": ["Home"]})
    cheap = search(client, filters={"price": {"min": 200, "max": 350}})
    both = search(
        client, filters={"categories": ["Home", "Seats"], "price": {"max": 400}}
    )

    assert titles(home) == [f"Lamp {number:02}" for number in (2, 4, 6, 8, 10, 12)]
    assert titles(cheap) == ["Lamp 02", "Lamp 03"]
    assert titles(both) == ["Lamp 02", "Lamp 04"]
    assert home["pagination"] == {"has_next_page": False, "total_count": 6}


def test_a_browse_takes_two_statements(client, lamps, django_assert_num_queries):
    with django_assert_num_queries(2):
        search(client, filters={"categories": ["Home"]})


def test_no_match_is_an_empty_list_without_messages(client, lamps):
    for body in ({"query": "zzzz"}, {"filters": {"categories": ["Seats"]}}):
        answer = search(client, **body)

        assert answer["products"] == []
        assert answer["pagination"] == {"has_next_page": False, "total_count": 0}
        assert "messages" not in answer


def test_a_page_has_ten_products_unless_asked(client, lamps):
    everything = {"filters": {"price": {"min": 0}}}

    assert len(search(client, **everything)["products"]) == 10
    assert len(search(client, **everything, pagination={"limit": 3})["products"]) == 3
    assert (
        len(search(client, **everything, pagination={"limit": 10**9})["products"]) == 12
    )


def test_cursors_lead_to_every_product_once(client, lamps):
    asked = {"filters": {"price": {"min": 0}}, "pagination": {"limit": 5}}
    pages = []
    while True:
        answer = search(client, **asked)
        pages.append(titles(answer))
        if not answer["pagination"]["has_next_page"]:
            break
        assert answer["pagination"]["total_count"] == 12
        asked["pagination"] = {"cursor": answer["pagination"]["cursor"]}

    assert [len(page) for page in pages] == [5, 5, 2]
    assert sum(pages, []) == [f"Lamp {number:02}" for number in range(1, 13)]


def test_a_total_that_is_only_a_bound_is_left_out(client, lamps, monkeypatch):
    monkeypatch.setattr("products.search.answer.LISTING_WINDOW", 8)
    asked = {"filters": {"price": {"min": 0}}, "pagination": {"limit": 5}}

    first = search(client, **asked)["pagination"]
    last = search(client, **asked | {"pagination": {"cursor": first["cursor"]}})

    assert set(first) == {"has_next_page", "cursor"}
    assert titles(last) == ["Lamp 06", "Lamp 07", "Lamp 08"]
    assert last["pagination"] == {"has_next_page": False}


def test_the_page_after_one_that_went_is_empty(client, lamps):
    asked = {"filters": {"price": {"min": 0}}, "pagination": {"limit": 10}}
    cursor = search(client, **asked)["pagination"]["cursor"]
    Product.objects.filter(price__gt=10).delete()

    answer = search(client, **asked | {"pagination": {"cursor": cursor}})

    assert answer["products"] == []
    assert answer["pagination"]["has_next_page"] is False


def test_a_cursor_is_of_one_search(client, lamps):
    asked = {"filters": {"price": {"min": 0}}, "pagination": {"limit": 5}}
    cursor = search(client, **asked)["pagination"]["cursor"]

    other = search(
        client,
        filters={"price": {"min": 1}},
        pagination={"cursor": cursor},
        status=400,
    )

    assert other["code"] == "invalid_cursor"
    assert other["content"].startswith("The cursor belongs to another search.")


@pytest.mark.parametrize("signed", [{"page": 2}, {"page": 2, "odd": 1}, 7, [1]])
def test_a_cursor_of_another_version_is_refused(client, signed):
    cursor = signing.dumps(signed, salt=cursors.SALT)

    answer = search(client, query="lamp", pagination={"cursor": cursor}, status=400)

    assert answer["code"] == "invalid_cursor"


def test_a_cursor_holds_for_an_hour(client, lamps, monkeypatch):
    asked = {"filters": {"price": {"min": 0}}, "pagination": {"limit": 5}}
    cursor = search(client, **asked)["pagination"]["cursor"]
    now = time.time()
    monkeypatch.setattr("time.time", lambda: now + 3601)

    answer = search(client, **asked | {"pagination": {"cursor": cursor}}, status=400)

    assert answer["content"].startswith("The cursor is too old")


@pytest.mark.parametrize("length", ["abc", "-1"])
def test_a_length_that_is_no_number_is_a_problem(client, length):
    answer = client.generic(
        "POST",
        "/ucp/catalog/search",
        b"{}",
        "application/json",
        headers=AGENT,
        CONTENT_LENGTH=length,
    )

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_json")


@pytest.mark.parametrize("cursor", ["", "x", "a:b:c", "ä\0", "1" * 1000])
def test_a_cursor_that_is_none_is_refused(client, cursor):
    answer = search(client, query="lamp", pagination={"cursor": cursor}, status=400)

    assert answer["code"] == "invalid_cursor"


def test_a_cursor_ends_with_the_model_that_ranked(client, settings, samples):
    settings.EMBEDDING_BACKEND = "tests.backends.Axes"
    make_product(name="Lamp")
    make_product(name="Lamp too")
    asked = {"query": "lamp", "pagination": {"limit": 1}}
    cursor = search(client, **asked)["pagination"]["cursor"]
    EmbeddingRecipe.objects.create(
        backend="tests.backends.Second", fingerprint="second:384:1"
    )

    answer = search(client, **asked | {"pagination": {"cursor": cursor}}, status=409)

    assert answer["code"] == "cursor_expired"
    assert answer["content"] == (
        "The shop ranks by another model now. Ask for the first page again."
    )


def test_a_corrected_query_is_said(client, samples):
    answer = search(client, query="wireles headphnes")

    [said] = answer["messages"]
    assert said["type"] == "info"
    assert said["code"] == "query_corrected"
    assert said["content"].startswith("The shop searched for 'wireless headphones'")


def test_messages_are_english_in_any_language(client, samples):
    answer = ask(
        client,
        "search",
        {"filters": {"price": {"min": 2, "max": 1}}},
        status=400,
        **{"Accept-Language": "de"},
    )

    assert answer["content"].startswith("The lowest price, 0.02, is above the highest")


def test_a_price_of_another_currency_is_not_applied(client, lamps):
    filters = {"price": {"max": 200}}

    same = search(client, filters=filters, context={"currency": "usd"})
    other = search(client, filters=filters, context={"currency": "EUR"})

    assert titles(same) == ["Lamp 01", "Lamp 02"]
    assert len(other["products"]) == 10
    assert other["messages"] == [
        {
            "type": "warning",
            "code": "currency_not_converted",
            "content": "The price filter was ignored: this shop has prices in USD alone.",
        }
    ]


def test_an_unknown_filter_is_said(client, lamps):
    answer = search(client, query="lamp", filters={"colour": ["red"]})

    assert [(each["code"], each["content"]) for each in answer["messages"]] == [
        ("filter_ignored", "The filter 'colour' is not known.")
    ]


# Lookup


def test_a_lookup_tells_which_id_found_what(client, lamps):
    answer = lookup(client, ["lamp-03", "nothing", "lamp-01", "lamp-03"])

    assert [
        (product["id"], product["variants"][0]["inputs"])
        for product in answer["products"]
    ] == [
        ("lamp-03", [{"id": "lamp-03", "match": "exact"}]),
        ("lamp-01", [{"id": "lamp-01", "match": "exact"}]),
    ]
    assert answer["messages"] == [
        {"type": "info", "code": "not_found", "content": "nothing"}
    ]


def test_a_lookup_takes_one_statement(client, lamps, django_assert_num_queries):
    with django_assert_num_queries(1):
        lookup(client, [lamp.sku for lamp in lamps])


def test_filters_narrow_a_lookup(client, lamps):
    answer = lookup(client, ["lamp-01", "lamp-09"], filters={"price": {"max": 500}})

    assert titles(answer) == ["Lamp 01"]


@pytest.mark.parametrize("odd", ["\0", "\ud800", "", "x" * 10_000])
def test_an_odd_id_is_not_found(client, odd):
    answer = ask(client, "lookup", {"ids": [odd]})

    assert answer["products"] == []
    assert answer["messages"][0]["content"] == odd


def test_too_many_ids_are_refused(client):
    ids = [str(number) for number in range(51)]

    answer = ask(client, "lookup", {"ids": ids}, status=400)

    assert answer["code"] == "request_too_large"
    assert answer["content"] == "At most 50 ids can be looked up at once."


# One product


@pytest.mark.parametrize(
    "body",
    [{"id": "nothing"}, {"id": "lamp-09", "filters": {"price": {"max": 500}}}],
    ids=["unknown", "filtered"],
)
def test_a_product_that_is_not_found_is_no_transport_error(client, lamps, body):
    answer = ask(client, "product", body, schema=ErrorResponse)

    assert answer["ucp"]["status"] == "error"
    assert answer["messages"] == [
        {
            "type": "error",
            "code": "not_found",
            "content": f"No product has the id {body['id']!r} and passes the filters.",
            "severity": "unrecoverable",
        }
    ]


# Requests that are refused


@pytest.mark.parametrize(
    ("operation", "body", "content"),
    [
        ("search", {}, "Say what to look for: a query, or filters by"),
        ("search", {"query": " "}, "Say what to look for"),
        ("search", {"filters": {"colour": "red"}}, "Say what to look for"),
        ("search", [], "Send what is asked for as a JSON object."),
        ("search", {"query": 1}, "query: "),
        ("search", {"query": "x" * 1001}, "query: "),
        ("search", {"query": "a\0b"}, "A text cannot contain a NUL character."),
        ("search", {"filters": {"price": {"min": -1}}}, "filters.price.min: "),
        ("search", {"filters": {"price": {"min": 1.5}}}, "filters.price.min: "),
        ("search", {"filters": {"price": {"min": True}}}, "filters.price.min: "),
        ("search", {"filters": {"price": {"max": 2**53}}}, "filters.price.max: "),
        ("search", {"filters": {"categories": "Home"}}, "filters.categories: "),
        ("search", {"filters": {"categories": ["a"] * 51}}, "filters.categories: "),
        ("search", {"filters": {"categories": ["a\0"]}}, "A text cannot contain"),
        ("search", {"query": "x", "pagination": {"limit": 0}}, "pagination.limit: "),
        ("lookup", {}, "ids: Field required"),
        ("lookup", {"ids": []}, "ids: "),
        ("lookup", {"ids": [1]}, "ids.0: "),
        ("product", {"id": None}, "id: "),
    ],
    ids=str,
)
def test_a_wrong_request_says_what_is_wrong(client, operation, body, content):
    answer = ask(client, operation, body, status=400)

    assert answer["code"] == "invalid_request"
    assert answer["content"].startswith(content)
    assert answer["continue_url"] == "http://testserver/"


@pytest.mark.parametrize(
    "body",
    [b"{", b"\xff", b'{"query": NaN}', b"[" * 50_000, b"9" * 5_000],
    ids=["half", "bytes", "NaN", "deep", "long"],
)
def test_what_is_no_json_is_refused(client, body):
    answer = ask(client, "search", body, status=400)

    assert answer["code"] == "invalid_json"


def test_json_that_nests_deep_is_refused(client):
    deep = {"query": "x", "signals": json.loads("[" * 30 + "]" * 30)}

    assert ask(client, "search", deep, status=400)["code"] == "invalid_json"


def test_a_large_request_is_refused_unread(client):
    answer = ask(client, "search", {"query": "x" * 70_000}, status=413)

    assert answer["content"] == "A request has at most 65,536 bytes."


def test_a_form_is_refused(client):
    response = client.post("/ucp/catalog/search", {"query": "lamp"})

    assert response.status_code == 415
    assert response.json()["code"] == "unsupported_media_type"


def test_an_operation_is_asked_by_post(client):
    assert client.get("/ucp/catalog/search").status_code == 405


def test_no_token_and_no_session_is_needed(samples):
    strict = Client(enforce_csrf_checks=True)
    ask(strict, "search", {"query": "lamp"}, schema=SearchResponse)


# Who asks


@pytest.mark.parametrize(
    "header",
    [
        "",
        "profile=https://agent.example/",
        'profile="http://agent.example/"',
        'profile="https://"',
        'profile="https://["',
        'profile="agent"',
        "x" * 3000,
    ],
)
def test_an_agent_says_who_it_is(client, header):
    answer = ask(client, "search", {"query": "x"}, status=400, **{"UCP-Agent": header})

    assert answer["code"] == "invalid_profile_url"


@pytest.mark.parametrize("separator", [",", ", ", ";", "; "])
def test_an_agent_of_another_version_is_refused(client, separator):
    header = f'profile="https://agent.example/"{separator}version="2026-01-11"'

    answer = ask(client, "search", {"query": "x"}, status=422, **{"UCP-Agent": header})

    assert answer["code"] == "version_unsupported"
    assert answer["content"] == (
        "Version '2026-01-11' of UCP is not supported. This shop supports version "
        "2026-08-25."
    )


def test_an_agent_may_name_the_version(client, samples):
    header = 'other, profile="https://agent.example/";version="2026-08-25"'

    ask(client, "search", {"query": "lamp"}, **{"UCP-Agent": header})
