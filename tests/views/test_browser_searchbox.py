"""The search box in a real browser: completions, by keyboard, mouse and finger."""

import re

import pytest
from playwright.sync_api import expect

from products.models import Product
from tests.browser import DESK, PHONE, complaints, sideways

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("samples"),
]


def box(page):
    return page.get_by_role("combobox", name="Search")


def options(page):
    return page.locator("#completions").get_by_role("option")


def selected(page):
    return page.locator("#completions").get_by_role("option", selected=True)


def test_a_product_is_reached_by_keyboard(visit):
    page = visit()

    page.keyboard.press("/")
    expect(box(page)).to_be_focused()
    expect(box(page)).to_have_attribute("aria-expanded", "false")
    page.keyboard.type("headph")
    expect(options(page)).to_have_count(2)
    expect(box(page)).to_have_attribute("aria-expanded", "true")
    expect(page.locator("#help-count")).to_have_text("Suggestions: 2")
    page.keyboard.press("ArrowDown")
    expect(selected(page)).to_have_text("headphones")
    page.keyboard.press("ArrowDown")
    expect(selected(page)).to_contain_text("Wireless Bluetooth Headphones")
    active = box(page).get_attribute("aria-activedescendant")
    assert selected(page).get_attribute("id") == active
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", level=1)).to_have_text(
        "Wireless Bluetooth Headphones"
    )


def test_arrows_go_round_by_the_text_itself(visit):
    page = visit()
    box(page).press_sequentially("runn")
    expect(options(page)).to_have_count(3)

    page.keyboard.press("ArrowUp")
    expect(selected(page)).to_contain_text("Trail Running Shoes")
    page.keyboard.press("ArrowDown")
    expect(selected(page)).to_have_count(0)
    page.keyboard.press("ArrowDown")
    expect(selected(page)).to_have_text("running")
    page.keyboard.press("Home")

    expect(selected(page)).to_have_count(0)
    assert box(page).evaluate("input => input.selectionStart") == 0


def test_enter_searches_for_the_text_and_the_list_closes(visit):
    page = visit()
    box(page).press_sequentially("runn")
    expect(options(page).first).to_be_visible()

    page.keyboard.press("Enter")

    expect(page).to_have_url(re.compile(r"\?q=runn$"))
    expect(options(page)).to_have_count(0)
    expect(box(page)).to_be_focused()


def test_a_chosen_text_is_searched_for(visit):
    page = visit()
    box(page).press_sequentially("runn")

    page.get_by_role("option", name="running", exact=True).click()

    expect(box(page)).to_have_value("running")
    expect(page).to_have_url(re.compile(r"\?q=running$"))
    expect(page.get_by_role("heading", name="Trail Running Shoes")).to_be_visible()
    expect(options(page)).to_have_count(0)


def test_a_category_leads_to_its_list(visit):
    page = visit()
    box(page).press_sequentially("spor")

    page.get_by_role("option", name="Sports").click()

    expect(page).to_have_url(re.compile(r"\?category=Sports$"))
    expect(page.locator(".card")).to_have_count(3)


def test_escape_closes_the_list_then_empties_the_box(visit):
    page = visit()
    box(page).press_sequentially("runn")
    expect(options(page).first).to_be_visible()

    page.keyboard.press("Escape")
    expect(options(page)).to_have_count(0)
    expect(box(page)).to_have_value("runn")
    page.keyboard.press("ArrowDown")
    expect(options(page).first).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")

    expect(box(page)).to_have_value("")


def test_the_list_closes_when_the_focus_goes_elsewhere(visit):
    page = visit()
    box(page).press_sequentially("runn")
    expect(options(page).first).to_be_visible()

    page.keyboard.press("Tab")
    page.keyboard.press("Tab")

    expect(options(page)).to_have_count(0)


def test_a_slash_is_a_letter_where_somebody_types(visit):
    page = visit("/?q=lamp")

    page.get_by_label("From").focus()
    page.keyboard.press("/")
    expect(page.get_by_label("From")).to_be_focused()
    box(page).focus()
    page.keyboard.press("End")
    page.keyboard.press("/")

    expect(box(page)).to_have_value("lamp/")


def test_recent_searches_stay_in_the_browser_until_they_are_forgotten(visit):
    page = visit()
    for text in ("yoga", "coffee"):
        box(page).fill(text)
        page.keyboard.press("Enter")
        expect(page).to_have_url(re.compile(f"q={text}$"))
    page.goto(Product.objects.get(sku="yoga-mat").get_absolute_url())

    box(page).focus()
    recent = page.get_by_role("group", name="Recent searches")
    expect(recent.get_by_role("option")).to_have_text(["coffee", "yoga"])
    page.get_by_role("option", name="yoga", exact=True).click()
    expect(page).to_have_url(re.compile(r"\?q=yoga$"))
    box(page).fill("")
    expect(recent.get_by_role("option")).to_have_text(["yoga", "coffee"])
    page.get_by_role("button", name="Forget recent searches").click()

    expect(recent).to_have_count(0)
    expect(box(page)).to_be_focused()
    assert page.evaluate("localStorage.getItem('recent-searches')") == "[]"
    assert [cookie["name"] for cookie in page.context.cookies()] == []


