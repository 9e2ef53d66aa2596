"""Every page, as everybody may see it: by axe, in both schemes, on both screens."""

from contextlib import contextmanager

import pytest
from django.contrib.auth import get_user_model
from django.db import OperationalError
from playwright.sync_api import expect

from products.models import Judgement, Product
from products.quality.tuning import Bucket, Measurement
from products.views import judging
from tests.browser import DESK, PHONE, complaints, layout_shift, make_staff, sideways

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
    "/products/{yoga}/?diversity=0.5&same_category=on",
    "/products/{yoga}/why/?q=sport",
    "/map/",
    "/exact/?q=running+shoes",
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
        page.goto("/?q=running+shoes")
        page.get_by_text("Why these results").click()
        page.get_by_role("link", name="Compare with the exact answer").click()
        expect(page.get_by_text("Recall of the nearest")).to_be_visible()
        page.get_by_role("button", name="Which part matters").first.click()
        expect(page.get_by_text("matters most")).to_be_visible()
        axe.look("results, unfolded")

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

            def fail(*args, error=error):
                raise error

            monkeypatch.setattr("products.views.catalogue.SearchForm", fail)
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


# What moves


@pytest.mark.usefixtures("samples", "real_model")
@pytest.mark.parametrize("screen", [DESK, PHONE], ids=["desk", "phone"])
def test_nothing_moves_by_itself_and_little_while_results_come_in(visit, screen):
    page = visit(viewport=screen)
    shifts = {}
    for path in addresses(["/?q=running", "/products/{yoga}/", "/map/", "/"]):
        page.goto(path)
        page.wait_for_load_state("networkidle")
        shifts[path] = layout_shift(page)

    page.get_by_label("Search", exact=True).press_sequentially("shoes for mountains")
    expect(page.locator(".card h3").first).to_have_text("Trail Running Shoes")

    assert max(shifts.values()) < 0.01, shifts
    assert layout_shift(page) < 0.1


@pytest.mark.usefixtures("judged")
def test_axe_finds_nothing_serious_on_the_admins_product_pages(visit):
    # axe writes styles into elements, which the policy rightly refuses.
    with audit(visit, user=make_staff(), bypass_csp=True) as axe:
        for path in addresses(ADMIN_PAGES):
            axe.read(path)
