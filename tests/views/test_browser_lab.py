"""The lab in a real browser: a learner finishes the tour, with and without JavaScript."""

import re

import pytest
from playwright.sync_api import expect

from products import samples
from products.models import Product
from tests.browser import PHONE, complaints, layout_shift, sideways
from tests.factory import make_product, near

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


with_and_without_scripts = pytest.mark.parametrize(
    "scripts", [True, False], ids=["scripts", "no scripts"]
)
STEPS = [
    "Load the samples",
    "What an embedding is",
    "What the distance means",
    "Add a product",
    "What the index does",
    "Why filters are hard",
    "Your own data",
]


@pytest.fixture
def thousand(transactional_db, real_model):
    samples.load("ten")
    samples.load("thousand")


def similar_page(sku):
    return f"/similar/?product={Product.objects.get(sku=sku).pk}"


def expect_ticks(page, count):
    expect(page.locator("#ticks .done")).to_have_count(count)


def go_on(page, title):
    page.get_by_role("link", name=f"Next: {title}").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(title)


# The story


@pytest.mark.usefixtures("real_model")
@with_and_without_scripts
def test_a_learner_finishes_the_tour(visit, scripts):
    page = visit("/lab/", java_script_enabled=scripts)
    page.get_by_role("link", name="Begin").click()
    expect_ticks(page, 0)

    for name, count in (("Load Ten products", 10), ("Load About 1,000", 980)):
        page.get_by_role("button", name=name).click()
        expect(page.get_by_text(f"loaded {count} sample products!")).to_be_visible()
        expect(page.get_by_role("heading", level=1)).to_have_text(STEPS[0])
    expect_ticks(page, 1)

    go_on(page, STEPS[1])
    page.get_by_label("and another").select_option("Running Shoes")
    if not scripts:
        page.get_by_role("button", name="Compare their numbers").click()
    expect(page.get_by_role("img", name="The 384 numbers of")).to_have_count(2)
    expect(page.get_by_text("The sum of all 384")).to_be_visible()
    expect_ticks(page, 2)

    go_on(page, STEPS[2])
    page.get_by_label("Product", exact=True).select_option("Coffee Maker")
    if not scripts:
        page.get_by_role("button", name="Find similar").click()
    expect(page.get_by_role("img", name="A dial from 0 to 2")).to_be_visible()
    expect(page.get_by_text("44,850 pairs of this catalogue")).to_be_visible()
    expect_ticks(page, 3)

    go_on(page, STEPS[3])
    expect(page.locator(".ranking")).not_to_contain_text("Espresso Machine")
    page.get_by_role("button", name="Add Espresso Machine").click()
    expect(page.get_by_text("number 1 beside Coffee Maker")).to_be_visible()
    expect(page.locator(".ranking").nth(1).locator("h3").first).to_have_text(
        "Espresso Machine"
    )
    expect_ticks(page, 4)

    go_on(page, STEPS[4])
    page.get_by_label("ef_search").fill("5")
    if not scripts:
        page.get_by_role("button", name="Measure").click()
    expect(page.get_by_role("row", name="ef_search 5 chosen")).to_contain_text("0.4")
    expect_ticks(page, 5)

    go_on(page, STEPS[5])
    page.get_by_label("1 %", exact=True).check()
    if not scripts:
        page.get_by_role("button", name="Measure").click()
    expect(page.get_by_role("row", name="The shop's plan")).to_contain_text("1.000")
    expect(page.get_by_text("missed").first).to_be_visible()
    expect_ticks(page, 6)

    go_on(page, STEPS[6])
    page.get_by_label("Name").fill("Woollen socks")
    page.get_by_role("button", name="Show what is embedded").click()
    expect(page.locator("blockquote")).to_have_text("Woollen socks")
    expect(page.locator(".ranking")).to_contain_text("Wool Socks")
    expect_ticks(page, 7)

    page.get_by_role("link", name="Finish the tour").click()
    expect(page.get_by_text("You have finished the tour.")).to_be_visible()
    page.get_by_role("button", name="Start over").click()
    # The samples are still there, and so is the added product.
    expect_ticks(page, 2)


@with_and_without_scripts
def test_samples_are_removed_after_a_question(visit, scripts):
    page = visit("/lab/", java_script_enabled=scripts)
    page.get_by_role("button", name="Load the sample products").click()
    page.get_by_role("link", name=STEPS[0]).click()

    page.get_by_role("button", name="Remove Ten products").click()
    expect(page.get_by_text("Products that will be removed: 10")).to_be_visible()
    page.get_by_role("button", name="Remove them").click()

    expect(page.get_by_text("10 sample products are removed.")).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_have_text(STEPS[0])
    expect_ticks(page, 0)


