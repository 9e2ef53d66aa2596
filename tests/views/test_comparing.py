"""Comparing products, as the address says."""

from html import unescape

import pytest

from tests.factory import make_product, near

pytestmark = pytest.mark.django_db


def compare(client, *pks, **parameters):
    response = client.get("/compare/", {"product": pks, **parameters})
    return response, unescape(response.content.decode())


def test_without_products_the_page_says_what_to_do(client):
    response, page = compare(client)

    assert response.status_code == 200
    assert "Choose up to four products" in page
    assert "<table" not in page


def test_the_products_stand_side_by_side_with_what_differs(client):
    lamp = make_product(name="Lamp", category="Home", price=20)
    torch = make_product(
        name="Torch", category="Gifts", price="15.50", embedding=near(0.2)
    )

    response, page = compare(client, lamp.pk, torch.pk)

    assert response.status_code == 200
    for text in ("Lamp", "Torch", "$20.00", "$15.50", "very alike"):
        assert text in page
    assert "$4.50 less" in page
    assert "another category" in page
    assert page.count('class="differs"') == 2  # the price and the category


def test_what_is_the_same_is_not_marked(client):
    pks = [make_product(category="Home", price=20).pk for _ in range(2)]

    _, page = compare(client, *pks)

    assert "differs" not in page.replace("What differs", "")


def test_one_product_can_be_removed(client):
    first, second = make_product(name="Lamp"), make_product(name="Torch")

    _, page = compare(client, first.pk, second.pk)

    assert f'href="/compare/?product={second.pk}"' in page
    assert "Remove Lamp" in page


def test_a_fifth_is_left_out_with_a_notice(client):
    pks = [make_product(name=f"Lamp {n}").pk for n in range(5)]

    response, page = compare(client, *pks)

    assert response.status_code == 200
    assert "These are the first 4 of the products that you chose." in page
    assert 'role="alert"' not in page
    assert "Lamp 3" in page
    assert "Lamp 4" not in page


def test_four_leave_no_room_to_add_one(client):
    pks = [make_product().pk for _ in range(4)]

    response, page = compare(client, *pks)

    assert response.status_code == 200
    assert "Remove one to add another" in page
    assert 'name="add"' not in page


@pytest.mark.parametrize(
    "number", ["0", "99", "abc", "-1", "", "²", "9" * 19, "9" * 5000, "1\0", "<b>"]
)
def test_numbers_of_no_product_are_reported(client, number):
    product = make_product(name="Lamp")

    response, page = compare(client, product.pk, number)

    assert response.status_code == 404
    assert "There is no product number" in page
    assert "Lamp" in page
    assert "<b>" not in response.content.decode()


def test_a_product_twice_is_one(client):
    product = make_product(name="Lamp")

    response, page = compare(client, product.pk, product.pk)

    assert response.status_code == 200
    assert page.count('class="compare-name"') == 1


def test_another_product_is_found_by_its_name(client):
    lamp, torch = make_product(name="Lamp"), make_product(name="Torch")

    _, page = compare(client, lamp.pk, add="tor")

    assert f'href="/compare/?product={lamp.pk}&product={torch.pk}"' in page


@pytest.mark.parametrize("text", ["\0", "x" * 1001])
def test_a_text_that_cannot_be_searched_for_is_reported(client, text):
    response, page = compare(client, add=text)

    assert response.status_code == 400
    assert 'role="alert"' in page


def test_nothing_is_written_and_no_cookie_set(client):
    response, _ = compare(client, make_product().pk)

    assert not response.cookies
