"""The page of a product: what it shows to people and to search engines."""

import json
import re
from html import unescape

import pytest

from tests.factory import make_product, near

pytestmark = pytest.mark.django_db


def structured(page):
    """The data of a page, as a browser finds the end of its script."""
    [data] = re.findall(
        r'<script type="application/ld\+json">(.*?)</script', page, re.DOTALL | re.I
    )
    return json.loads(data)


def page_of(client, product):
    response = client.get(product.get_absolute_url())
    assert response.status_code == 200
    return response.content.decode()


def meta(page, name):
    [value] = re.findall(rf'<meta (?:name|property)="{name}" content="(.*?)">', page)
    return unescape(value)


def test_the_way_to_a_product_is_shown_and_told(client):
    page = page_of(client, make_product(name="Lamp", category="Home & garden"))

    assert '<li aria-current="page">Lamp</li>' in page
    assert '<a href="/?category=Home+%26+garden">Home &amp; garden</a>' in page
    _, way = structured(page)
    assert [(each["name"], each["item"]) for each in way["itemListElement"]][:2] == [
        ("Products", "http://testserver/"),
        ("Home & garden", "http://testserver/?category=Home+%26+garden"),
    ]


def test_search_engines_are_told_the_facts(client, settings):
    settings.CURRENCY = "€"
    product = make_product(name="Lamp", sku="lamp-1", description="Bright.", price=19)

    data, _ = structured(page_of(client, product))

    assert data["@type"] == "Product"
    assert data["sku"] == "lamp-1"
    assert data["url"] == f"http://testserver/products/{product.pk}/"
    assert data["offers"]["price"] == "19.00"
    assert data["offers"]["priceCurrency"] == "EUR"


def test_no_text_of_a_product_ends_the_data(client):
    name = "</script><script>alert(1)</script><!-- & '"

    page = page_of(client, make_product(name=name, description="\u2028" + name))

    data, _ = structured(page)
    assert data["name"] == name
    assert "alert(1)" not in re.sub(r"(?s)<script.*?</script>", "", page).replace(
        "&lt;script&gt;alert(1)", ""
    )
    assert "<script>alert" not in page


def test_a_long_text_in_another_script_does_not_make_a_large_page(client):
    page = page_of(client, make_product(name="Лампа", description="ж" * 20_000))

    data, _ = structured(page)
    assert data["description"] == "ж" * 5_000
    assert len(page.encode()) < 30_000  # twice 5,000 letters of two bytes, and the rest


def test_the_head_has_what_is_shared(client):
    product = make_product(name="Lamp", description="A bright  lamp.\nFor all rooms.")

    page = page_of(client, product)

    assert "<title>Lamp &middot; VectorShop</title>" in page
    address = f"http://testserver/products/{product.pk}/"
    assert f'<link rel="canonical" href="{address}">' in page
    assert meta(page, "description") == "A bright lamp. For all rooms."
    assert meta(page, "og:title") == "Lamp"
    assert meta(page, "og:type") == "product"
    assert meta(page, "og:url") == address
    assert meta(page, "og:description") == "A bright lamp. For all rooms."
    assert "og:image" not in page


def test_the_description_for_search_engines_ends_at_a_word(client):
    # 30 words of 5 letters and a blank: 155 characters hold 25 of them, and an ellipsis.
    page = page_of(client, make_product(description="lampe " * 30))

    assert meta(page, "description") == " ".join(["lampe"] * 25) + "…"


def test_a_product_without_description_is_described_by_its_name(client):
    assert meta(page_of(client, make_product(name="Lamp")), "description") == "Lamp"


def test_tracking_is_no_part_of_the_canonical_address(client):
    product = make_product()

    page = client.get(product.get_absolute_url(), {"utm_source": "mail"})

    assert f'href="http://testserver/products/{product.pk}/"' in page.content.decode()


def test_paragraphs_and_lines_are_kept(client):
    page = page_of(client, make_product(description="One.\nTwo.\n \n\nThree."))

    assert '<p class="description">One.<br>Two.</p>' in page
    assert '<p class="description">Three.</p>' in page


def test_similar_products_are_there_to_compare(client):
    lamp = make_product(name="Lamp")
    torch = make_product(name="Torch", embedding=near(0.2))

    page = page_of(client, lamp)

    assert (
        f'<input type="hidden" name="product" value="{lamp.pk}" form="compare">' in page
    )
    assert f'name="product" value="{torch.pk}" form="compare"' in page
    assert f'href="/map/?product={lamp.pk}"' in page
    assert f'href="/lab/why/?like={lamp.pk}"' in page


@pytest.mark.parametrize(
    ("address", "canonical"),
    [
        ("/", "http://testserver/"),
        ("/?utm_source=mail&gclid=1", "http://testserver/"),
        ("/?q=&page=1", "http://testserver/"),
        ("/?category=Home", "http://testserver/?category=Home"),
        ("/?page=2", "http://testserver/?page=2"),
        ("/?category=Home&page=99", "http://testserver/?category=Home&page=2"),
        ("/?q=lamp&mode=keyword", None),
        ("/?sort=price", None),
        ("/?max_price=5", None),
        ("/?category=Home&category=Gifts", None),
        ("/?category=Nowhere", None),
        ("/?page=abc", None),
    ],
)
def test_only_the_catalogue_and_its_categories_are_indexed(client, address, canonical):
    for number in range(25):
        make_product(name=f"Lamp {number}", category="Home")

    page = unescape(client.get(address).content.decode())

    if canonical:
        assert f'<link rel="canonical" href="{canonical}">' in page
        assert "noindex" not in page
    else:
        assert 'rel="canonical"' not in page
        assert '<meta name="robots" content="noindex">' in page


def test_the_home_page_says_what_it_is(client):
    page = client.get("/").content.decode()

    assert meta(page, "description").startswith("Find products by what you mean")


def test_a_category_has_its_name_as_title(client):
    make_product(category="Home & garden")

    page = client.get("/", {"category": "Home & garden"}).content.decode()

    assert "<title>Home &amp; garden &middot; VectorShop</title>" in page
