"""The lab's story, clicked by a person in a real browser."""

import os
import shutil

import pytest

from products.models import Product

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium")

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not CHROMIUM, reason="needs Chromium: put it on PATH"),
]


@pytest.fixture(scope="module")
def browser():
    sync_api = pytest.importorskip("playwright.sync_api")
    # Playwright runs an event loop in this thread; Django would take the tests'
    # queries for calls from asynchronous code.
    before = os.environ.get("DJANGO_ALLOW_ASYNC_UNSAFE")
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    try:
        with sync_api.sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=CHROMIUM,
                args=["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"],
            )
            yield browser
            browser.close()
    finally:
        if before is None:
            del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]
        else:
            os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = before


@pytest.fixture
def page(browser, live_server):
    """A page of the shop; what its console complains about fails the test."""
    context = browser.new_context(base_url=live_server.url)
    page = context.new_page()
    page.set_default_timeout(10_000)
    complaints = []
    page.on(
        "console",
        lambda message: (
            complaints.append(message.text)
            if message.type in ("error", "warning")
            else None
        ),
    )
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "requestfailed",
        lambda request: complaints.append(f"{request.url} {request.failure}"),
    )
    yield page
    context.close()
    assert complaints == []


def press(page, button):
    with page.expect_navigation():
        page.get_by_role("button", name=button).last.click()


def find_similar(page, name):
    page.get_by_role("link", name="Products", exact=True).click()
    page.get_by_label("Product", exact=True).select_option(label=name)
    press(page, "Find similar")
    return page.locator("tbody th").all_inner_texts()


def add_prepared(page, label):
    page.get_by_role("link", name="Products", exact=True).click()
    choice = page.get_by_label("New product")
    value = choice.locator("option", has_text=label).get_attribute("value")
    choice.select_option(value)
    press(page, "Add product")
    return page.get_by_role("status").inner_text()


def test_a_person_clicks_through_the_lab(page):
    page.goto("/")
    press(page, "Load sample products")
    loaded = page.get_by_role("status").inner_text()
    headphones = find_similar(page, "Wireless Bluetooth Headphones")
    address = page.url
    added = add_prepared(page, "Espresso Machine")
    again = add_prepared(page, "Espresso Machine")
    coffee = find_similar(page, "Coffee Maker")
    add_prepared(page, "Wireless Gaming Mouse")
    gaming = find_similar(page, "Gaming Laptop")

    assert loaded == "Successfully loaded 10 sample products!"
    assert headphones[0] == "Noise Cancelling Earbuds"
    assert len(headphones) == 5
    assert "product=" in address
    assert added == "Successfully added 'Espresso Machine'!"
    assert again == "Product 'Espresso Machine' already exists"
    assert coffee[0] == "Espresso Machine"
    assert "Wireless Gaming Mouse" in gaming


def test_a_person_adds_a_product_of_their_own(page):
    page.goto("/products/add/")
    page.get_by_label("Name").fill("Desk Lamp")
    page.get_by_label("Category").fill("Home")
    page.get_by_label("Description").fill("Bright and warm.")
    page.get_by_label("Price").fill("19.90")
    press(page, "Add product")

    assert page.get_by_role("heading", level=1).inner_text() == "Desk Lamp"
    assert page.get_by_role("status").inner_text() == "Successfully added 'Desk Lamp'!"
    assert Product.objects.get().embedding is not None


def test_the_style_sheet_is_loaded_under_the_policy(page):
    page.goto("/")

    font = page.evaluate("getComputedStyle(document.body).fontFamily")
    rules = page.evaluate("document.styleSheets[0].cssRules.length")

    assert "sans-serif" in font or "system-ui" in font
    assert rules > 10


def test_the_policy_stops_a_script_that_was_smuggled_in(browser, live_server):
    context = browser.new_context(base_url=live_server.url)
    page = context.new_page()
    page.goto("/")

    page.evaluate(
        "const script = document.createElement('script');"
        "script.textContent = 'window.smuggled = true';"
        "document.body.append(script)"
    )

    assert page.evaluate("window.smuggled") is None
    context.close()
