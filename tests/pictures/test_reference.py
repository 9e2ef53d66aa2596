"""What the column `image` may hold, and which addresses pages show."""

import pytest
from django.core.exceptions import ValidationError

from products.models import Product
from products.pictures.reference import SAMPLES, check_reference, host_of, is_elsewhere

DIGEST = "0123456789abcdef" * 2


@pytest.mark.parametrize(
    "text",
    [
        "",
        "https://shop.example/lamp.jpg",
        "http://shop.example/lamp.jpg",
        "https://shop.example:8443/a,b/lamp.jpg?size=2&x=%20#top",
        "https://bücher.example/größe.png",
        "HTTPS://Shop.example/lamp.jpg",
        f"https://shop.example/{'x' * 279}",
        f"upload:{DIGEST}",
        "sample:headphones",
    ],
)
def test_references_are_taken(text):
    check_reference(text)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("lamp.jpg", "address"),
        ("/static/lamp.jpg", "address"),
        ("//shop.example/lamp.jpg", "address"),
        ("javascript:alert(1)", "address"),
        ("java\nscript:alert(1)", "address"),
        ("data:image/svg+xml,<svg onload=alert(1)>", "address"),
        ("file:///etc/passwd", "address"),
        ("ftp://shop.example/lamp.jpg", "address"),
        ("https://", "address"),
        ("https:///lamp.jpg", "address"),
        ("https://user:secret@shop.example/lamp.jpg", "address"),
        ("https://user@shop.example/lamp.jpg", "address"),
        ("https://good.example\\@bad.example/lamp.jpg", "address"),
        ("https://shop.example:99999/lamp.jpg", "address"),
        ("https://shop.example:0/lamp.jpg", "address"),
        ("https://shop.example:x/lamp.jpg", "address"),
        ("https://[::1/lamp.jpg", "address"),
        ("https://shop.example;script-src *", "address"),
        ("https://shop.example/a lamp.jpg", "address"),
        ("https://shop.example/lamp\n.jpg", "address"),
        ("https://shop.example/lamp\0.jpg", "address"),
        ("https://shop.example/\u202egpj.jpg", "address"),
        (f"https://shop.example/{'x' * 280}", "max_length"),
        ("upload:", "upload"),
        ("upload:../../etc/passwd", "upload"),
        (f"upload:{DIGEST}\n", "upload"),
        (f"upload:{DIGEST.upper()}", "upload"),
        ("sample:../icon", "sample"),
        ("sample:", "sample"),
    ],
)
def test_other_texts_are_refused(text, code):
    with pytest.raises(ValidationError) as caught:
        check_reference(text)

    assert caught.value.code == code


def test_the_model_asks_for_a_reference():
    product = Product(name="Lamp", price=1, image="javascript:alert(1)")

    with pytest.raises(ValidationError) as caught:
        product.full_clean(validate_unique=False, validate_constraints=False)

    assert list(caught.value.message_dict) == ["image"]


def test_every_sample_of_the_lab_has_a_drawing_of_its_own():
    from products.samples import NEW_PRODUCTS, SAMPLE_PRODUCTS, fixture_products

    products = [*fixture_products(SAMPLE_PRODUCTS), *fixture_products(NEW_PRODUCTS)]
    images = [product.image for product in products]

    assert len(set(images)) == 13
    assert {image.removeprefix("sample:") for image in images} == SAMPLES


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("https://Shop.example/lamp.jpg", "shop.example"),
        ("https://shop.example:443/lamp.jpg", "shop.example"),
        ("https://shop.example:80/lamp.jpg", "shop.example:80"),
        ("http://shop.example:80/lamp.jpg", "shop.example"),
        ("sample:headphones", ""),
        ("", ""),
    ],
)
def test_the_host_of_an_address_has_its_unusual_port(text, host):
    assert host_of(text) == host


@pytest.mark.parametrize(
    ("text", "elsewhere"),
    [
        ("https://cdn.example/lamp.jpg", False),
        ("https://cdn.example:8443/lamp.jpg", True),
        ("http://cdn.example/lamp.jpg", True),
        ("https://evil-cdn.example/lamp.jpg", True),
        ("https://cdn.example.evil.example/lamp.jpg", True),
        ("sample:headphones", False),
        (f"upload:{DIGEST}", False),
        ("", False),
    ],
)
def test_pages_show_https_addresses_of_the_hosts_that_are_named(
    settings, text, elsewhere
):
    settings.IMAGE_HOSTS = ["cdn.example"]

    assert is_elsewhere(text) is elsewhere
