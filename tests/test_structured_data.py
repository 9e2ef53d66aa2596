"""A product in the words of schema.org."""

from decimal import Decimal

from products.models import Product
from products.offers import offer_of
from products.structured_data import breadcrumb_data, product_data


def absolute(address):
    return f"https://shop.example{address}"


def test_a_product_has_its_facts_and_its_offer(settings):
    settings.CURRENCY = "€"
    lamp = Product(pk=1, name="Lamp", sku="lamp-1", category="Home", price=1299)
    lamp.description = "Bright."

    data = product_data(offer_of(lamp, absolute))

    assert data == {
        "@context": "https://schema.org",
        "@type": "Product",
        "name": "Lamp",
        "sku": "lamp-1",
        "url": "https://shop.example/products/1/",
        "category": "Home",
        "description": "Bright.",
        "offers": {
            "@type": "Offer",
            "price": "1299.00",
            "priceCurrency": "EUR",
            "url": "https://shop.example/products/1/",
        },
    }


def test_settings_say_what_the_database_does_not_know(settings):
    settings.CURRENCY = "JPY"
    settings.OFFER_AVAILABILITY = "in_stock"
    settings.OFFER_CONDITION = "new"
    settings.OFFER_BRAND = "Contoso"
    settings.SELLER_NAME = "Contoso Shop"
    lamp = Product(pk=1, name="Lamp", sku="lamp-1", price=Decimal("12.50"))

    data = product_data(offer_of(lamp, absolute))

    assert data["brand"] == {"@type": "Brand", "name": "Contoso"}
    assert data["offers"] == {
        "@type": "Offer",
        "price": "13",
        "priceCurrency": "JPY",
        "url": "https://shop.example/products/1/",
        "availability": "https://schema.org/InStock",
        "itemCondition": "https://schema.org/NewCondition",
        "seller": {"@type": "Organization", "name": "Contoso Shop"},
    }


def test_what_is_not_known_is_left_out(settings):
    settings.CURRENCY = "$"
    plain = Product(pk=1, name="Lamp", sku="lamp-1", price=1)

    assert product_data(offer_of(plain, absolute)).keys() == {
        "@context",
        "@type",
        "name",
        "sku",
        "url",
    }


def test_a_picture_has_a_whole_address():
    lamp = Product(pk=1, name="Lamp", sku="l", price=1, image=f"upload:{32 * 'a'}")

    image = product_data(offer_of(lamp, absolute))["image"]

    assert image == f"https://shop.example/pictures/{32 * 'a'}-960.webp"


def test_breadcrumbs_are_counted_from_one():
    data = breadcrumb_data([("Products", "https://x/"), ("Lamp", "https://x/1/")])

    assert data["itemListElement"] == [
        {"@type": "ListItem", "position": 1, "name": "Products", "item": "https://x/"},
        {"@type": "ListItem", "position": 2, "name": "Lamp", "item": "https://x/1/"},
    ]
