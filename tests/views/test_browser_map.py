"""The map in a browser: moved, zoomed, asked and searched, and without JavaScript."""

import re

import numpy as np
import pytest
from playwright.sync_api import expect

from products.insight.projections import text_number
from products.models import Product, Projection
from tests.browser import PHONE, complaints, layout_shift, sideways
from tests.factory import make_product, near

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

MARGIN = (
    32  # pixels of the canvas that the whole map leaves free, on both sides together
)


@pytest.fixture
def lamps():
    """Six lamps and a shoe on an arc: the nearest of each are those beside it."""
    return [
        make_product(
            name=f"Lamp {n}" if n else "Shoe",
            category="Home" if n else "Sports",
            embedding=near(0.1 * n),
        )
        for n in range(7)
    ]


class Canvas:
    """The map of an open page: where its points are, and which colours."""

    def __init__(self, page):
        self.page = page
        self.canvas = page.locator("#map-canvas[data-ready]")
        self.canvas.wait_for()
        projection = page.locator("#map").get_attribute("data-projection")
        address = f"/map/points/?projection={projection}"
        self.points = page.request.get(address).json()

    def place(self, product):
        """Where a product is while the whole map is shown, in pixels of the canvas."""
        box = self.canvas.bounding_box()
        sides = [(box["width"], self.points["x"]), (box["height"], self.points["y"])]
        scale = min(
            (room - MARGIN) / max(max(along) - min(along), 1) for room, along in sides
        )
        number = self.points["ids"].index(product.pk)
        return [
            (along[number] - (min(along) + max(along)) / 2) * scale + room / 2
            for room, along in sides
        ]

    def colour(self, x, y):
        return self.canvas.evaluate(
            """(canvas, [x, y]) => {
                const ratio = canvas.width / canvas.clientWidth;
                const place = [Math.round(x * ratio), Math.round(y * ratio), 1, 1];
                return [...canvas.getContext("2d").getImageData(...place).data];
            }""",
            [x, y],
        )[:3]

    def legend(self, number):
        fill = "mark => getComputedStyle(mark).fill"
        mark = self.page.locator(f".legend circle.series-{number}")
        return [int(part) for part in re.findall(r"\d+", mark.evaluate(fill))]

    def over(self, product):
        x, y = self.place(product)
        box = self.canvas.bounding_box()
        return box["x"] + x, box["y"] + y

    def view(self):
        """The middle and the zoom that the address keeps, [] for all of the map."""
        self.page.wait_for_timeout(400)  # the address is written when the map rests
        at = re.search(r"at=([^&]+)", self.page.url)
        return [float(part) for part in re.split(",|%2C", at[1])] if at else []


@pytest.fixture
def open_map(visit):
    def open_map(path="/map/", **options):
        page = visit(path, **options)
        return page, Canvas(page)

    return open_map


def test_the_wheel_zooms_and_0_shows_all(lamps, open_map):
    page, canvas = open_map()
    assert canvas.view() == []

    page.mouse.move(*canvas.over(lamps[3]))
    page.mouse.wheel(0, -500)
    _, _, zoom = canvas.view()
    canvas.canvas.press("0")

    assert zoom == pytest.approx(1.0015**500, abs=0.01)
    assert canvas.view() == []


def test_keys_zoom_and_move(lamps, open_map):
    _page, canvas = open_map()

    canvas.canvas.press("+")
    canvas.canvas.press("+")
    x, y, zoom = canvas.view()
    canvas.canvas.press("ArrowRight")
    canvas.canvas.press("ArrowUp")
    moved_x, moved_y, _ = canvas.view()
    canvas.canvas.press("-")

    assert zoom == 2.25
    assert moved_x > x
    assert moved_y < y
    assert canvas.view()[2] == 1.5


def test_buttons_zoom(lamps, open_map):
    page, canvas = open_map()

    page.get_by_role("button", name="Zoom in").click()
    assert canvas.view()[2] == 1.5
    page.get_by_role("button", name="Show all of the map").click()
    assert canvas.view() == []


def test_dragging_moves_the_map(lamps, open_map):
    page, canvas = open_map()
    canvas.canvas.press("+")
    x, *_ = canvas.view()

    left, top = canvas.over(lamps[3])
    page.mouse.move(left, top)
    page.mouse.down()
    page.mouse.move(left - 60, top, steps=3)
    page.mouse.up()

    assert canvas.view()[0] > x
    assert "product=" not in page.url


def test_a_card_comes_with_the_pointer_and_goes_with_it(lamps, open_map):
    page, canvas = open_map()
    card = page.locator("#map-hover")
    expect(card).to_be_hidden()

    page.mouse.move(*canvas.over(lamps[3]))
    expect(card.locator("h2")).to_have_text("Lamp 3")
    expect(card).to_contain_text("$9.99")
    page.mouse.move(10, 10)

    expect(card).to_be_hidden()


