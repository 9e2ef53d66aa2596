"""The pages in a real browser: the lab's story, with and without JavaScript."""

import re

import pytest
from playwright.sync_api import expect

from products.models import Product
from tests.browser import PHONE, sideways
from tests.factory import axis, make_product, near

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


with_and_without_scripts = pytest.mark.parametrize(
    "scripts", [True, False], ids=["scripts", "no scripts"]
)


def cards(page):
    return page.locator(".card h3")


def acts_of(page, name):
    """What can be done with a product among the results."""
    return page.get_by_role("group", name=name, exact=True)


@pytest.mark.usefixtures("samples", "real_model")
def test_results_come_while_one_types_and_the_address_can_be_shared(visit):
    page = visit()

    page.get_by_label("Search", exact=True).press_sequentially("shoes for mountains")

    expect(cards(page).first).to_have_text("Trail Running Shoes")
    expect(page).to_have_url(re.compile(r"\?q=shoes%20for%20mountains$"))
    expect(page.get_by_label("Search", exact=True)).to_be_focused()
    shared = visit(page.url)
    expect(cards(shared).first).to_have_text("Trail Running Shoes")


@pytest.mark.usefixtures("samples")
@with_and_without_scripts
def test_back_leads_through_the_questions(visit, scripts):
    page = visit(java_script_enabled=scripts)

    def ask(text):
        page.get_by_label("Search", exact=True).fill(text)
        if not scripts:
            page.keyboard.press("Enter")
        expect(page).to_have_url(re.compile(f"q={text}"))

    ask("printer")
    ask("shoes")
    page.get_by_label("Sports").check()
    if not scripts:
        page.get_by_role("button", name="Apply").click()
    expect(page).to_have_url(re.compile("category=Sports"))

    for text in ("shoes", "printer", ""):
        page.go_back()
        expect(page.get_by_label("Search", exact=True)).to_have_value(text)
        expect(page.locator("#categories :checked")).to_have_count(0)
    page.go_forward()
    expect(page.get_by_label("Search", exact=True)).to_have_value("printer")


@pytest.mark.usefixtures("samples")
@pytest.mark.parametrize(
    ("seconds", "entries"), [(1, 1), (3, 3)], ids=["goes on", "looks at results"]
)
def test_typing_on_is_one_entry_of_the_history(visit, seconds, entries):
    page = visit()
    before = page.evaluate("history.length")

    for place, text in enumerate(["sho", "shoe", "shoes"]):
        page.clock.set_fixed_time(1_000_000_000 + place * seconds)
        page.get_by_label("Search", exact=True).fill(text)
        expect(page).to_have_url(re.compile(f"q={text}$"))

    assert page.evaluate("history.length") == before + entries


@pytest.mark.usefixtures("samples")
@with_and_without_scripts
def test_filters_work_by_keyboard(visit, scripts):
    page = visit(java_script_enabled=scripts)

    page.get_by_label("Sports").focus()
    page.keyboard.press("Space")
    if not scripts:
        page.get_by_role("button", name="Apply").focus()
        page.keyboard.press("Enter")

    expect(cards(page)).to_have_text(
        ["Running Shoes", "Trail Running Shoes", "Yoga Mat"]
    )
    expect(page.get_by_label("Sports")).to_be_checked()
    if scripts:
        expect(page.get_by_label("Sports")).to_be_focused()
    page.get_by_label("to", exact=True).fill("90")
    page.keyboard.press("Enter")
    expect(cards(page)).to_have_text(["Yoga Mat"])


