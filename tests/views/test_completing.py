"""What the search box gets while somebody types, and what it shows before."""

from html import unescape

import pytest

from tests.factory import make_product

pytestmark = pytest.mark.django_db


def fragment(client, text):
    response = client.get("/complete/", {"q": text})
    assert response.status_code == 200
    return unescape(response.content.decode())


def test_texts_categories_and_products_are_options_with_their_links(client):
    product = make_product(name="Lamp & shade", category="Lamps & light", price=19)

    page = fragment(client, "lam")

    for title in ("Searches", "Categories", "Products"):
        assert f'role="group" aria-label="{title}"' in page
    assert 'href="/?q=lamp" data-text="lamp"' in page
    assert 'href="/?category=Lamps%20%26%20light"' in page
    assert f'href="/products/{product.pk}/"' in page
    assert "$19.00" in page
    assert page.count('role="option"') == 3


def test_names_are_text_and_no_mark_up(client):
    make_product(name="Lamp <script>alert(1)</script>", category="Lamps <b>")

    page = client.get("/complete/", {"q": "lamp"}).content.decode()

    assert "<script" not in page
    assert "<b>" not in page


@pytest.mark.parametrize("text", ["zz", "\0", "x" * 800, "x" * 100_000, "-no lam"])
def test_where_nothing_completes_a_text_the_list_is_empty(client, text):
    make_product(name="Lamp")

    assert "option" not in fragment(client, text)


@pytest.mark.parametrize("text", ["", "  "])
def test_without_a_text_there_are_examples(client, text):
    make_product(name="Desk lamp")

    page = fragment(client, text)

    assert 'aria-label="Try"' in page
    assert 'href="/?q=Desk%20lamp" data-text="Desk lamp"' in page


def test_the_list_is_small_however_long_the_names_are(client):
    for number in range(10):
        make_product(
            name=f"Lamp {number} ".ljust(300, "x"),
            category=f"Lamps {number} ".ljust(200, "x"),
        )

    assert len(client.get("/complete/", {"q": "lamp"}).content) < 8_000


def test_the_home_page_shows_examples_until_something_is_asked(client):
    make_product(name="Desk lamp")

    assert "?q=Desk%20lamp" in client.get("/").content.decode()
    assert "?q=Desk%20lamp" not in client.get("/?q=desk").content.decode()


def test_an_empty_catalogue_has_no_examples(client):
    assert "Try" not in client.get("/").content.decode()
