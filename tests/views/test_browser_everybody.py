"""Every page, as everybody may see it: by axe, in both schemes, on both screens."""

import re
from contextlib import contextmanager

import pytest
from django.contrib.auth import get_user_model
from django.db import OperationalError
from playwright.sync_api import expect

from products.models import Judgement, Product
from products.quality.tuning import Bucket, Measurement
from products.views import judging
from tests.browser import DESK, PHONE, complaints, layout_shift, make_staff, sideways
from tests.factory import make_product, near

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PAGES = [
    "/",
    "/?q=running+shoes",
    "/?q=running+shoes&category=Sports&max_price=200",
    "/?q=zzzz&mode=keyword",
    "/?page=abc",
    "/?like={running}&like={yoga}&unlike={coffee}",
    "/similar/",
    "/similar/?q=laptop",
    "/similar/?q=zzzz",
    "/similar/?product=abc",
    "/products/add/",
    "/products/{yoga}/",
    "/compare/",
    "/compare/?product={yoga}&product={running}&add=lap",
    "/compare/?product={yoga}&product=0",
    "/products/{yoga}/why/?q=sport",
    "/map/",
    "/exact/?q=running+shoes",
    "/lab/why/",
    "/lab/why/?q=running+shoes&max_price=200",
    "/lab/why/?like={running}&like={yoga}&unlike={coffee}&why_not=gaming-laptop",
    "/lab/why/?page=abc",
    "/login/",
    "/nowhere/",
]
STAFF_PAGES = ["/?q=running+shoes", "/logout/", "/quality/", "/quality/?tune=1"]
ADMIN = "/admin/products/product/"
ADMIN_PAGES = [
    "/admin/",
    ADMIN,
    f"{ADMIN}{{yoga}}/change/",
    f"{ADMIN}{{yoga}}/similar/",
    f"{ADMIN}embeddings/",
    f"{ADMIN}near-duplicates/?threshold=0.7",
    f"{ADMIN}odd-categories/",
    f"{ADMIN}import/",
]


def addresses(paths):
    numbers = {
        sku.split("-")[0]: pk for sku, pk in Product.objects.values_list("sku", "pk")
    }
    return [path.format(**numbers) for path in paths]


@pytest.fixture
def measured(monkeypatch):
    """A tuning that is done, to be drawn: the real one wants 1,000 products."""
    points = [Measurement(ef, 0.5, 1.0, 2.0) for ef in judging.EF_SEARCH]

    def tune(shares, **options):
        return [Bucket(share, share, 9.0, points, points[0]) for share in shares]

    monkeypatch.setattr("products.quality.steps.tune", tune)


@pytest.fixture
def judged(samples):
    shoes = Product.objects.get(sku="running-shoes")
    Judgement.objects.create(query="running shoes", product=shoes, grade=1)


# All rules each time. Colours hang on the scheme and places on the screen, so that
# two of the four combinations see all of both.
LOOKS = [("light", DESK), ("dark", PHONE)]


class Audit:
    """What axe finds on the pages it is shown, by page and scheme."""

    def __init__(self, page):
        self.page, self.found = page, {}

    def read(self, path):
        self.page.goto(path)
        self.look(path)

    def look(self, name):
        """Judge the page as it stands, in the light on a desk, in the dark on a phone."""
        self.page.evaluate(
            "document.querySelectorAll('details').forEach(fold => fold.open = true)"
        )
        for scheme, screen in LOOKS:
            self.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            self.page.set_viewport_size(screen)
            # The admin fades from one colour to the other.
            self.page.evaluate(
                "Promise.all(document.getAnimations().map(one => one.finished))"
            )
            if complained := complaints(self.page):
                self.found[name, scheme] = complained
            assert sideways(self.page) == 0, (name, screen)


@contextmanager
def audit(visit, **options):
    audit = Audit(visit(**options))
    yield audit
    assert audit.found == {}


@pytest.mark.usefixtures("samples", "real_model")
def test_axe_finds_nothing_serious_on_a_shoppers_pages(visit):
    with audit(visit) as axe:
        for path in addresses(PAGES):
            axe.read(path)


@pytest.mark.usefixtures("samples", "real_model")
def test_axe_finds_nothing_serious_in_what_is_opened(visit):
    with audit(visit) as axe:
        page = axe.page
        page.goto("/lab/why/?q=running+shoes&why_not=coffee-maker")
        page.get_by_role("link", name="Compare with the exact answer").click()
        expect(page.get_by_text("Recall of the nearest")).to_be_visible()
        page.get_by_role("link", name="Which part matters").first.click()
        expect(page.get_by_text("matters most")).to_be_visible()
        for tab in page.get_by_role("tab").all():
            tab.click()
            axe.look(f"reasons, {tab.inner_text()}")

        page.goto("/products/add/")
        page.get_by_label("Name").fill("Yoga Mat")
        expect(page.locator("#neighbours h4").first).to_be_visible()
        axe.look("neighbours")
        page.get_by_label("Price").fill("30")
        page.locator("#own").get_by_role("button", name="Add product").click()
        expect(page.locator(".errorlist").first).to_be_visible()
        axe.look("the product is there already")


