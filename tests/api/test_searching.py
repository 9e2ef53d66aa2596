"""Searching, counting and completing by the API."""

import json

import pytest
from django.contrib.auth.models import Permission
from django.core import signing
from django.test import override_settings

from products.api import cursors
from products.models import Product
from tests.factory import make_product

pytestmark = pytest.mark.django_db

SEARCH = "/api/v1/search"
DETERMINISTIC = "products.embeddings.deterministic.EmbeddingBackend"
PROBLEM = "application/problem+json"


@pytest.fixture
def shop():
    """Five lamps of two categories that cost 1 to 5, and a chair."""
    for number in range(1, 6):
        category = "Home" if number < 4 else "Work"
        sku, name = f"lamp-{number}", f"Lamp {number}"
        Product(sku=sku, name=name, category=category, price=number).save()
    Product(sku="chair", name="Chair", category="Work", price=50).save()


def skus(response):
    assert response.status_code == 200, response.content
    return [hit["product"]["sku"] for hit in response.json()["hits"]]


def post(client, **body):
    return client.post(SEARCH, body, content_type="application/json")


def problem(response, status):
    """The problem that an answer is."""
    found = response.status_code, response.headers["Content-Type"]
    assert found == (status, PROBLEM), response.content
    return response.json()


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("q=lamp&mode=keyword&sort=price&limit=3", ["lamp-1", "lamp-2", "lamp-3"]),
        ("q=lamp&mode=keyword&sort=-price&limit=2", ["lamp-5", "lamp-4"]),
        ("q=lamp&mode=keyword&sort=price&category=Work", ["lamp-4", "lamp-5"]),
        ("q=lamp+-2&mode=keyword&sort=price&max_price=3", ["lamp-1", "lamp-3"]),
        ("q=lamp&mode=keyword&min_price=4.5", ["lamp-5"]),
        ("q=chair&mode=hybrid&limit=1", ["chair"]),
        ("q=lamp-2&limit=1", ["lamp-2"]),
        ("sort=-price&limit=1", ["chair"]),
        ("limit=2", ["chair", "lamp-1"]),
    ],
)
def test_a_search_finds_what_the_shop_finds(client, shop, query, expected):
    assert skus(client.get(f"{SEARCH}?{query}")) == expected


def test_the_answer_has_the_names_of_the_python_api(client, shop):
    answer = client.get(f"{SEARCH}?q=lamp-2").json()

    assert answer["mode"] == "hybrid"
    assert answer["plan"] is None
    assert answer["total"]["relation"] == "exact"
    assert answer["hits"][0]["exact"]
    assert set(answer["hits"][0]) == {
        *("rank", "score", "similarity", "distance", "semantic_rank"),
        *("keyword_rank", "words", "exact", "product"),
    }


def test_a_mistyped_text_is_corrected(client, shop):
    answer = client.get(f"{SEARCH}?q=chiar&mode=keyword").json()
    literal = client.get(f"{SEARCH}?q=chiar&mode=keyword&literal=true").json()

    assert (answer["corrected"], answer["total"]["value"]) == ("chair", 1)
    assert (literal["corrected"], literal["total"]["value"]) == ("", 0)


# Pages


def test_cursors_lead_through_all_pages(client, shop):
    found, address = [], f"{SEARCH}?q=lamp&mode=keyword&sort=price&limit=2"
    cursor = ""
    while cursor is not None:
        response = client.get(f"{address}&cursor={cursor}")
        found.append(skus(response))
        cursor = response.json()["next_cursor"]

    assert found == [["lamp-1", "lamp-2"], ["lamp-3", "lamp-4"], ["lamp-5"]]


def test_a_page_after_the_last_has_no_products(client, shop):
    address = f"{SEARCH}?q=lamp&mode=keyword&sort=price&limit=4"
    cursor = client.get(address).json()["next_cursor"]
    Product.objects.filter(sku__in=["lamp-4", "lamp-5"]).delete()

    answer = client.get(f"{address}&cursor={cursor}").json()

    assert (answer["hits"], answer["next_cursor"]) == ([], None)
    assert answer["total"]["value"] == 3


def of_another_version(signed):
    return signing.dumps(signed, salt=cursors.SALT)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda cursor: cursor[:-1], "wrong"),
        (lambda cursor: "x", "wrong"),
        (lambda cursor: "é:a:b", "wrong"),
        (lambda cursor: of_another_version({"page": 2, "place": 1}), "wrong"),
        (lambda cursor: of_another_version(7), "wrong"),
        (lambda cursor: f"{cursor}&limit=3", "other_question"),
        (lambda cursor: f"{cursor}&min_price=2", "other_question"),
    ],
)
def test_a_wrong_cursor_is_a_problem(client, shop, change, code):
    cursor = client.get(f"{SEARCH}?q=lamp&limit=2").json()["next_cursor"]

    response = client.get(
        f"{SEARCH}?q=lamp&cursor={change(cursor)}&limit=2"
        if "&" not in change(cursor)
        else f"{SEARCH}?q=lamp&cursor={change(cursor)}"
    )

    found = problem(response, 400)
    assert found["type"] == "urn:vectorshop:problem:cursor"
    assert found["errors"][0] | {"detail": ""} == {
        "detail": "",
        "code": code,
        "parameter": "cursor",
    }


