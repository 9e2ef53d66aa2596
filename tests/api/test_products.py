"""A product as JSON, what is like it, and why a search does not find it."""

from urllib.parse import quote

import pytest

from products.models import Product
from products.search import answer
from tests.factory import axis, make_product, near

pytestmark = pytest.mark.django_db

PROBLEM = "application/problem+json"


@pytest.fixture
def lamps():
    """A lamp, and three at the distances 0.1, 0.2 and 0.3 from it."""
    make_product(sku="lamp", name="Lamp", embedding=axis(0), price="20.5")
    for number in (3, 1, 2):
        vector = near(number / 10)
        category = "Home" if number < 3 else "Work"
        sku, name = f"lamp-{number}", f"Lamp {number}"
        make_product(
            sku=sku, name=name, category=category, embedding=vector, price=number
        )


def skus(response):
    return [hit["product"]["sku"] for hit in response.json()["hits"]]


def test_a_product_is_found_by_its_sku(client, settings):
    settings.CURRENCY = "€"
    lamp = make_product(sku="lamp-1", name="Lamp", category="Home", price="20.5")

    response = client.get("/api/v1/products/lamp-1")

    assert response.status_code == 200
    assert response.json() == {
        "sku": "lamp-1",
        "name": "Lamp",
        "category": "Home",
        "description": "",
        "price": "20.50",
        "currency": "EUR",
        "url": f"http://testserver/products/{lamp.pk}/",
        "image": None,
    }


@pytest.mark.parametrize(
    ("image", "address"),
    [
        ("sample:earbuds", "http://testserver/static/products/samples/earbuds.svg"),
        ("https://pictures.example/1.jpg", "https://pictures.example/1.jpg"),
        ("https://elsewhere.example/1.jpg", None),
    ],
)
def test_the_address_of_a_picture_is_whole(client, settings, image, address):
    settings.IMAGE_HOSTS = ["pictures.example"]
    make_product(sku="lamp-1", image=image)

    assert client.get("/api/v1/products/lamp-1").json()["image"] == address


ODD = [
    "A/1",
    "a//b",
    "/a",
    "ü 1",
    "a?b",
    "a#b",
    "a+b",
    "a;b",
    "50%",
    "a%2Fb",
    "a/b/why",
]


@pytest.mark.parametrize("safe", ["/", ""], ids=["slash", "escaped"])
@pytest.mark.parametrize("sku", ODD)
def test_a_sku_may_have_any_letters(client, sku, safe):
    make_product(sku=sku, name="Odd")
    make_product(sku="a/b", name="Another")
    address = f"/api/v1/products/{quote(sku, safe=safe)}"

    assert client.get(address).json()["sku"] == sku
    hits = client.get(f"{address}/similar").json()["hits"]
    assert [hit["product"]["sku"] for hit in hits] == ["a/b"]
    assert client.get(f"{address}/why-not?q=odd").json()["product"]["sku"] == sku


@pytest.mark.parametrize("end", ["similar", "why-not"])
def test_an_address_that_ends_like_a_question_asks_it(client, end):
    make_product(sku="lamp", name="Lamp")
    make_product(sku=f"lamp/{end}", name="Odd")

    asked = client.get(f"/api/v1/products/lamp/{end}?limit=1").json()
    of_the_odd = client.get(f"/api/v1/products/lamp/{end}/similar").json()
    found = client.get(f"/api/v1/search?q=lamp/{end}&limit=1").json()

    assert "sku" not in asked
    assert [hit["product"]["sku"] for hit in of_the_odd["hits"]] == ["lamp"]
    assert [hit["product"]["sku"] for hit in found["hits"]] == [f"lamp/{end}"]


def test_a_sku_that_is_no_utf8_is_unknown(client):
    assert client.get("/api/v1/products/%FF").status_code == 404


@pytest.mark.parametrize("sku", ["nothing", "LAMP-1", "%00", 500 * "x"])
@pytest.mark.parametrize("rest", ["", "/similar", "/similar?diversity=1", "/why-not"])
def test_a_product_that_is_not_there_is_a_problem(client, sku, rest):
    make_product(sku="lamp-1", name="Lamp")

    response = client.get(f"/api/v1/products/{sku}{rest}")

    assert response.status_code == 404
    assert response.headers["Content-Type"] == PROBLEM
    problem = response.json()
    assert "There is no product with the sku" in problem.pop("detail")
    assert problem == {"type": "about:blank", "title": "Not Found", "status": 404}