@pytest.mark.usefixtures("judged", "measured", "real_model")
def test_axe_finds_nothing_serious_on_the_staffs_pages(visit):
    with audit(visit, user=make_staff()) as axe:
        for path in addresses(STAFF_PAGES):
            axe.read(path)


def test_axe_finds_nothing_serious_where_nothing_is(visit):
    staff = make_staff()
    with audit(visit, user=staff) as axe:
        for path in ("/", "/map/", "/similar/?q=a", "/quality/", "/products/add/"):
            axe.read(path)


def test_axe_finds_nothing_serious_where_something_is_refused(visit, monkeypatch):
    shopper = get_user_model().objects.create(username="shopper")
    with audit(visit, user=shopper) as axe:
        axe.read("/quality/")
        expect(axe.page.get_by_text("Not allowed")).to_be_visible()
        for error, says in [
            (ValueError("odd"), "Something went wrong"),
            (OperationalError("gone"), "Back in a moment"),
        ]:

            def fail(*args, error=error, **options):
                raise error

            monkeypatch.setattr("products.views.catalogue.search", fail)
            axe.read("/")
            expect(axe.page.get_by_text(says)).to_be_visible()


@pytest.mark.usefixtures("judged", "measured", "real_model")
def test_no_page_of_the_admin_complains_or_scrolls_sideways(visit):
    page = visit("/admin/", viewport=PHONE)
    expect(page.get_by_label("Username")).to_be_visible()
    page = visit("/admin/", viewport=PHONE, user=make_staff())

    for path in addresses(ADMIN_PAGES):
        page.goto(path)
        expect(page.get_by_role("link", name="VectorShop")).to_be_visible()
        assert page.locator("link[rel=icon]").count() == 1
        if path.startswith(ADMIN):
            assert sideways(page) == 0, path


CLIPPED = """cells => cells.filter(cell => cell.scrollWidth > cell.clientWidth + 1)
    .map(cell => cell.innerText)"""


@pytest.mark.usefixtures("samples")
@pytest.mark.parametrize("language", ["en", "de"])
def test_the_admins_list_fits_a_desk(visit, language):
    make_product(name="words of a name " * 12, sku="s" * 90, category="Long " * 20)
    make_product(name="n" * 190, sku="unbroken", category="c" * 190)
    page = visit(*addresses([ADMIN]), user=make_staff(), locale=language)

    assert sideways(page) == 0
    scroller = page.locator("#changelist .results")
    assert scroller.evaluate("box => box.scrollWidth - box.clientWidth") <= 0
    assert page.locator("#result_list :is(td, th)").evaluate_all(CLIPPED) == []
    rows = page.locator("#result_list tbody tr")
    assert max(row.bounding_box()["height"] for row in rows.all()) < 130
    heading = page.get_by_role("heading", level=1).bounding_box()
    buttons = page.locator(".object-tools").bounding_box()
    assert buttons["y"] >= heading["y"] + heading["height"]


# What moves


@pytest.mark.usefixtures("samples", "real_model")
@pytest.mark.parametrize("screen", [DESK, PHONE], ids=["desk", "phone"])
def test_nothing_moves_by_itself_nor_while_results_come_in(visit, screen):
    page = visit(viewport=screen)
    shifts = {}
    for path in addresses(["/?q=running", "/products/{yoga}/", "/map/", "/"]):
        page.goto(path)
        page.wait_for_load_state("networkidle")
        shifts[path] = layout_shift(page)

    page.get_by_label("Search", exact=True).press_sequentially("shoes for mountains")
    expect(page.locator(".card h3").first).to_have_text("Trail Running Shoes")

    assert max(shifts.values()) < 0.01, shifts
    assert layout_shift(page) == 0


@pytest.mark.usefixtures("samples")
@pytest.mark.parametrize("screen", [DESK, PHONE], ids=["desk", "phone"])
def test_the_admins_reports_hang_below_their_button(visit, screen):
    page = visit(*addresses([ADMIN]), user=make_staff(), viewport=screen)
    page.get_by_text("Reports").click()
    link = page.get_by_role("link", name="Odd categories")
    box = link.bounding_box()
    middle = [box["x"] + box["width"] / 2, box["y"] + box["height"] / 2]

    on_top = page.evaluate(
        "([x, y]) => document.elementFromPoint(x, y).innerText", middle
    )
    link.click()

    assert on_top == "Odd categories"
    expect(page.get_by_role("heading", name="Odd categories")).to_be_visible()


