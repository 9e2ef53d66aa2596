"""A product in the words of schema.org."""

import pytest

from products.models import Product
from products.structured_data import breadcrumb_data, currency_code, product_data

LAMP = Product(
    name="Lamp", sku="lamp-1", category="Home", description="Bright.", price=1299
)


@pytest.mark.parametrize(
    ("sign", "code"),
    [
        ("€", "EUR"),
        (" € ", "EUR"),
        ("US$", "USD"),
        ("USD", "USD"),
        ("CHF ", "CHF"),
        ("$", None),
        ("kr", None),
        ("XYZ", None),
        ("points", None),
    ],
)
def test_a_sign_of_one_currency_alone_has_a_code(sign, code):
    assert currency_code(sign) == code


def test_a_product_has_its_facts_and_its_offer(settings):
    settings.CURRENCY = "€"

    data = product_data(LAMP, url="https://shop.example/1/", image="https://x/l.webp")

    assert data == {
        "@context": "https://schema.org",
        "@type": "Product",
        "name": "Lamp",
        "sku": "lamp-1",
        "url": "https://shop.example/1/",
        "category": "Home",
        "description": "Bright.",
        "image": "https://x/l.webp",
        "offers": {
            "@type": "Offer",
            "price": "1299.00",
            "priceCurrency": "EUR",
            "url": "https://shop.example/1/",
        },
    }


def test_what_is_not_known_is_left_out(settings):
    settings.CURRENCY = "$"
    plain = Product(name="Lamp", sku="lamp-1", price=1)

    assert product_data(plain, url="https://shop.example/1/", image=None).keys() == {
        "@context",
        "@type",
        "name",
        "sku",
        "url",
    }


def test_breadcrumbs_are_counted_from_one():
    data = breadcrumb_data([("Products", "https://x/"), ("Lamp", "https://x/1/")])

    assert data["itemListElement"] == [
        {"@type": "ListItem", "position": 1, "name": "Products", "item": "https://x/"},
        {"@type": "ListItem", "position": 2, "name": "Lamp", "item": "https://x/1/"},
    ]
