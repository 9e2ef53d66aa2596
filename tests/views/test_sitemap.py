"""Which addresses search engines learn, and what they may read."""

import xml.etree.ElementTree as ET

import pytest

from products.views import sitemap
from tests.factory import make_product

pytestmark = pytest.mark.django_db

SITEMAP = "{http://www.sitemaps.org/schemas/sitemap/0.9}"


def texts(client, address, name="loc"):
    response = client.get(address)
    assert response.status_code == 200
    return [each.text for each in ET.fromstring(response.content).iter(SITEMAP + name)]


def test_the_index_names_every_file(client, monkeypatch):
    monkeypatch.setattr(sitemap.ProductSitemap, "limit", 2)
    for _ in range(5):
        make_product()

    assert texts(client, "/sitemap.xml") == [
        "http://testserver/sitemap-categories.xml",
        "http://testserver/sitemap-products.xml",
        "http://testserver/sitemap-products.xml?p=2",
        "http://testserver/sitemap-products.xml?p=3",
    ]


def test_every_product_is_in_one_file_with_its_last_change(client, monkeypatch):
    monkeypatch.setattr(sitemap.ProductSitemap, "limit", 2)
    products = [make_product() for _ in range(3)]
    addresses = [
        f"http://testserver{product.get_absolute_url()}" for product in products
    ]

    assert texts(client, "/sitemap-products.xml") == addresses[:2]
    assert texts(client, "/sitemap-products.xml?p=2") == addresses[2:]
    [changed] = texts(client, "/sitemap-products.xml?p=2", "lastmod")
    assert changed == products[2].updated_at.strftime("%Y-%m-%d")


def test_the_catalogue_and_its_categories_have_the_address_of_their_pages(client):
    make_product(category="Home & garden")
    make_product(category="")

    addresses = texts(client, "/sitemap-categories.xml")

    assert addresses == [
        "http://testserver/",
        "http://testserver/?category=Home+%26+garden",
    ]
    page = client.get(addresses[1]).content.decode()
    assert '<link rel="canonical" href="http://testserver/?category=Home' in page


def test_an_empty_shop_has_an_index(client):
    assert len(texts(client, "/sitemap.xml")) == 2
    assert texts(client, "/sitemap-products.xml") == []


@pytest.mark.parametrize(
    "address",
    [
        "/sitemap-nothing.xml",
        "/sitemap-products.xml?p=2",
        "/sitemap-products.xml?p=abc",
        f"/sitemap-products.xml?p={'9' * 5000}",
    ],
)
def test_a_file_that_is_not_there_is_not_found(client, address):
    assert client.get(address).status_code == 404


def test_a_file_takes_two_statements_that_read_no_vector(
    client, django_assert_num_queries
):
    make_product()

    with django_assert_num_queries(2) as queries:
        client.get("/sitemap-products.xml")

    assert not any('"embedding"' in query["sql"] for query in queries)


def test_robots_are_told_the_sitemap_and_what_is_not_for_them(client):
    response = client.get("/robots.txt")

    assert response.headers["Content-Type"].startswith("text/plain")
    lines = response.content.decode().split("\n")
    assert "Sitemap: http://testserver/sitemap.xml" in lines
    assert {line for line in lines if line.startswith("Disallow")} == {
        "Disallow: /admin/",
        "Disallow: /login/",
        "Disallow: /complete/",
        "Disallow: /exact/",
        "Disallow: /lab/why/",
        "Disallow: /products/*/why/",
        "Disallow: /products/*?query_id=",
        "Disallow: /map/points/",
        "Disallow: /map/found/",
    }


@pytest.mark.parametrize(
    ("address", "indexed"),
    [
        ("/lab/", True),
        ("/lab/distance/", False),
        ("/similar/?q=lamp", False),
        ("/exact/?q=lamp", False),
        ("/lab/why/?q=lamp", False),
        ("/map/", False),
    ],
)
def test_pages_of_the_lab_that_take_a_question_are_not_indexed(
    client, address, indexed
):
    make_product()

    page = client.get(address).content.decode()

    assert ('<meta name="robots" content="noindex">' not in page) == indexed


@pytest.mark.parametrize(
    ("address", "title", "about"),
    [
        ("/", "Products", "Find products by what"),
        ("/?page=2", "Products, page 2", "Products, page 2. Find products by"),
        ("/?category=Home", "Home", "Home. Find products by"),
        ("/?category=Home&page=2", "Home, page 2", "Home, page 2. Find products by"),
    ],
)
def test_pages_of_the_list_have_titles_and_descriptions_of_their_own(
    client, address, title, about
):
    for number in range(25):
        make_product(name=f"Lamp {number}", category="Home")

    page = client.get(address).content.decode()

    assert f"<title>{title} &middot; VectorShop</title>" in page
    assert f'<meta name="description" content="{about}' in page
    assert f'<meta property="og:title" content="{title}">' in page


def test_addresses_for_agents_are_neither_hidden_nor_listed(client):
    robots = client.get("/robots.txt").content.decode()
    pages = client.get("/sitemap-categories.xml").content.decode()

    for address in ("/ucp", "/mcp", "/.well-known"):
        assert address not in robots
        assert address not in pages
