"""Finding a product while somebody types its name."""

import pytest

from products.models import Product
from products.views.typeahead import products_named_like
from tests.factory import make_product


@pytest.mark.usefixtures("samples")
@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("headph", "Wireless Bluetooth Headphones"),
        ("headphones", "Wireless Bluetooth Headphones"),
        ("RUNNING sh", "Running Shoes"),
        ("coffee", "Coffee Maker"),
    ],
)
def test_half_a_name_finds_the_product(typed, first):
    assert products_named_like(typed)[0].name == first


@pytest.mark.django_db
@pytest.mark.parametrize("typed", ["", "  ", "'", "a' | 'b", "\\", ":*", "%", "🎧"])
def test_no_typed_text_is_a_failure(client, typed):
    make_product(name="a b")

    assert client.get("/similar/", {"q": typed}).status_code == 200


@pytest.mark.django_db
@pytest.mark.parametrize(("typed", "says"), [("\0", "NUL"), ("x" * 1001, "Shorten")])
def test_what_nobody_can_search_for_is_reported(client, typed, says):
    response = client.get("/similar/", {"q": typed})

    assert response.status_code == 400
    assert says in response.content.decode()


@pytest.mark.usefixtures("samples")
@pytest.mark.parametrize("typed", ["Yoga Mat", " yoga-mat "])
def test_a_complete_name_or_number_leads_to_its_product(client, typed):
    response = client.get("/similar/", {"q": typed})

    product = Product.objects.get(sku="yoga-mat")
    assert response.url == f"/similar/?product={product.pk}"


@pytest.mark.django_db
def test_a_name_of_two_products_leads_to_the_list(client):
    make_product(name="Lamp", sku="lamp-1")
    make_product(name="Lamp", sku="lamp-2")

    page = client.get("/similar/", {"q": "Lamp"}).content.decode()

    assert page.count('<li><a href="/similar/?product=') == 2
