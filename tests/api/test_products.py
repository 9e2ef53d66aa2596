"""A product as JSON, and the problem documents in its place."""

import pytest

from tests.factory import make_product

pytestmark = pytest.mark.django_db

PROBLEM = "application/problem+json"


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


@pytest.mark.parametrize("sku", ["A/1", "ü 1", "a?b"])
def test_a_sku_may_have_any_letters(client, sku):
    make_product(sku=sku, name="Odd")

    escaped = sku.replace("?", "%3F").replace(" ", "%20")

    assert client.get(f"/api/v1/products/{escaped}").json()["sku"] == sku


@pytest.mark.parametrize("sku", ["nothing", "LAMP-1", "%00", 500 * "x"])
def test_a_product_that_is_not_there_is_a_problem(client, sku):
    make_product(sku="lamp-1", name="Lamp")

    response = client.get(f"/api/v1/products/{sku}")

    assert response.status_code == 404
    assert response.headers["Content-Type"] == PROBLEM
    problem = response.json()
    assert "There is no product with the sku" in problem.pop("detail")
    assert problem == {"type": "about:blank", "title": "Not Found", "status": 404}


def test_one_statement_reads_it(client, django_assert_num_queries):
    make_product(sku="lamp-1", name="Lamp")

    with django_assert_num_queries(1):
        client.get("/api/v1/products/lamp-1")
