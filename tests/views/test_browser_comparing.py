"""A customer looks at a product and compares it with others, in a real browser."""

import json
import re

import pytest
from playwright.sync_api import expect

from products.models import Product
from tests.browser import DESK, PHONE, complaints, sideways

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("samples", "real_model"),
]

with_and_without_scripts = pytest.mark.parametrize(
    "scripts", [True, False], ids=["scripts", "no scripts"]
)


def address_of(sku):
    return Product.objects.get(sku=sku).get_absolute_url()


def compared(page):
    return page.locator(".compare-name")


@with_and_without_scripts
def test_a_customer_compares_a_product_with_similar_ones(visit, scripts):
    page = visit(address_of("running-shoes"), java_script_enabled=scripts)

    card = page.get_by_role("group", name="Trail Running Shoes", exact=True)
    card.get_by_label("Compare").check()
    page.get_by_role("button", name="Compare with this product").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Compare products")
    expect(compared(page)).to_have_text(["Running Shoes", "Trail Running Shoes"])
    expect(page.get_by_text("$25.00 more")).to_be_visible()
    expect(page.get_by_role("row", name="Like the first")).to_contain_text("alike")

    page.get_by_label("Add a product").fill("yoga")
    page.get_by_role("button", name="Find it").click()
    page.get_by_role("link", name="Yoga Mat").click()
    expect(compared(page)).to_have_text(
        ["Running Shoes", "Trail Running Shoes", "Yoga Mat"]
    )
    page.get_by_role("link", name="Remove Running Shoes", exact=True).click()
    expect(compared(page)).to_have_text(["Trail Running Shoes", "Yoga Mat"])
    compared(page).first.click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Trail Running Shoes")


@with_and_without_scripts
def test_products_of_the_list_are_chosen_to_compare(visit, scripts):
    page = visit("/?category=Sports", java_script_enabled=scripts)
    button = page.get_by_role("button", name="Compare the chosen products")
    expect(button).to_be_hidden()

    for name in ("Running Shoes", "Yoga Mat"):
        group = page.get_by_role("group", name=name, exact=True)
        group.get_by_label("Compare").check()
    expect(button).to_be_in_viewport()
    button.click()

    expect(compared(page)).to_have_text(["Running Shoes", "Yoga Mat"])


def test_breadcrumbs_lead_to_the_category(visit):
    page = visit(address_of("running-shoes"))

    page.get_by_label("You are here").get_by_role("link", name="Sports").click()

    expect(page).to_have_url(re.compile(r"\?category=Sports$"))


def test_the_policy_lets_the_data_of_search_engines_stand(visit):
    # visit() fails when the browser complains of what the policy refuses.
    page = visit(address_of("running-shoes"))

    data = json.loads(page.locator("script[type='application/ld+json']").inner_text())

    assert [each["@type"] for each in data] == ["Product", "BreadcrumbList"]
    assert data[0]["name"] == "Running Shoes"


@pytest.mark.parametrize("width", [320, 390, 1280])
@pytest.mark.parametrize("language", ["en", "de"])
def test_the_product_page_stands_in_one_column_or_two(visit, width, language):
    page = visit(
        address_of("running-shoes"),
        viewport={"width": width, "height": 900},
        locale=language,
    )

    picture = page.locator(".product-picture").bounding_box()
    heading = page.get_by_role("heading", level=1).bounding_box()

    assert sideways(page) == 0
    assert picture["width"] / picture["height"] == pytest.approx(4 / 3, rel=0.02)
    if width < 768:
        assert heading["y"] >= picture["y"] + picture["height"]
    else:
        assert heading["x"] >= picture["x"] + picture["width"]
        assert abs(heading["y"] - picture["y"]) < 24


@pytest.mark.parametrize(
    ("screen", "scheme"), [(DESK, "light"), (PHONE, "dark")], ids=["desk", "phone"]
)
def test_the_comparison_is_accessible_and_scrolls_within_itself(visit, screen, scheme):
    pks = Product.objects.order_by("pk").values_list("pk", flat=True)[:4]
    query = "&".join(f"product={pk}" for pk in pks)
    page = visit(f"/compare/?{query}", viewport=screen, color_scheme=scheme)

    assert complaints(page) == []
    assert sideways(page) == 0
    label = page.get_by_role("rowheader", name="Price")
    before = label.bounding_box()["x"]
    page.locator(".compare-scroll").evaluate("box => box.scrollLeft = 200")
    assert label.bounding_box()["x"] == before
    widths = [cell.bounding_box()["width"] for cell in page.locator("td strong").all()]
    assert min(widths) > 0
    columns = page.get_by_role("columnheader").all()
    assert min(column.bounding_box()["width"] for column in columns) >= 170
