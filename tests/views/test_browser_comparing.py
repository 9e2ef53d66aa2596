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


def pick(page, name):
    return page.get_by_role("group", name=name, exact=True).get_by_label("Compare")


@with_and_without_scripts
def test_products_of_the_list_are_chosen_to_compare(visit, scripts):
    page = visit("/?category=Sports", java_script_enabled=scripts)
    bar = page.locator("#compare")
    label = "Compare (2 of 4)" if scripts else "Compare the chosen products"
    button = page.get_by_role("button", name=label)
    expect(bar).to_be_hidden()

    for name in ("Running Shoes", "Yoga Mat"):
        group = page.get_by_role("group", name=name, exact=True)
        group.get_by_label("Compare").check()
    expect(button).to_be_in_viewport()
    button.click()

    expect(compared(page)).to_have_text(["Running Shoes", "Yoga Mat"])


def test_chosen_products_stay_chosen_while_one_searches_sorts_and_reloads(visit):
    page = visit()
    pick(page, "Yoga Mat").check()
    page.get_by_label("Sort by").select_option("Highest price")
    expect(page).to_have_url(re.compile("sort="))
    expect(pick(page, "Yoga Mat")).to_be_checked()

    page.get_by_role("combobox", name="Search").fill("laptop")
    expect(page).to_have_url(re.compile("q=laptop"))
    expect(pick(page, "Gaming Laptop")).to_be_visible()
    expect(pick(page, "Yoga Mat")).to_have_count(0)
    pick(page, "Gaming Laptop").check()
    page.reload()
    expect(pick(page, "Gaming Laptop")).to_be_checked()
    page.get_by_role("button", name="Compare (2 of 4)").click()

    expect(compared(page)).to_have_text(["Gaming Laptop", "Yoga Mat"])


def test_no_fifth_product_can_be_chosen_until_one_is_let_go(visit):
    page = visit()
    names = ["Yoga Mat", "Gaming Laptop", "Running Shoes", "Coffee Maker"]
    for name in names:
        pick(page, name).check()
    expect(page.get_by_role("button", name="Compare (4 of 4)")).to_be_visible()
    expect(pick(page, "Trail Running Shoes")).to_be_disabled()
    expect(pick(page, "Yoga Mat")).to_be_enabled()

    pick(page, "Yoga Mat").uncheck()
    expect(page.get_by_role("button", name="Compare (3 of 4)")).to_be_visible()
    expect(pick(page, "Trail Running Shoes")).to_be_enabled()
    page.get_by_role("button", name="Choose none").click()

    expect(page.locator("#compare")).to_be_hidden()
    expect(page.locator(".compare-pick :checked")).to_have_count(0)
    page.reload()
    expect(page.locator("#compare")).to_be_hidden()


def test_three_can_be_compared_with_the_product_of_a_page(visit):
    page = visit(address_of("running-shoes"))
    boxes = page.locator(".compare-pick input")
    expect(boxes).to_have_count(5)

    for place in range(3):
        boxes.nth(place).check()

    expect(boxes.nth(3)).to_be_disabled()
    expect(boxes.nth(4)).to_be_disabled()


@pytest.mark.parametrize("language", ["en", "de"])
def test_the_names_of_the_rows_stay_in_their_column_on_a_phone(visit, language):
    pks = Product.objects.order_by("pk").values_list("pk", flat=True)[:3]
    query = "&".join(f"product={pk}" for pk in pks)
    page = visit(f"/compare/?{query}", viewport=PHONE, locale=language)

    beyond = page.locator("tbody th").evaluate_all(
        """cells => cells.map(cell => {
            const text = document.createRange();
            text.selectNodeContents(cell);
            const edge = cell.getBoundingClientRect().right;
            return text.getBoundingClientRect().right - edge;
        })"""
    )

    assert len(beyond) == 5
    assert max(beyond) < 0
    assert sideways(page) == 0


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