def test_a_recent_search_is_not_offered_twice(visit):
    page = visit()
    page.evaluate("localStorage.setItem('recent-searches', '[\"Running\"]')")

    box(page).press_sequentially("runn")

    expect(options(page)).to_have_text(
        ["Running", re.compile(r"^\s*Running Shoes"), re.compile("Trail Running Shoes")]
    )
    expect(page.get_by_role("group", name="Searches", exact=True)).to_have_count(0)


@pytest.mark.parametrize("screen", [DESK, PHONE], ids=["desk", "phone"])
def test_examples_go_with_the_first_search_and_come_back_where_they_were(visit, screen):
    page = visit(viewport=screen)
    example = page.get_by_role("link", name="Gaming Laptop").and_(
        page.locator(".tries a")
    )
    expect(example).to_be_visible()
    below = page.locator(".options")
    before = below.bounding_box()["y"]

    box(page).fill("yoga")
    expect(page).to_have_url(re.compile(r"\?q=yoga$"))
    expect(example).to_have_count(0)
    assert below.bounding_box()["y"] == before
    box(page).fill("")

    expect(example).to_be_visible()
    assert below.bounding_box()["y"] == before


def test_on_other_pages_the_empty_box_offers_examples(visit):
    page = visit(Product.objects.get(sku="yoga-mat").get_absolute_url())

    box(page).focus()
    page.get_by_role("group", name="Try").get_by_role("option").first.click()

    expect(page).to_have_url(re.compile(r"/\?q=Gaming\+Laptop$"))


def test_a_box_whose_server_is_gone_still_searches(visit):
    page = visit()
    page.route("**/complete/*", lambda route: route.abort())

    box(page).press_sequentially("yoga")
    page.keyboard.press("Enter")

    expect(page).to_have_url(re.compile(r"\?q=yoga$"))
    page.context.close()


def test_only_the_last_of_fast_keys_is_asked_for(visit):
    page = visit()
    asked = []
    page.on(
        "request",
        lambda request: "/complete/" in request.url and asked.append(request.url),
    )

    box(page).press_sequentially("running")
    expect(options(page).first).to_be_visible()

    assert len(asked) < len("running")
    assert asked[-1].endswith("?q=running")


def test_without_scripts_the_box_and_its_examples_work(visit):
    page = visit(java_script_enabled=False)

    page.get_by_role("link", name="Coffee Maker").first.click()
    expect(page.get_by_label("Search", exact=True)).to_have_value("Coffee Maker")
    page.get_by_label("Search", exact=True).fill("yoga")
    page.keyboard.press("Enter")

    expect(page.locator(".card h3").first).to_have_text("Yoga Mat")


@pytest.mark.parametrize("screen", [DESK, PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize("path", ["/", "/products/{yoga}/"])
def test_nothing_is_pushed_by_the_list(visit, screen, path):
    yoga = Product.objects.get(sku="yoga-mat").pk
    page = visit(path.format(yoga=yoga), viewport=screen)
    fixed = page.locator("h1, .searchbox, .tries, .crumbs, .product, .bottom").all()
    before = [each.bounding_box() for each in fixed]

    box(page).press_sequentially("runn")
    expect(options(page).first).to_be_visible()

    assert [each.bounding_box()["y"] for each in fixed[:2]] == [
        place["y"] for place in before[:2]
    ]
    if path != "/":
        assert [each.bounding_box() for each in fixed] == before


@pytest.mark.parametrize(
    ("screen", "scheme"), [(DESK, "light"), (PHONE, "dark")], ids=["desk", "phone"]
)
@pytest.mark.parametrize("path", ["/", "/products/{yoga}/"])
def test_the_open_list_is_accessible_and_fits(visit, screen, scheme, path):
    yoga = Product.objects.get(sku="yoga-mat").pk
    page = visit(path.format(yoga=yoga), viewport=screen, color_scheme=scheme)
    page.evaluate("localStorage.setItem('recent-searches', '[\"running hot\"]')")

    box(page).press_sequentially("runn")
    expect(options(page)).to_have_count(4)
    page.keyboard.press("ArrowDown")

    assert complaints(page) == []
    assert sideways(page) == 0
    heights = [option.bounding_box()["height"] for option in options(page).all()]
    assert min(heights) >= 40  # for a finger
