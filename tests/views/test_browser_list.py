"""The shop's list in a real browser: a customer finds something, on any screen."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser import PHONE, sideways
from tests.factory import axis, make_product, near
from tests.views.test_browser import cards, with_and_without_scripts

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def make_categories(count):
    """Categories "Kind 1", "Kind 2", …, of which the first has the most products."""
    for number in range(1, count + 1):
        for _ in range(2 if number == 1 else 1):
            make_product(category=f"Kind {number}", price=10 * number)


def apply(page, scripts):
    """Ask for what was chosen: with scripts that has happened already."""
    if scripts:
        expect(page.get_by_role("button", name="Apply")).to_be_hidden()
    else:
        page.get_by_role("button", name="Apply").click()


@pytest.mark.usefixtures("samples", "real_model")
@with_and_without_scripts
def test_a_customer_finds_something(visit, scripts):
    page = visit(java_script_enabled=scripts)
    page.get_by_label("Search", exact=True).fill("running shoes")
    page.get_by_role("button", name="Search", exact=True).click()
    expect(cards(page)).to_have_text(["Running Shoes", "Trail Running Shoes"])
    card = page.locator(".card").first
    expect(card.locator("h3 mark")).to_have_text(["Running", "Shoes"])
    expect(card.get_by_text("very alike")).to_be_visible()

    page.get_by_label("Sort by").select_option("Highest price")
    apply(page, scripts)
    expect(cards(page).first).to_have_text("Trail Running Shoes")
    page.get_by_label("to", exact=True).fill("100")
    page.keyboard.press("Enter")
    expect(cards(page)).to_have_text(["Running Shoes"])

    chips = page.get_by_role("list", name="Active filters")
    expect(chips).to_contain_text("up to $100.00")
    page.get_by_role("link", name="Leave up to $100.00 out").click()
    expect(cards(page)).to_have_count(2)
    expect(chips).to_be_hidden()
    page.get_by_role("link", name="Trail Running Shoes").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Trail Running Shoes")


@pytest.mark.usefixtures("samples")
def test_a_card_leads_to_its_product_wherever_it_is_pressed(visit):
    page = visit("/?q=coffee&mode=keyword")

    page.locator(".card").first.click(position={"x": 40, "y": 40})

    expect(page.get_by_role("heading", level=1)).to_have_text("Coffee Maker")


@pytest.mark.usefixtures("samples")
@with_and_without_scripts
def test_a_filter_without_result_can_be_dropped(visit, scripts):
    page = visit("/?category=Sports&min_price=900", java_script_enabled=scripts)
    expect(page.get_by_text("Nothing in Sports costs $900.00 or more.")).to_be_visible()

    page.get_by_role("link", name="Search without “Sports”").click()

    expect(cards(page).first).to_have_text("Gaming Laptop")


def test_all_categories_can_be_reached(visit):
    make_categories(15)
    page = visit()
    boxes = page.locator("#category-list [type=checkbox]")
    expect(boxes).to_have_count(12)

    page.get_by_role("link", name="Show all 15").click()
    expect(boxes).to_have_count(15)
    assert page.url.endswith("/")  # the page is the same
    page.get_by_label("Kind 9").check()

    expect(cards(page)).to_have_count(1)
    expect(boxes).to_have_count(15)  # they stay open
    page.get_by_role("link", name="Show fewer").click()
    expect(boxes).to_have_count(13)
    expect(boxes.last).to_be_checked()  # the chosen one stays


@with_and_without_scripts
def test_a_category_is_found_by_its_name(visit, scripts):
    make_categories(15)
    page = visit(java_script_enabled=scripts)
    expect(page.get_by_label("Kind 9")).to_be_hidden()

    page.get_by_label("Find a category").press_sequentially("d 9")
    if not scripts:
        page.keyboard.press("Enter")
    page.get_by_label("Kind 9").check()
    apply(page, scripts)

    expect(page.get_by_role("heading", name="1 product")).to_be_visible()
    expect(page.get_by_role("list", name="Active filters")).to_contain_text("Kind 9")


def test_without_scripts_all_categories_are_a_page(visit):
    make_categories(15)
    page = visit(java_script_enabled=False)

    page.get_by_role("link", name="Show all 15").click()

    page.get_by_label("Kind 9").check()
    apply(page, False)
    expect(cards(page)).to_have_count(1)


@pytest.mark.usefixtures("samples")
def test_the_price_is_set_by_sliders_with_the_keyboard(visit):
    page = visit()
    lowest, highest = (
        page.get_by_label("Lowest price"),
        page.get_by_label("Highest price"),
    )
    # The samples cost from $24.99 to $1,499.00.
    assert [lowest.get_attribute(end) for end in ("min", "max", "step")] == [
        "20",
        "1500",
        "10",
    ]

    highest.focus()
    page.keyboard.press("Home")  # as far as the other one lets it
    expect(page.get_by_label("to", exact=True)).to_have_value("20")
    page.keyboard.press("ArrowRight")
    expect(page.get_by_label("to", exact=True)).to_have_value("30")
    expect(page).to_have_url(re.compile("max_price=30$"))
    expect(cards(page)).to_have_text(["Yoga Mat"])
    page.keyboard.press("End")

    expect(page.get_by_label("to", exact=True)).to_have_value("")
    expect(page.get_by_role("heading", name="All products")).to_be_visible()


@pytest.mark.usefixtures("samples")
def test_one_slider_cannot_pass_the_other(visit):
    page = visit("/?min_price=100&max_price=200")
    lowest, highest = (
        page.get_by_label("Lowest price"),
        page.get_by_label("Highest price"),
    )
    expect(lowest).to_have_value("100")

    lowest.focus()
    page.keyboard.press("End")

    expect(lowest).to_have_value("200")
    expect(highest).to_have_value("200")
    expect(page.get_by_label("From")).to_have_value("200")


@pytest.mark.usefixtures("samples")
def test_typed_prices_move_the_sliders(visit):
    page = visit()

    page.get_by_label("From").fill("500")

    expect(page.get_by_label("Lowest price")).to_have_value("500")


def test_without_scripts_there_are_no_sliders(visit, samples):
    page = visit(java_script_enabled=False)

    expect(page.get_by_label("Lowest price")).to_be_hidden()
    expect(page.get_by_label("From")).to_be_visible()


@with_and_without_scripts
def test_pages_have_numbers(visit, scripts):
    for number in range(100):
        make_product(sku=f"p{number}", name=f"Thing {number:03}")
    page = visit(java_script_enabled=scripts)
    pages = page.get_by_role("navigation", name="Pages")
    expect(pages.locator("li")).to_have_text([f"Page {n}" for n in range(1, 6)])

    pages.get_by_role("link", name="Page 3").click()
    expect(cards(page).first).to_have_text("Thing 048")
    expect(pages.locator("[aria-current=page]")).to_have_text("Page 3")
    pages.get_by_role("link", name="Next").click()

    expect(cards(page).first).to_have_text("Thing 072")


@pytest.mark.usefixtures("samples")
def test_filters_are_a_sheet_on_a_phone(visit):
    page = visit("/", viewport=PHONE, has_touch=True, is_mobile=True)
    sheet = page.get_by_role("complementary", name="Filters")
    expect(sheet).to_be_hidden()

    page.get_by_role("button", name="Filters").tap()
    expect(sheet.get_by_role("heading", name="Filters")).to_be_visible()
    sheet.get_by_role("button", name="Close").tap()
    expect(sheet).to_be_hidden()
    page.get_by_role("button", name="Filters").tap()
    expect(sheet.get_by_role("button", name="Show 10 products")).to_be_in_viewport()
    sheet.get_by_label("Home").check()
    sheet.get_by_role("button", name="Show 1 product", exact=True).tap()

    expect(sheet).to_be_hidden()
    expect(cards(page)).to_have_text(["Coffee Maker"])


@pytest.mark.usefixtures("samples")
def test_without_scripts_the_sheet_is_applied(visit):
    page = visit("/", viewport=PHONE, java_script_enabled=False)

    page.get_by_role("button", name="Filters").click()
    expect(page.get_by_role("button", name="Show 10 products")).to_be_hidden()
    page.get_by_label("Home").check()
    apply(page, False)

    expect(cards(page)).to_have_text(["Coffee Maker"])


@pytest.mark.parametrize("width", [320, 390, 768, 1280, 1920])
def test_the_list_fits_every_screen(visit, width):
    make_categories(15)
    long = "Donaudampfschifffahrtsgesellschaft" * 5
    make_product(name=long, category=long, description=long, price="99999999.99")
    page = visit("/", viewport={"width": width, "height": 900})

    for path in (
        "/",
        f"/?category={long}&min_price=5",
        "/?all_categories=1&within=Kind",
    ):
        page.goto(path)
        assert sideways(page) == 0, path


def test_far_products_stand_apart(visit, settings):
    settings.EMBEDDING_BACKEND = "tests.backends.Axes"
    make_product(name="Far", embedding=near(0.9, base=1, towards=5))
    make_product(name="Farther", embedding=axis(7))
    page = visit("/?q=home")

    expect(page.get_by_role("heading", name="Nothing matches")).to_be_visible()
    far = page.get_by_role("region", name="These come nearest, but are far")
    expect(far.locator(".card h3")).to_have_text(["Far", "Farther"])
    expect(far.get_by_text("loosely related")).to_be_hidden()


@pytest.mark.parametrize("path", ["/", "/?q=lamp", "/?category=Home"])
def test_an_empty_shop_offers_the_samples(visit, path):
    page = visit(path)

    page.get_by_role("button", name="Load the sample products").click()

    expect(page.get_by_text("Successfully loaded 10 sample products!")).to_be_visible()
