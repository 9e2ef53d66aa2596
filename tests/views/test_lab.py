"""The lab's story, with the bundled vectors: what must come out."""

import pytest

from products.models import Product
from products.samples import NEW_PRODUCTS, SAMPLE_PRODUCTS, fixture_products
from tests.conftest import BrokenBackend

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("samples")]


def similar_names(client, sku):
    product = Product.objects.get(sku=sku)
    response = client.get("/similar/", {"product": product.pk})
    return [hit.product.name for hit in response.context["results"]]


def add(client, sku):
    client.post("/products/add/prepared/", {"sku": sku})


def test_the_earbuds_are_most_like_the_headphones(client):
    names = similar_names(client, "wireless-bluetooth-headphones")

    assert names[0] == "Noise Cancelling Earbuds"
    assert len(names) == 5


def test_the_espresso_machine_becomes_most_like_the_coffee_maker(client):
    before = similar_names(client, "coffee-maker")

    add(client, "espresso-machine")

    assert "Espresso Machine" not in before
    assert similar_names(client, "coffee-maker")[0] == "Espresso Machine"


def test_the_gaming_mouse_comes_among_the_five_like_the_gaming_laptop(client):
    before = similar_names(client, "gaming-laptop")

    add(client, "wireless-gaming-mouse")

    assert "Wireless Gaming Mouse" not in before
    assert "Wireless Gaming Mouse" in similar_names(client, "gaming-laptop")


@pytest.mark.parametrize(
    ("fixture", "names"),
    [
        (
            SAMPLE_PRODUCTS,
            {
                "Wireless Bluetooth Headphones",
                "Noise Cancelling Earbuds",
                "Smart Watch",
                "Gaming Laptop",
                "Ultrabook Laptop",
                "Mechanical Keyboard",
                "Running Shoes",
                "Trail Running Shoes",
                "Yoga Mat",
                "Coffee Maker",
            },
        ),
        (
            NEW_PRODUCTS,
            {"Espresso Machine", "Wireless Gaming Mouse", "Fitness Tracker Band"},
        ),
    ],
)
def test_the_labs_products_are_all_there(fixture, names):
    products = fixture_products(fixture)

    assert {product.name for product in products} == names
    assert {product.category for product in products} <= {
        "Electronics",
        "Computers",
        "Sports",
        "Home",
    }
    assert all(product.price > 0 and product.description for product in products)


def test_the_labs_path_embeds_nothing(client, settings, monkeypatch):
    settings.EMBEDDING_BACKEND = "tests.conftest.BrokenBackend"
    asked = []
    monkeypatch.setattr(BrokenBackend, "vectors", lambda self, texts: asked.append(1))

    add(client, "espresso-machine")
    first = similar_names(client, "coffee-maker")[0]

    assert (first, asked) == ("Espresso Machine", [])