def test_a_click_chooses_a_product_and_draws_lines_to_its_neighbours(lamps, open_map):
    page, canvas = open_map()
    lamp, neighbour, last = lamps[1], lamps[2], lamps[6]
    between = np.mean([canvas.place(lamp), canvas.place(neighbour)], axis=0)
    before = canvas.colour(*between)

    page.mouse.click(*canvas.over(lamp))

    card = page.locator("#map-chosen")
    expect(card.get_by_role("heading", level=2)).to_have_text("Lamp 1")
    expect(card.get_by_role("link", name="Find similar")).to_be_visible()
    expect(card.locator("li")).to_have_count(5)
    assert f"Lamp {6}" not in card.inner_text()
    assert f"product={lamp.pk}" in page.url
    assert last.pk not in [lamp.pk, neighbour.pk]
    # The ink of light paper, where the paper was.
    assert before == [255, 255, 255]
    assert sum(canvas.colour(*between)) < 200


def test_escape_lets_the_product_go_and_back_brings_it_again(lamps, open_map):
    page, canvas = open_map()
    page.mouse.click(*canvas.over(lamps[1]))
    page.mouse.click(*canvas.over(lamps[5]))
    heading = page.locator("#map-chosen h2")
    expect(heading).to_have_text("Lamp 5")

    page.go_back()
    expect(heading).to_have_text("Lamp 1")
    canvas.canvas.press("Escape")
    expect(page.locator("#map-chosen")).to_be_hidden()
    assert "product=" not in page.url
    page.go_back()

    expect(heading).to_have_text("Lamp 1")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_points_have_the_colours_of_the_legend(lamps, open_map, scheme):
    _page, canvas = open_map(color_scheme=scheme)

    assert canvas.colour(*canvas.place(lamps[3])) == canvas.legend(1)
    assert canvas.colour(*canvas.place(lamps[0])) == canvas.legend(2)


def test_the_legend_shows_a_category_alone(lamps, open_map):
    page, canvas = open_map()
    full = canvas.colour(*canvas.place(lamps[3]))

    page.get_by_text("Sports", exact=False).first.click()
    expect(page.locator("#map-seen")).to_have_text("1")

    assert canvas.colour(*canvas.place(lamps[0])) == canvas.legend(2)
    # 15 % of the colour on white.
    assert canvas.colour(*canvas.place(lamps[3])) == pytest.approx(
        [255 - 0.15 * (255 - part) for part in full], abs=3
    )


def test_a_search_lights_up_what_it_finds(lamps, open_map):
    page, canvas = open_map()
    full = canvas.colour(*canvas.place(lamps[3]))

    page.get_by_label("Search on the map").fill("shoe")
    page.get_by_label("Search on the map").press("Enter")

    expect(page.locator("#map-status")).to_contain_text("of them on the map")
    assert "q=shoe" in page.url
    assert canvas.colour(*canvas.place(lamps[0])) == canvas.legend(2)
    assert sum(canvas.colour(*canvas.place(lamps[3]))) > sum(full) + 100
    page.go_back()
    expect(page.locator("#map-status")).to_have_text("")
    expect(page.get_by_label("Search on the map")).to_have_value("")


def test_the_page_says_when_the_shop_does_not_answer(lamps, open_map):
    page, canvas = open_map()
    page.route("**/map/found/**", lambda route: route.fulfill(status=503, body="Busy"))

    page.get_by_label("Search on the map").fill("shoe")
    page.get_by_label("Search on the map").press("Enter")

    expect(page.locator("#map-status")).to_have_text(
        "The shop does not answer. Try again in a moment."
    )


def test_tab_leads_from_the_map_to_what_is_in_view(lamps, open_map):
    page, canvas = open_map()
    expect(page.locator("#map-names li")).to_have_count(7)
    canvas.canvas.focus()

    for _ in range(10):
        page.keyboard.press("Tab")
        if page.locator("#map-names a:focus").count():
            break
    focused = page.locator("#map-names a:focus").inner_text()
    page.keyboard.press("Enter")

    expect(page.locator("#map-chosen h2")).to_have_text(focused)


def test_an_address_shows_what_was_shared(lamps, open_map):
    lamp = lamps[4]
    page, canvas = open_map(f"/map/?product={lamp.pk}&q=shoe&at=0.4,0.5,3")

    expect(page.locator("#map-chosen h2")).to_have_text("Lamp 4")
    expect(page.get_by_label("Search on the map")).to_have_value("shoe")
    expect(page.locator("#map-status")).to_contain_text("on the map")
    assert canvas.view()[2] == 3
    assert f"product={lamp.pk}" in page.url


@pytest.mark.parametrize("at", ["x,y,z", "1", "9,9,99999", "-1,-1,0"])
def test_a_view_that_there_is_not_is_corrected(lamps, open_map, at):
    _page, canvas = open_map(f"/map/?at={at}")

    view = canvas.view()
    assert view == [] or (0 <= view[0] <= 1 and 0 <= view[1] <= 1 and view[2] <= 200)