@pytest.mark.usefixtures("samples")
def test_the_keyboard_reaches_the_results(visit):
    page = visit()

    page.keyboard.press("Tab")
    expect(page.get_by_text("Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")

    expect(page.get_by_label("Search", exact=True)).to_be_focused()


@with_and_without_scripts
def test_more_and_less_like_this_make_a_search_to_share(visit, scripts):
    product = make_product(name="Lamp")
    liked = make_product(name="Torch", embedding=near(0.2))
    make_product(name="Candle", embedding=near(0.3))
    page = visit(f"/?like={product.pk}", java_script_enabled=scripts)

    acts_of(page, "Torch").get_by_role("button", name="More like this").click()
    acts_of(page, "Candle").get_by_role("button", name="Less like this").click()

    chips = page.get_by_role("list", name="Active filters")
    expect(chips).to_contain_text("Lamp")
    expect(chips).to_contain_text("unlike Candle")
    assert page.url.endswith(
        f"?like={product.pk}&like={liked.pk}&unlike={liked.pk + 1}"
    )
    page.get_by_role("link", name="Leave Candle out").click()
    expect(chips).not_to_contain_text("Candle")


@with_and_without_scripts
@pytest.mark.usefixtures("samples")
def test_products_without_a_category_can_be_chosen(visit, scripts):
    make_product(name="Odd thing", category="")
    page = visit("/", java_script_enabled=scripts)

    page.get_by_label("No category").check()
    if not scripts:
        page.get_by_role("button", name="Apply").click()

    expect(page.get_by_role("heading", name="1 product")).to_be_visible()
    expect(page).to_have_url(re.compile(r"category=(&|$)"))


@pytest.mark.usefixtures("samples", "real_model")
def test_neighbours_are_shown_while_one_writes_a_product(visit):
    page = visit("/products/add/")

    page.get_by_label("Name").press_sequentially("Laptop for gamers")

    first = page.locator("#neighbours h4").first
    expect(first).to_have_text("Gaming Laptop")


@pytest.mark.usefixtures("samples", "real_model")
@with_and_without_scripts
def test_a_duplicate_is_added_only_when_confirmed(visit, scripts):
    yoga_mat = Product.objects.get(sku="yoga-mat")
    page = visit("/products/add/", java_script_enabled=scripts)

    page.get_by_label("Name").fill("Yoga mat, thick")
    page.get_by_label("Category").fill(yoga_mat.category)
    page.get_by_label("Description").fill(yoga_mat.description)
    page.get_by_label("Price").fill("30")
    page.locator("#own").get_by_role("button", name="Add product").click()
    expect(page.get_by_role("link", name="Looks like a duplicate of")).to_be_visible()
    expect(page.locator("#own .alert")).to_be_focused()
    assert Product.objects.count() == 10
    page.get_by_role("button", name="Add it all the same").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Yoga mat, thick")
    expect(page.locator(".card h3, .ranking h3").first).to_have_text("Yoga Mat")


@pytest.mark.usefixtures("samples")
@with_and_without_scripts
@pytest.mark.parametrize(
    "address", ["/?page=abc", "/similar/?product=abc", "/exact/", "/products/add/"]
)
def test_after_a_refused_form_the_focus_is_on_the_message(visit, address, scripts):
    page = visit(address, java_script_enabled=scripts)
    if address == "/products/add/":
        page.get_by_label("Name").fill("Yoga Mat")
        page.get_by_label("Price").fill("30")
        page.locator("#own").get_by_role("button", name="Add product").click()

    expect(page.locator(":is(.alert, #choices .errorlist)").first).to_be_focused()


def test_a_server_that_fails_while_one_types_shows_its_page(
    visit, samples, monkeypatch
):
    page = visit()
    monkeypatch.setattr("products.views.catalogue.search", lambda **asked: 1 / 0)

    page.get_by_label("Search", exact=True).press_sequentially("lamp")

    expect(page.get_by_text("Something went wrong")).to_be_visible()
    page.context.close()


# Every page, as everybody may see it

PATHS = [
    "/",
    "/?q=running+shoes",
    "/?q=zzzz&mode=keyword",
    "/?page=abc",
    "/?category=Sports&max_price=100",
    "/similar/",
    "/similar/?q=laptop",
    "/products/add/",
    "/map/",
    "/exact/?q=running+shoes",
    "/nowhere/",
]


@pytest.mark.usefixtures("samples", "real_model")
def test_no_page_scrolls_sideways_on_a_phone(visit):
    make_product(name="Donaudampfschifffahrtsgesellschaft" * 8, embedding=axis(2))
    product = Product.objects.get(sku="yoga-mat")
    page = visit("/", viewport=PHONE, has_touch=True, is_mobile=True)

    for path in [*PATHS, "/?sort=-created_at", f"/products/{product.pk}/"]:
        page.goto(path)
        assert sideways(page) == 0, path


@pytest.mark.usefixtures("samples")
def test_the_page_is_dark_for_those_who_like_it_dark(visit):
    def lightness(scheme):
        page = visit("/", color_scheme=scheme)
        colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
        return max(int(part) for part in re.findall(r"\d+", colour)[:3])

    assert lightness("dark") < 64
    assert lightness("light") > 192