def test_an_old_cursor_is_a_problem(client, shop, monkeypatch):
    cursor = client.get(f"{SEARCH}?q=lamp&limit=2").json()["next_cursor"]
    monkeypatch.setattr("products.api.cursors.VALID", -1)

    response = client.get(f"{SEARCH}?q=lamp&limit=2&cursor={cursor}")

    assert problem(response, 400)["errors"][0]["code"] == "expired"


def switch_model(monkeypatch):
    """Let all vectors be of another recipe, as after `migrate_embeddings --switch`."""
    fingerprint = "products.embeddings.base.BaseEmbeddingBackend.fingerprint"
    monkeypatch.setattr(fingerprint, property(lambda backend: "another"))
    Product.objects.update(embedding_fingerprint="another")


@pytest.mark.parametrize(
    "address", [f"{SEARCH}?q=lamp&limit=2", "/api/v1/products/lamp-1/similar?limit=2"]
)
def test_a_model_that_was_switched_between_pages_is_a_problem(
    client, shop, monkeypatch, address
):
    cursor = client.get(address).json()["next_cursor"]
    switch_model(monkeypatch)

    response = client.get(f"{address}&cursor={cursor}")

    found = problem(response, 409)
    assert found["type"] == "urn:vectorshop:problem:model-switched"
    assert found["title"] == "The embedding model was switched"
    assert client.get(address).status_code == 200


def test_a_page_by_meaning_does_not_continue_one_by_words(client, shop, broken_model):
    address = f"{SEARCH}?q=lamp&limit=2"
    cursor = client.get(address).json()["next_cursor"]

    with override_settings(EMBEDDING_BACKEND=DETERMINISTIC):
        response = client.get(f"{address}&cursor={cursor}")

    found = problem(response, 409)
    assert found["type"] == "urn:vectorshop:problem:cursor"
    assert "Only one of both is ranked by meaning." in found["detail"]


def test_words_alone_know_no_model(client, shop, monkeypatch):
    address = f"{SEARCH}?q=lamp&limit=2&mode=keyword"
    cursor = client.get(address).json()["next_cursor"]
    switch_model(monkeypatch)

    assert client.get(f"{address}&cursor={cursor}").status_code == 200


# Examples


def test_examples_are_given_by_their_skus(client, by_hand):
    response = post(client, like=["lamp"], unlike=["home"])
    [hit] = response.json()["hits"]

    assert hit["product"]["sku"] == "hit"
    assert response.json()["mode"] == "similar"


def test_examples_can_stand_beside_a_text(client, by_hand):
    response = post(client, q="bright", like=["home"], mode="semantic", limit=1)

    # Bright and home, halfway between, beside the product of all three words.
    assert skus(response) == ["hit"]
    [hit] = response.json()["hits"]
    assert hit["similarity"] == pytest.approx(2 / 6**0.5, abs=1e-6)


def test_the_body_has_a_cursor_too(client, shop):
    body = {"q": "lamp", "mode": "keyword", "sort": "price", "limit": 4}
    cursor = post(client, **body).json()["next_cursor"]

    assert skus(post(client, **body, cursor=cursor)) == ["lamp-5"]


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ({"like": ["lamp-1", "nothing"]}, "#/like/1", "unknown_sku"),
        ({"unlike": ["\0"]}, "#/unlike/0", "unsearchable"),
        ({"like": ["\ud800"]}, "#/like/0", "unsearchable"),
        ({"like": 21 * ["lamp-1"]}, "#/like", "too_long"),
        ({"q": "a\0"}, "#/q", "unsearchable"),
        ({"category": ["\0"]}, "#/category", "unsearchable"),
        ({"min_price": 3, "max_price": 2}, "#/min_price", "unsearchable"),
        ({"diversity": 2}, "#/diversity", "less_than_equal"),
        ({"mode": "odd"}, "#/mode", "enum"),
        ({"prize": 2}, "#/prize", "extra_forbidden"),
    ],
)
def test_a_wrong_value_of_the_body_has_a_pointer(client, shop, body, pointer, code):
    response = client.post(SEARCH, json.dumps(body), content_type="application/json")

    [error] = problem(response, 400)["errors"]
    assert (error["pointer"], error["code"]) == (pointer, code)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"like": 11 * ["lamp-1"], "unlike": 11 * ["lamp-2"]}, "#/unlike"),
        ({"q": "lamp", "like": ["lamp-1"], "mode": "keyword"}, "#/mode"),
    ],
)
def test_what_cannot_be_asked_together_is_a_problem(client, shop, body, pointer):
    found = problem(post(client, **body), 400)

    assert "example" in found["detail"].lower()
    assert found["errors"] == [
        {"detail": found["detail"], "code": "unsearchable", "pointer": pointer}
    ]


# Parameters