def test_the_other_projection_keeps_what_is_chosen(lamps, open_map):
    texts = [text_number(lamp.embedded_hash) for lamp in lamps]
    Projection.objects.create(
        fingerprint=lamps[0].embedding_fingerprint,
        ids=np.array([lamp.pk for lamp in lamps], "<i8").tobytes(),
        texts=np.array(texts, "<i8").tobytes(),
        places=np.array([[n, n % 2] for n in range(7)], "<f4").tobytes(),
        kept=0.9,
        principal_kept=0.5,
    )
    page, canvas = open_map()
    page.mouse.click(*canvas.over(lamps[1]))
    expect(page.locator("#map-chosen h2")).to_have_text("Lamp 1")

    page.get_by_role("link", name="Neighbourhoods (t-SNE)").click()

    expect(page.locator("#map")).to_have_attribute("data-projection", "tsne")
    expect(page.locator("#map-chosen h2")).to_have_text("Lamp 1")
    Canvas(page)
    page.go_back()
    expect(page.locator("#map")).to_have_attribute("data-projection", "pca")


def test_on_a_phone_a_tap_chooses_and_two_fingers_zoom(lamps, open_map):
    page, canvas = open_map(viewport=PHONE, has_touch=True, is_mobile=True)
    x, y = canvas.over(lamps[3])

    page.touchscreen.tap(x, y)
    expect(page.locator("#map-chosen h2")).to_have_text("Lamp 3")
    send = page.context.new_cdp_session(page).send
    for kind, apart in [("touchStart", 40), ("touchMove", 60), ("touchMove", 80)]:
        fingers = [{"x": x - apart, "y": y, "id": 0}, {"x": x + apart, "y": y, "id": 1}]
        send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": fingers})
    send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})

    assert canvas.view()[2] == pytest.approx(2, abs=0.1)
    assert sideways(page) == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_what_the_script_shows(lamps, open_map, scheme):
    page, canvas = open_map("/map/?q=shoe", color_scheme=scheme)
    expect(page.locator("#map-status")).to_contain_text("on the map")
    page.mouse.click(*canvas.over(lamps[1]))
    expect(page.locator("#map-chosen h2")).to_have_text("Lamp 1")
    page.mouse.move(*canvas.over(lamps[3]))
    expect(page.locator("#map-hover")).to_be_visible()

    assert complaints(page) == []


def test_nothing_moves_while_the_map_comes(lamps, open_map):
    page, _canvas = open_map()
    expect(page.locator("#map-names li")).to_have_count(7)

    assert layout_shift(page) < 0.01


@pytest.mark.usefixtures("samples", "real_model")
def test_without_scripts_the_map_is_a_picture_with_words(visit):
    mat = Product.objects.get(name="Yoga Mat")
    page = visit(f"/map/?product={mat.pk}", java_script_enabled=False)

    picture = page.get_by_role("img", name="The map")
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.naturalWidth") > 0
    expect(page.get_by_role("row", name="Sports")).to_be_visible()
    expect(page.locator("#map-chosen h2")).to_have_text("Yoga Mat")
    expect(page.locator("#map-chosen li")).to_have_count(5)
    expect(page.get_by_label("Search on the map")).to_be_hidden()
    expect(page.get_by_role("radio", name="Sports")).to_be_disabled()
    page.locator("#map-chosen li a").first.click()
    expect(page.locator("#map-chosen h2")).not_to_have_text("Yoga Mat")


@pytest.mark.usefixtures("lamps")
def test_without_scripts_the_names_can_be_read_on_a_phone(visit):
    page = visit("/map/", java_script_enabled=False, viewport=PHONE)

    picture = page.get_by_role("img", name="The map")
    width = picture.evaluate("image => image.getBoundingClientRect().width")
    # The names are 14 of the picture's 1,000 units high.
    assert 14 * width / 1_000 >= 12
    assert sideways(page) == 0


def test_a_product_that_is_not_on_the_map_is_shown_beside_it(lamps, open_map):
    bare = make_product(name="Torch", embedding=None)
    page, canvas = open_map(f"/map/?product={bare.pk}")

    expect(page.locator("#map-chosen h2")).to_have_text("Torch")
    expect(page.locator("#map-chosen")).to_contain_text("has no embedding yet")
    expect(page.locator("#map-status")).to_have_text("This product is not on the map.")
    page.mouse.click(*canvas.over(lamps[1]))
    expect(page.locator("#map-chosen h2")).to_have_text("Lamp 1")
    expect(page.locator("#map-status")).to_have_text("")


def test_the_picture_alone_leads_to_the_products(lamps, visit):
    page = visit("/map/")
    page.route("**/favicon.ico", lambda route: route.fulfill(status=204))
    page.goto("/map.svg")

    assert "Lamp 3" in page.locator("title").all_text_contents()
    page.locator("a", has_text="Lamp 3").locator("circle").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Lamp 3")
