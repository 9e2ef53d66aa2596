"""The page about the API, on which it can be tried."""

import pytest

from tests.factory import make_product

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_page_lists_the_operations_without_javascript(client, db):
    page = client.get("/api/docs").content.decode()

    assert "<code>GET /api/v1/products/{sku}/similar</code>" in page
    assert "curl &#34;$SHOP/api/v1/search?q=earphones&#34;" in page
    assert "http://testserver" in page


def test_the_page_loads_nothing_from_elsewhere(client, db):
    response = client.get("/api/docs")

    assert "unsafe" not in response.headers["Content-Security-Policy"]
    assert "//" not in response.content.decode().replace("http://testserver", "")


@pytest.mark.browser
def test_an_operation_can_be_tried(visit):
    make_product(sku="wireless-bluetooth-headphones", name="Headphones")

    page = visit("/api/docs")
    page.get_by_text("A product by its sku").click()
    page.get_by_role("button", name="Try it out").click()
    page.get_by_role("button", name="Execute").click()

    answer = page.locator(".live-responses-table .response .microlight").first
    answer.wait_for()
    assert '"name": "Headphones"' in answer.inner_text()