@pytest.mark.parametrize(
    ("query", "parameter", "code"),
    [
        ("q=%00", "q", "unsearchable"),
        (f"q={1001 * 'x'}", "q", "string_too_long"),
        ("limit=0", "limit", "greater_than_equal"),
        ("limit=201", "limit", "less_than_equal"),
        ("min_price=x", "min_price", "decimal_parsing"),
        ("min_price=NaN", "min_price", "finite_number"),
        ("max_price=-1", "max_price", "greater_than_equal"),
        ("min_price=2&max_price=1", "min_price", "unsearchable"),
        ("mode=odd", "mode", "enum"),
        ("category=%00", "category", "unsearchable"),
        ("&".join(51 * ["category=a"]), "category", "too_long"),
        ("prize=1", "prize", "unknown"),
        ("like=lamp-1", "like", "unknown"),
    ],
)
def test_a_wrong_parameter_is_named(client, query, parameter, code):
    [error] = problem(client.get(f"{SEARCH}?{query}"), 400)["errors"]

    assert (error["parameter"], error["code"]) == (parameter, code)


def test_a_large_price_is_one(client, shop):
    assert skus(client.get(f"{SEARCH}?min_price=1e30")) == []


# Explaining


def test_explaining_needs_a_key_or_a_permission(client, django_user_model):
    clerk = django_user_model.objects.create(username="clerk")
    address = f"{SEARCH}?q=lamp&explain=true"

    assert problem(client.get(address), 401)
    assert client.get(address).headers["WWW-Authenticate"].startswith("Bearer")
    client.force_login(clerk)
    assert "products.view_product" in problem(client.get(address), 403)["detail"]
    clerk.user_permissions.set(Permission.objects.filter(codename="view_product"))
    assert client.get(address).json()["plan"]["method"] == "exact"


def test_an_explanation_says_how_rows_were_read(admin_client, shop):
    plan = admin_client.get(f"{SEARCH}?q=lamp&explain=true").json()["plan"]

    assert plan["summary"].startswith("VectorShop ")
    assert plan["matching"] == 6
    assert plan["statements"] > 3
    assert {scan["step"] for scan in plan["scans"]} >= {"nearest"}


def test_what_was_made_for_one_person_is_not_kept(admin_client, client, shop):
    explained = admin_client.get(f"{SEARCH}?q=lamp&explain=true")

    assert "no-store" in explained.headers["Cache-Control"]


# Facets and suggestions


def test_facets_count_what_is_found(client, shop):
    facets = client.get("/api/v1/facets?q=lamp&mode=keyword&category=Work").json()

    assert facets == {
        "categories": [
            {"category": "Home", "count": 3},
            {"category": "Work", "count": 2},
        ],
        "prices": {"low": "1.00", "high": "50.00"},
    }


def test_facets_of_the_whole_catalogue(client, shop):
    facets = client.get("/api/v1/facets?max_price=4").json()

    assert [list(each.values()) for each in facets["categories"]] == [
        ["Home", 3],
        ["Work", 1],
    ]


def test_an_empty_shop_has_no_prices(client):
    assert client.get("/api/v1/facets").json() == {"categories": [], "prices": None}


def test_a_half_typed_text_is_completed(client, shop):
    found = client.get("/api/v1/suggest?q=ch").json()

    assert found["queries"] == ["chair"]
    assert [product["sku"] for product in found["products"]] == ["chair"]
    assert "description" not in found["products"][0]


@pytest.mark.parametrize("query", ["", "q=%00", f"q={1001 * 'x'}"])
def test_a_text_that_cannot_be_completed_is_a_problem_or_nothing(client, query):
    response = client.get(f"/api/v1/suggest?{query}")

    if query == "q=%00":
        assert response.json() == {"queries": [], "categories": [], "products": []}
    else:
        assert problem(response, 400)["errors"][0]["parameter"] == "q"


# Caches


def test_what_has_not_changed_is_not_sent_again(client, shop):
    first = client.get(f"{SEARCH}?q=lamp")
    etag = first.headers["ETag"]

    second = client.get(f"{SEARCH}?q=lamp", headers={"If-None-Match": etag})
    Product.objects.filter(sku="lamp-2").update(price=9)
    third = client.get(f"{SEARCH}?q=lamp", headers={"If-None-Match": etag})

    assert etag.startswith('W/"')
    assert first.headers["Cache-Control"] == "no-cache"
    assert (second.status_code, second.content) == (304, b"")
    assert second.headers["ETag"] == etag
    assert third.status_code == 200


def test_answers_are_packed_for_those_who_can_unpack(client, shop):
    packed = client.get(f"{SEARCH}?q=lamp", headers={"Accept-Encoding": "gzip"})

    assert packed.headers["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in packed.headers["Vary"]
    assert "Cookie" not in packed.headers["Vary"]


def test_head_has_the_headers_of_get(client, shop):
    address = f"{SEARCH}?q=lamp"
    head = client.head(address)

    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["ETag"] == client.get(address).headers["ETag"]


def test_answers_are_in_english(client):
    make_product(sku="bare", embedding=None)
    german = {"Accept-Language": "de"}

    response = client.get("/api/v1/products/bare/similar", headers=german)

    assert response.json()["notice"].endswith("can be compared with it.")
    assert response.headers["Content-Language"] == "en"