@pytest.mark.usefixtures("thousand")
def test_the_slider_measures_and_back_returns_to_what_was_measured(visit):
    page = visit("/lab/index/?ef_search=3")
    expect(page.get_by_role("row", name="ef_search 3 chosen")).to_contain_text("0.2")

    page.get_by_label("ef_search").fill("4")
    expect(page.get_by_role("row", name="ef_search 4 chosen")).to_contain_text("0.3")
    expect(page).to_have_url(re.compile("ef_search=4$"))
    page.go_back()

    expect(page.get_by_role("row", name="ef_search 3 chosen")).to_be_visible()


@pytest.mark.usefixtures("thousand")
@pytest.mark.parametrize(("scheme", "locale"), [("light", "en"), ("dark", "de")])
def test_every_step_is_accessible_and_fits_every_width(visit, scheme, locale):
    samples.load("new")
    first = Product.objects.get(sku="coffee-maker").pk
    page = visit("/lab/", color_scheme=scheme, locale=locale)

    for address in (
        "/lab/",
        "/lab/samples/",
        f"/lab/embedding/?a={first}&b={first + 1}",
        f"/lab/distance/?product={first}",
        "/lab/adding/",
        "/lab/index/?ef_search=40",
        "/lab/filters/?share=0.05",
        "/lab/your-data/?name=Lamp",
        "/lab/your-data/?name=",
    ):
        page.set_viewport_size({"width": 1280, "height": 900})
        page.goto(address)
        assert complaints(page) == [], address
        assert layout_shift(page) < 0.1, address
        for width in (320, 390, 768, 1920):
            page.set_viewport_size({"width": width, "height": 844})
            assert sideways(page) == 0, (address, width)


@pytest.mark.usefixtures("samples")
def test_the_steps_are_small_on_a_phone_and_keep_their_names(visit):
    page = visit("/lab/embedding/", viewport=PHONE)
    steps = page.get_by_role("navigation", name="Steps of the tour")

    tops = {link.bounding_box()["y"] for link in steps.get_by_role("link").all()}

    assert len(tops) == 1
    expect(steps.get_by_role("link", name="Load the samples done")).to_be_visible()


# Find similar


@pytest.mark.usefixtures("samples")
def test_a_product_is_chosen_while_its_name_is_typed(visit):
    page = visit("/similar/")

    page.get_by_placeholder("Type a product's name").press_sequentially("headph")
    page.locator("#choices").get_by_role("link", name="Wireless Bluetooth").click()

    expect(page.get_by_role("heading", level=1)).to_contain_text("Headphones")


@pytest.mark.usefixtures("samples")
def test_without_scripts_half_a_name_gives_a_list_to_choose_from(visit):
    page = visit("/similar/", java_script_enabled=False)

    page.get_by_placeholder("Type a product's name").fill("laptop")
    page.get_by_role("button", name="Find similar").click()
    page.locator("#choices").get_by_role("link", name="Gaming Laptop").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Gaming Laptop")


@pytest.mark.usefixtures("samples")
def test_back_leads_to_the_similar_products_before(visit):
    page = visit(similar_page("gaming-laptop"))

    page.get_by_label("Only in Computers").check()
    expect(page.locator(".ranking h3")).to_have_count(2)
    expect(page).to_have_url(re.compile("same_category=on"))
    page.go_back()

    expect(page.locator(".ranking h3")).to_have_count(5)
    expect(page.get_by_label("Only in Computers")).not_to_be_checked()


@with_and_without_scripts
def test_more_and_less_like_this_make_a_search_to_share(visit, scripts):
    product = make_product(name="Lamp")
    liked = make_product(name="Torch", embedding=near(0.2))
    page = visit(f"/similar/?product={product.pk}", java_script_enabled=scripts)

    page.get_by_role("link", name="More like this Torch").click()

    chips = page.get_by_role("list", name="Active filters")
    expect(chips).to_contain_text("Lamp")
    assert page.url.endswith(f"?like={product.pk}&like={liked.pk}")


@pytest.mark.usefixtures("samples", "real_model")
@with_and_without_scripts
def test_why_a_product_is_similar_is_reported_on_request(visit, scripts):
    address = similar_page("running-shoes")
    page = visit(address, java_script_enabled=scripts)

    page.get_by_role("link", name="Which part matters Trail Running Shoes").click()

    expect(page.get_by_text(re.compile("The .* matters most"))).to_be_visible()
    expect(page.get_by_text("The whole text has a similarity")).to_be_visible()
    if scripts:
        assert page.url.endswith(address)
        expect(page).to_have_title(re.compile("^Similar to Running Shoes"))
        expect(page.locator(".ranking li").first.locator(".parts")).to_contain_text(
            "matters most"
        )
    else:
        page.get_by_role("link", name="Back to the results").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Running Shoes")
