"""Pictures in a real browser: they are shown, and nothing moves for them."""

import pytest

from products.models import Product
from tests.browser import DESK, PHONE, complaints, layout_shift, sideways
from tests.factory import make_product
from tests.pictures.files import picture, store_upload, upload

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("media"),
]

# The visitor complains about what the pages' policy refuses; see tests/browser.py.


@pytest.fixture
def shelf(transactional_db):
    """A product of each kind: two samples, a wide and a high upload, a drawing."""
    images = {
        "Mouse": "sample:mouse",
        "Watch": "sample:smart-watch",
        "Wide": store_upload(upload(picture(1200, 300, color="navy"))),
        "High": store_upload(upload(picture(300, 1200, color="green"))),
        "Lamp": "",
    }
    return [make_product(name=name, image=image) for name, image in images.items()]


def boxes(page, selector):
    """The width and height of elements, rounded."""
    return page.eval_on_selector_all(
        selector,
        """found => found.map(one => {
            const box = one.getBoundingClientRect();
            return [Math.round(box.width), Math.round(box.height)];
        })""",
    )


def loaded(page):
    """The pictures by whether they came and could be decoded; waits for them."""
    return page.eval_on_selector_all(
        "img.pic",
        """async found => {
            for (const one of found) { one.loading = "eager"; }
            await Promise.all(found.map(one => one.decode()));
            return found.map(one => one.naturalWidth > 0);
        }""",
    )


@pytest.mark.parametrize("viewport", [PHONE, DESK], ids=["phone", "desk"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pictures_are_shown_in_one_shape_and_move_nothing(
    visit, shelf, viewport, scheme
):
    page = visit("/", viewport=viewport, color_scheme=scheme)

    assert loaded(page) == [True, True, True, True]
    sizes = boxes(page, ".card .pic")
    assert len(sizes) == 5
    assert len({tuple(size) for size in sizes}) == 1
    assert abs(sizes[0][0] * 3 - sizes[0][1] * 4) <= 4
    # Not 0: a busy browser paints a page that has come by half.
    assert layout_shift(page) < 0.01
    assert sideways(page) == 0
    assert complaints(page) == []


def test_a_page_has_its_shape_before_the_picture_comes(visit, shelf):
    wide = Product.objects.get(name="Wide")
    page = visit("/login/")
    page.route("**/pictures/*", lambda route: route.fulfill(body=""))

    page.goto(wide.get_absolute_url())
    without = boxes(page, ".pic-page, .product .price")
    page.unroute("**/pictures/*")
    page.reload()

    assert all(loaded(page))
    assert boxes(page, ".pic-page, .product .price") == without
    assert without[0][0] / without[0][1] == pytest.approx(4 / 3, rel=0.02)


def test_the_pages_policy_refuses_pictures_of_other_hosts(browser, live_server):
    page = browser.new_page(base_url=live_server.url)  # which may complain
    page.goto("/")

    refused = page.evaluate(
        """async () => {
            const seen = [];
            document.addEventListener("securitypolicyviolation", event => {
                seen.push(event.violatedDirective);
            });
            const image = new Image();
            await new Promise(done => {
                image.onerror = done;
                image.src = "https://other.example/a.jpg";
            });
            return seen;
        }"""
    )

    page.close()
    assert refused == ["img-src"]


def test_a_visitor_adds_a_product_with_a_picture(visit, transactional_db, tmp_path):
    file = tmp_path / "lamp.png"
    file.write_bytes(picture(800, 600, color="orange"))
    page = visit("/products/add/")

    page.get_by_label("Name").fill("Lamp")
    page.get_by_label("Price").fill("12.50")
    page.get_by_label("Picture from a file").set_input_files(file)
    page.locator("#own").get_by_role("button", name="Add product").click()
    page.wait_for_url("**/products/*/")

    assert loaded(page) == [True]
    assert Product.objects.get().image.startswith("upload:")
