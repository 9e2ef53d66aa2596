"""The page "Why these results" in a real browser, with and without JavaScript."""

import re

import pytest
from playwright.sync_api import expect

from products.models import Product
from tests.browser import PHONE, sideways

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


with_and_without_scripts = pytest.mark.parametrize(
    "scripts", [True, False], ids=["scripts", "no scripts"]
)


def tab(page, name, *, scripts):
    return page.get_by_role("tab" if scripts else "link", name=name, exact=True)


def first_sum(page):
    """The first product, with what can be asked about it."""
    return page.locator(".sums tbody").first


@pytest.mark.usefixtures("samples", "real_model")
@with_and_without_scripts
def test_the_results_lead_to_their_reasons(visit, scripts):
    page = visit("/?q=running+shoes&max_price=200", java_script_enabled=scripts)

    page.get_by_role("link", name="Why these results").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Why these results")
    expect(page.get_by_text("up to $200.00 with your words")).to_be_visible()
    page.get_by_role("link", name="Back to the results").click()
    assert page.url.endswith("/?q=running+shoes&max_price=200")


@pytest.mark.usefixtures("samples", "real_model")
@with_and_without_scripts
def test_why_a_product_is_found_is_reported_on_request(visit, scripts):
    page = visit("/lab/why/?q=running+shoes", java_script_enabled=scripts)

    expect(first_sum(page)).to_contain_text("Running Shoes")
    first_sum(page).get_by_role("link", name="Which part matters").click()

    expect(page.get_by_text(re.compile("The .* matters most"))).to_be_visible()
    if scripts:
        assert page.url.endswith("/lab/why/?q=running+shoes")
        expect(page).to_have_title(re.compile("^Why these results"))
        expect(first_sum(page).locator(".parts")).to_contain_text("matters most")
    else:
        page.get_by_role("link", name="Back to the results").click()
        assert page.url.endswith("/?q=running+shoes")


@pytest.mark.usefixtures("samples", "real_model")
@with_and_without_scripts
def test_why_a_result_of_several_examples_is_reported_on_request(visit, scripts):
    liked = Product.objects.get(sku="running-shoes").pk
    unlike = Product.objects.get(sku="gaming-laptop").pk
    question = f"?like={liked}&unlike={unlike}"
    page = visit(f"/lab/why/{question}", java_script_enabled=scripts)

    first_sum(page).get_by_role("link", name="Which part matters").click()

    expect(page.get_by_text(re.compile("The .* matters most"))).to_be_visible()
    if not scripts:
        page.get_by_role("link", name="Back to the results").click()
        assert page.url.endswith(f"/{question}")


@pytest.mark.usefixtures("samples", "real_model")
@with_and_without_scripts
def test_results_are_compared_with_the_exact_answer(visit, scripts):
    page = visit("/lab/why/?q=running+shoes", java_script_enabled=scripts)

    expect(page.get_by_text("10 rows, the whole table").first).to_be_visible()
    expect(page.locator("pre", has_text="<=>").first).to_be_visible()
    page.get_by_role("link", name="Compare with the exact answer").click()

    expect(page.get_by_text("Recall of the nearest 10")).to_be_visible()
    expect(page.get_by_text("Nothing was missed")).to_be_visible()


@pytest.mark.usefixtures("samples", "real_model")
@with_and_without_scripts
def test_one_tab_is_open_at_a_time(visit, scripts):
    page = visit("/lab/why/?q=running+shoes", java_script_enabled=scripts)
    expect(page.locator("#sql")).to_be_visible()
    expect(page.locator("#django")).to_be_hidden()

    tab(page, "Django", scripts=scripts).click()

    expect(page.locator("#sql")).to_be_hidden()
    expect(page.locator("#django")).to_contain_text("from products.search import")
    assert page.url.endswith("#django")
    page.reload()
    expect(page.locator("#django")).to_be_visible()


@pytest.mark.usefixtures("samples", "real_model")
def test_arrows_lead_through_the_tabs(visit):
    page = visit("/lab/why/?q=running+shoes")
    first = page.get_by_role("tab", name="SQL")
    last = page.get_by_role("tab", name="Why not this one?")

    first.focus()
    page.keyboard.press("ArrowLeft")

    expect(last).to_be_focused()
    expect(last).to_have_attribute("aria-selected", "true")
    expect(page.get_by_role("tabpanel", name="Why not this one?")).to_be_visible()
    page.keyboard.press("ArrowRight")
    expect(first).to_be_focused()
    expect(page.get_by_role("tabpanel")).to_have_count(1)


@pytest.mark.usefixtures("samples", "real_model")
def test_code_is_copied_whole(visit):
    page = visit(
        "/lab/why/?q=running+shoes",
        permissions=["clipboard-read", "clipboard-write"],
    )
    cut = page.locator("#sql .vector").first

    page.locator("#sql").get_by_role("button", name="Copy").first.click()

    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    [vector] = {*re.findall(r"\[[-0-9.,]{100,}\]", copied)}
    assert vector.count(",") == 383
    assert copied.startswith("SELECT")
    assert copied.endswith(";")
    # On the screen it is cut.
    assert cut.evaluate("one => one.scrollWidth > 5 * one.clientWidth")


@pytest.mark.usefixtures("samples", "real_model")
def test_without_scripts_no_button_promises_to_copy(visit):
    page = visit("/lab/why/?q=running+shoes", java_script_enabled=False)

    expect(page.get_by_role("button", name="Copy")).to_have_count(0)


@pytest.mark.usefixtures("samples", "real_model")
@with_and_without_scripts
def test_a_missing_product_is_chosen_by_its_name(visit, scripts):
    page = visit("/lab/why/?q=running+shoes&mode=semantic", java_script_enabled=scripts)

    tab(page, "Why not this one?", scripts=scripts).click()
    box = page.locator("#why-not-name")
    if scripts:
        box.press_sequentially("coff")
    else:
        box.fill("coff")
        page.get_by_role("button", name="Why not?").click()
    page.locator("#why-not").get_by_role("link", name="Coffee Maker").click()

    panel = page.locator("#why-not")
    expect(panel.get_by_text("“Coffee Maker” is not in the results.")).to_be_visible()
    expect(panel.get_by_text(re.compile("a match needs 0.3000")).first).to_be_visible()


@pytest.mark.usefixtures("samples", "real_model")
def test_the_page_fits_a_phone(visit):
    page = visit(
        "/lab/why/?q=running+shoes&why_not=coffee-maker",
        viewport=PHONE | {"width": 320},
    )

    for name in ("SQL", "Django", "Command", "curl", "Why not this one?"):
        page.get_by_role("tab", name=name, exact=True).click()
        assert sideways(page) == 0, name
