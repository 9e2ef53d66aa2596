"""Feeds of the catalogue: for Google, and for agents by ACP."""

import csv
import gzip
import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from products.models import Product
from tests.factory import make_product

pytestmark = pytest.mark.django_db

SITE = "https://shop.example"


def export(name, format, **options):
    out = StringIO()
    call_command(
        "export_products",
        str(name),
        format=format,
        **{"site": SITE, **options},
        stdout=out,
        stderr=StringIO(),
    )
    return out.getvalue()


@pytest.fixture
def lamp():
    return make_product(
        sku="lamp-1",
        name="Lamp",
        category="Home > Light",
        description='Bright,\n"warm"\tand small.',
        price="12.99",
        image=f"upload:{32 * 'a'}",
    )


def google(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def test_google_gets_a_table(lamp, tmp_path):
    path = tmp_path / "feed.tsv"

    export(path, "google")

    assert google(path) == [
        {
            "id": "lamp-1",
            "title": "Lamp",
            "description": 'Bright, "warm" and small.',
            "link": f"https://shop.example/products/{lamp.pk}/",
            "image_link": f"https://shop.example/pictures/{32 * 'a'}-960.webp",
            "price": "12.99 USD",
            "product_type": "Home > Light",
        }
    ]


def test_settings_add_the_columns_that_they_say(lamp, tmp_path, settings):
    settings.OFFER_AVAILABILITY = "preorder"
    settings.OFFER_CONDITION = "new"
    settings.OFFER_BRAND = "Contoso"
    path = tmp_path / "feed.tsv"

    export(path, "google")

    [row] = google(path)
    assert (row["availability"], row["condition"]) == ("preorder", "new")
    assert row["brand"] == "Contoso"


def test_what_google_still_wants_is_said(lamp, tmp_path, settings):
    make_product(name="Bare", sku="b" * 51)
    path = tmp_path / "feed.tsv"

    said = export(path, "google").splitlines()

    assert said == [
        f"Exported 2 products to {path}.",
        "Google wants the availability of every product. Set OFFER_AVAILABILITY if it "
        "is the same for all, or add it by a supplemental feed.",
        "Google wants a picture of every product; 1 have none.",
        "Google wants a description of every product; 1 have none.",
        "Google takes ids of at most 50 characters; the skus of 1 products are longer.",
    ]


def test_an_import_reads_the_feed_of_google(lamp, tmp_path):
    path = tmp_path / "feed.tsv"
    export(path, "google")
    Product.objects.all().delete()

    call_command(
        "import_products",
        str(path),
        preset="google",
        stdout=StringIO(),
        stderr=StringIO(),
    )

    product = Product.objects.get()
    assert (product.sku, product.name) == ("lamp-1", "Lamp")
    assert str(product.price) == "12.99"


def test_acp_gets_one_product_a_line(lamp, tmp_path, settings):
    settings.CURRENCY = "KWD"
    settings.OFFER_AVAILABILITY = "in_stock"
    settings.OFFER_CONDITION = "new"
    settings.SELLER_NAME = "Contoso"
    make_product(sku="bare", name="Bare", price=1)
    path = tmp_path / "feed.jsonl.gz"

    export(path, "acp")

    first, second = map(json.loads, gzip.decompress(path.read_bytes()).splitlines())
    shared = {
        "id": "lamp-1",
        "title": "Lamp",
        "description": {"plain": 'Bright,\n"warm"\tand small.'},
        "url": f"https://shop.example/products/{lamp.pk}/",
        "media": [
            {
                "type": "image",
                "url": f"https://shop.example/pictures/{32 * 'a'}-960.webp",
                "alt_text": "Lamp",
            }
        ],
    }
    assert first == shared | {
        "variants": [
            shared
            | {
                "price": {"amount": 12990, "currency": "KWD"},
                "availability": {"available": True, "status": "in_stock"},
                "categories": [{"value": "Home > Light", "taxonomy": "merchant"}],
                "condition": ["new"],
                "seller": {"name": "Contoso"},
            }
        ]
    }
    assert "description" not in second


def test_what_the_shop_does_not_know_is_not_in_a_feed(lamp, tmp_path):
    path = tmp_path / "feed.jsonl"

    export(path, "acp")

    [product] = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    assert set(product["variants"][0]) == {
        *("id", "title", "description", "url", "media"),
        *("price", "categories"),
    }


def test_a_site_may_lie_below_a_path(lamp, tmp_path):
    path = tmp_path / "feed.tsv"

    export(path, "google", site="https://shop.example/shop/")

    assert google(path)[0]["link"] == f"https://shop.example/shop/products/{lamp.pk}/"


def test_a_picture_elsewhere_keeps_its_address(tmp_path, settings):
    settings.IMAGE_HOSTS = ["cdn.example"]
    make_product(image="https://cdn.example/lamp.jpg")
    path = tmp_path / "feed.tsv"

    export(path, "google")

    assert google(path)[0]["image_link"] == "https://cdn.example/lamp.jpg"


@pytest.mark.parametrize(
    "site", ["", "shop.example", "ftp://x", "https://", "https://["]
)
def test_a_feed_needs_the_address_of_the_site(lamp, tmp_path, site):
    path = tmp_path / "feed.tsv"

    with pytest.raises(CommandError, match="is not the address of a site. Pass --site"):
        export(path, "google", site=site)
    assert not path.exists()


def test_a_feed_needs_the_code_of_the_currency(lamp, tmp_path, settings):
    settings.CURRENCY = "$"
    path = tmp_path / "feed.tsv"

    with pytest.raises(CommandError, match="Set CURRENCY to a code of ISO 4217"):
        export(path, "google")
    assert not path.exists()


def test_options_that_do_not_go_together_are_refused(lamp, tmp_path):
    path = tmp_path / "feed.tsv"

    with pytest.raises(CommandError, match="A feed has no embeddings."):
        export(path, "google", with_vectors=True)
    with pytest.raises(CommandError, match="--site is for a feed."):
        export(path, "tsv")


def test_a_feed_of_no_products_has_its_columns(tmp_path):
    export(tmp_path / "feed.tsv", "google")
    export(tmp_path / "feed.jsonl", "acp")

    assert (tmp_path / "feed.tsv").read_text().startswith("id\ttitle\tdescription\t")
    assert (tmp_path / "feed.jsonl").read_text() == ""
