"""What pages show of a product: the addresses of its picture, or a drawing."""

import re
from itertools import product as pairs
from types import SimpleNamespace

import pytest
from django.conf import settings as project
from django.template import engines
from django.urls import get_script_prefix, set_script_prefix

from products.pictures.drawn import COLOURS, THINGS, drawn_picture
from products.pictures.shown import image_address, image_srcset
from products.querysets import ProductQuerySet
from tests.factory import make_product

DIGEST = "0123456789abcdef" * 2
UPLOADED = f"upload:{DIGEST}"
ELSEWHERE = "https://cdn.example/a,b.jpg?x=1&y=2"


def article(image="", name="Lamp", category="Home"):
    return SimpleNamespace(image=image, name=name, category=category)


@pytest.fixture
def cdn(settings):
    settings.IMAGE_HOSTS = ["cdn.example"]


@pytest.fixture
def below():
    """A function that serves the shop below another path."""
    before = get_script_prefix()
    yield set_script_prefix
    set_script_prefix(before)


def shown(product, size):
    """The picture as the macro renders it, on one line."""
    template = engines["jinja2"].from_string(
        '{% from "products/_picture.html" import picture %}{{ picture(product, size) }}'
    )
    return " ".join(template.render({"product": product, "size": size}).split())


@pytest.mark.usefixtures("cdn")
@pytest.mark.parametrize(
    ("image", "address"),
    [
        ("", None),
        (UPLOADED, f"/pictures/{DIGEST}-960.webp"),
        ("sample:mouse", "/static/products/samples/mouse.svg"),
        (ELSEWHERE, ELSEWHERE),
        # What SQL may have written, and what was shown once:
        ("sample:unicorn", None),
        ("javascript:alert(1)", None),
        ("https://other.example/a.jpg", None),
        ("http://cdn.example/a.jpg", None),
        ("nonsense", None),
    ],
)
def test_a_picture_has_an_address_or_is_drawn(image, address):
    assert image_address(article(image)) == address


def test_addresses_are_below_the_path_of_the_shop(below):
    addresses = []
    for prefix in ("/", "/shop/", "/"):
        below(prefix)
        addresses.append(image_address(article(UPLOADED), 160))

    name = f"pictures/{DIGEST}-160.webp"
    assert addresses == [f"/{name}", f"/shop/{name}", f"/{name}"]


@pytest.mark.usefixtures("cdn")
def test_only_uploads_have_several_sizes():
    assert image_srcset(article(UPLOADED)) == (
        f"/pictures/{DIGEST}-480.webp 480w, /pictures/{DIGEST}-960.webp 960w"
    )
    assert [image_srcset(article(i)) for i in ("", "sample:mouse", ELSEWHERE)] == 3 * [
        ""
    ]


# The macro


@pytest.mark.usefixtures("cdn")
@pytest.mark.parametrize("image", [UPLOADED, "sample:mouse", ELSEWHERE])
@pytest.mark.parametrize(
    ("size", "width", "height"),
    [("small", 64, 48), ("card", 320, 240), ("page", 320, 240)],
)
def test_each_picture_has_its_shape_before_it_is_loaded(image, size, width, height):
    html = shown(article(image), size)

    assert f'width="{width}" height="{height}"' in html
    assert "style=" not in html


def test_the_name_is_told_once():
    # Beside the small ones the name stands as text.
    assert 'alt="Lamp"' in shown(article(UPLOADED), "page")
    assert 'alt=""' in shown(article(UPLOADED), "card")
    assert 'alt=""' in shown(article(UPLOADED), "small")


def test_pictures_of_a_list_are_loaded_when_they_come_near():
    assert "loading" not in shown(article(UPLOADED), "page")
    assert 'loading="lazy"' in shown(article(UPLOADED), "card")
    assert 'loading="lazy"' in shown(article(UPLOADED), "small")


@pytest.mark.usefixtures("cdn")
def test_other_hosts_are_not_told_which_page_shows_their_picture():
    assert 'referrerpolicy="no-referrer"' in shown(article(ELSEWHERE), "card")
    assert "referrerpolicy" not in shown(article(UPLOADED), "card")


@pytest.mark.usefixtures("cdn")
def test_addresses_and_names_are_escaped():
    html = shown(article('https://cdn.example/"><script>', '"><script>'), "page")

    assert "<script>" not in html
    assert "y=2" in shown(article(ELSEWHERE), "card")


@pytest.mark.django_db
def test_a_list_brings_the_pictures_in_its_one_statement(django_assert_num_queries):
    for number in range(3):
        make_product(image="sample:mouse", name=f"Mouse {number}")
    products: ProductQuerySet = type(make_product()).objects.for_display()

    with django_assert_num_queries(1):
        images = [image_address(product) for product in products.order_by("pk")]

    assert images == [*3 * ["/static/products/samples/mouse.svg"], None]


# The drawing


def test_a_product_looks_the_same_each_time_and_others_look_different():
    first = drawn_picture(article(name="Lamp"), "card")

    assert first == drawn_picture(article(name="Lamp"), "card")
    assert first != drawn_picture(article(name="Rake"), "card")


def test_a_category_has_one_colour_and_categories_differ():
    def colour(name, category):
        html = drawn_picture(article(name=name, category=category), "card")
        return re.search(r"drawn (d\d)", html)[1]

    home = {colour(name, "Home") for name in ("Lamp", "Rake", "Bowl")}
    all_colours = {colour("Lamp", f"Category {number}") for number in range(100)}

    assert len(home) == 1
    assert all_colours == {f"d{number}" for number in range(COLOURS)}


def test_a_drawing_is_small_and_quiet():
    names, sizes = (f"Product {number}" for number in range(300)), ("card", "small")
    drawings = [drawn_picture(article(name=n), s) for n, s in pairs(names, sizes)]

    assert max(map(len, drawings)) < 300
    assert len(set(drawings)) > len(THINGS) ** 2
    assert all('aria-hidden="true"' in drawing for drawing in drawings)
    assert not any("style" in drawing or "fill" in drawing for drawing in drawings)


def test_names_are_no_part_of_a_drawing():
    assert "script" not in drawn_picture(article(name="<script>"), "card")


def test_the_samples_are_small_and_run_nothing():
    folder = project.BASE_DIR / "products" / "static" / "products" / "samples"
    drawings = [path.read_text(encoding="utf-8") for path in folder.glob("*.svg")]

    assert len(drawings) == 13
    assert max(map(len, drawings)) < 700
    assert not any("script" in svg or "href" in svg or " on" in svg for svg in drawings)