@pytest.mark.parametrize("rest", ["", "/similar?limit=1"])
def test_one_statement_reads_it(client, django_assert_num_queries, rest):
    make_product(sku="lamp-1", name="Lamp")
    make_product(sku="lamp-2", name="Lamp")
    make_product(sku="lamp-3", name="Lamp")

    with django_assert_num_queries(1):
        client.get(f"/api/v1/products/lamp-1{rest}")


def test_what_is_like_a_product_comes_nearest_first(client, lamps):
    response = client.get("/api/v1/products/lamp/similar")

    assert skus(response) == ["lamp-1", "lamp-2", "lamp-3"]
    first, *_ = response.json()["hits"]
    assert first["rank"] == first["semantic_rank"] == 1
    assert first["similarity"] == pytest.approx(0.9, abs=1e-6)
    assert first["distance"] == pytest.approx(0.1, abs=1e-6)
    assert first["product"]["price"] == "1.00"
    assert response.json()["total"] == {"value": 3, "relation": "exact"}
    assert response.json()["mode"] == "similar"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("limit=2", ["lamp-1", "lamp-2"]),
        ("limit=200", ["lamp-1", "lamp-2", "lamp-3"]),
        ("category=Home", ["lamp-1", "lamp-2"]),
        ("category=Home&category=Work", ["lamp-1", "lamp-2", "lamp-3"]),
        ("min_price=2", ["lamp-2", "lamp-3"]),
        ("max_price=2.5&min_price=1.5", ["lamp-2"]),
        ("diversity=0.5&limit=1", ["lamp-1"]),
    ],
)
def test_what_is_like_a_product_can_be_narrowed(client, lamps, query, expected):
    response = client.get(f"/api/v1/products/lamp/similar?{query}")

    assert skus(response) == expected


def test_the_sku_finds_what_the_id_finds(lamps):
    pk = Product.objects.get(sku="lamp").pk

    by_id = answer.similar_to(pk, page_size=2)[1]
    by_sku = answer.similar_to("lamp", page_size=2)[1]

    assert [hit.pk for hit in by_id] == [hit.pk for hit in by_sku]
    assert len(by_sku.hits) == 2


def test_the_total_says_where_there_may_be_others(client, lamps):
    response = client.get("/api/v1/products/lamp/similar?limit=2")

    assert response.json()["total"] == {"value": 3, "relation": "at_least"}


def test_a_cursor_leads_to_the_rest(client, lamps):
    first = client.get("/api/v1/products/lamp/similar?limit=2")
    cursor = first.json()["next_cursor"]

    second = client.get(f"/api/v1/products/lamp/similar?limit=2&cursor={cursor}")

    assert skus(second) == ["lamp-3"]
    assert second.json()["hits"][0]["rank"] == 3
    assert second.json()["next_cursor"] is None


def test_a_cursor_is_of_one_product(client, lamps):
    first = client.get("/api/v1/products/lamp/similar?limit=2")
    cursor = first.json()["next_cursor"]

    other = client.get(f"/api/v1/products/lamp-1/similar?limit=2&cursor={cursor}")

    assert other.status_code == 400
    assert other.json()["errors"][0]["code"] == "other_question"


def test_a_product_without_an_embedding_says_so(client):
    make_product(sku="bare", embedding=None)

    response = client.get("/api/v1/products/bare/similar")

    assert response.json()["hits"] == []
    assert response.json()["notice"]


def test_it_says_what_keeps_a_product_out(client, lamps):
    response = client.get("/api/v1/products/lamp/why-not?q=lamp&max_price=10")

    found = response.json()
    assert found["product"]["sku"] == "lamp"
    assert found["verdict"] == "“Lamp” is not in the results."
    assert (found["place"], found["stopped_by"]) == (None, ["price"])
    [gate] = [gate for gate in found["gates"] if gate["condition"] == "price"]
    assert not gate["passed"]


def test_it_says_where_a_product_is(client, lamps):
    response = client.get("/api/v1/products/lamp-3/why-not?sort=-price&limit=2")

    found = response.json()
    assert (found["place"], found["page"], found["total"]) == (2, 1, 4)