@pytest.mark.usefixtures("samples")
def test_nothing_moves_on_the_admins_pages(visit):
    page = visit("/admin/", user=make_staff())
    shifts = {}
    for path in addresses(ADMIN_PAGES):
        page.goto(path)
        page.wait_for_load_state("networkidle")
        shifts[path] = layout_shift(page)

    assert max(shifts.values()) < 0.01, shifts


@pytest.mark.usefixtures("judged")
def test_axe_finds_nothing_serious_on_the_admins_product_pages(visit):
    # axe writes styles into elements, which the policy rightly refuses.
    with audit(visit, user=make_staff(), bypass_csp=True) as axe:
        for path in addresses(ADMIN_PAGES):
            axe.read(path)


def places(page, locator):
    """Where elements begin, and how wide they are, in whole pixels."""
    boxes = [each.bounding_box() for each in page.locator(locator).all()]
    return [(round(box["x"]), round(box["y"]), round(box["width"])) for box in boxes]


@pytest.mark.usefixtures("samples")
@pytest.mark.parametrize("screen", [DESK, PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize("language", ["en", "de"])
def test_the_navigation_stands_in_the_same_place_on_every_page(visit, screen, language):
    page = visit(viewport=screen, locale=language)
    seen = {}
    for path in addresses(
        ["/", "/similar/", "/map/", "/products/add/", "/products/{yoga}/", "/nowhere/"]
    ):
        page.goto(path)
        seen[path] = places(page, ".top a")

    assert len({str(boxes) for boxes in seen.values()}) == 1, seen
    edge = max(x + width for x, _, width in seen["/"])
    assert edge <= screen["width"] - 16  # the margin of the page


@pytest.mark.usefixtures("samples")
@pytest.mark.parametrize("screen", [DESK, PHONE], ids=["desk", "phone"])
def test_nothing_is_pushed_while_a_product_s_name_is_typed(visit, screen):
    page = visit("/similar/", viewport=screen)
    page.wait_for_load_state("networkidle")
    box = page.get_by_placeholder("Type a product's name")
    box.focus()
    scrolled = page.evaluate("scrollY")
    before = places(page, ".results-head, .card, .bottom")

    box.press_sequentially("sm")
    expect(page.locator("#choices a").first).to_be_visible()
    listed = places(page, ".results-head, .card, .bottom")
    box.fill("zzzz")
    expect(page.get_by_text("No product has a name like that.")).to_be_visible()

    assert page.evaluate("scrollY") == scrolled
    assert listed == before
    assert places(page, ".results-head, .card, .bottom") == before


@pytest.mark.usefixtures("samples", "real_model")
def test_nothing_above_the_results_moves_while_a_question_is_typed(visit):
    page = visit("/?q=shoes")
    fixed = ".hero h1, .searchbox, .options, .prices, .results-head"
    before = places(page, fixed)

    for text in ("mat", "coffee for the whole family"):
        page.get_by_label("Search", exact=True).fill(text)
        expect(page).to_have_title(re.compile(text.split()[0]))

        assert [place[:2] for place in places(page, fixed)] == [
            place[:2] for place in before
        ]


# Words


BROKEN_WORDS = """texts => {
    // Where a line ends between two letters, the next letter is lower on the page.
    const broken = [];
    for (const text of texts) {
        const walker = document.createTreeWalker(text, NodeFilter.SHOW_TEXT);
        for (let node; (node = walker.nextNode()); ) {
            for (const found of node.data.matchAll(/[\\p{L}\\p{N}.,]+/gu)) {
                const range = document.createRange();
                range.setStart(node, found.index);
                range.setEnd(node, found.index + found[0].length);
                if (range.getClientRects().length > 1) broken.push(found[0]);
            }
        }
    }
    return broken;
}"""


@pytest.mark.usefixtures("samples", "real_model")
@pytest.mark.parametrize("width", [320, 390, 1280])
def test_no_word_is_broken_where_it_fits_into_a_line(visit, width):
    long = "An extraordinary name of several quite ordinary words "
    make_product(name=f"{long}1", category="Electronics and Entertainment")
    make_product(name=f"{long}2", category="Lexmark", embedding=near(0.3))
    page = visit("/", viewport={"width": width, "height": 900})
    broken = {}

    for path in addresses(
        ["/", "/?q=running+shoes", "/similar/?q=extraordinary", "/products/{yoga}/"]
    ):
        page.goto(path)
        texts = page.locator("main :is(h1, h2, h3, p, li, dd, span)")
        if found := texts.evaluate_all(BROKEN_WORDS):
            broken[path] = sorted({*found})

    assert broken == {}
