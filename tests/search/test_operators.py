"""-word and "an exact phrase" in what a shopper types."""

import pytest

from products.models import Product
from products.search import Filters, search
from products.search.operators import MAX_OPERATORS, Operators, read_operators
from tests.factory import axis, make_product, near
from tests.search.test_answer import Meanings


@pytest.mark.parametrize(
    ("text", "left", "operators"),
    [
        ("headphones -wireless", "headphones", Operators((), (), ("wireless",))),
        ("-a lamp -b-c", "lamp", Operators((), (), ("a", "b-c"))),
        ('red "desk lamp" big', "red desk lamp big", Operators(("desk lamp",))),
        (
            "„desk lamp“ “big bulb”",
            "desk lamp big bulb",
            Operators(("desk lamp", "big bulb")),
        ),
        ('lamp -"desk lamp"', "lamp", Operators((), ("desk lamp",))),
        # A hyphen in a word, or alone, is none; nor is a quote sign without another.
        ("wi-fi usb - hub --x 5 -", "wi-fi usb - hub --x 5 -", Operators()),
        ('17,3" monitor', '17,3" monitor', Operators()),
        ('17" or 19" monitor', '17" or 19" monitor', Operators()),
        ('"desk lamp', '"desk lamp', Operators()),
        ('"" lamp " "', '"" lamp " "', Operators()),
    ],
)
def test_operators_are_read_from_a_text(text, left, operators):
    assert read_operators(text) == (left, operators)


def test_more_operators_than_a_person_types_are_words():
    text = " ".join(f"-w{n}" for n in range(MAX_OPERATORS + 1))

    left, operators = read_operators(text)

    assert left == f"-w{MAX_OPERATORS}"
    assert len(operators.without_words) == MAX_OPERATORS


@pytest.fixture
def shop(db):
    """Four things, of which three are near to the axis of "footwear"."""
    embedder = Meanings()

    def make(name, vector, **fields):
        make_product(
            name=name, embedding=vector, fingerprint=embedder.fingerprint, **fields
        )

    make("Red boot", near(0.1, towards=5), category="Shoes")
    make("Boot of red leather", near(0.2, towards=6), category="Shoes", price="50")
    make("Wi-Fi boot", near(0.3, towards=7), description="Dries wet shoes", price="90")
    make("Hat", axis(1), category="Hats")
    return embedder


def found(text, embedder, **options):
    return {hit.product.name for hit in search(text, embedder=embedder, **options)}


@pytest.mark.parametrize("mode", ["hybrid", "semantic", "keyword"])
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("boot -red", {"Wi-Fi boot"}),
        ("boot -reds -wifi", set()),
        ("boot -wi-fi", {"Red boot", "Boot of red leather"}),
        ('boot -"red leather"', {"Red boot", "Wi-Fi boot"}),
        ('"red boot"', {"Red boot"}),
        ('"red boots"', {"Red boot"}),
        ('"boot of red"', {"Boot of red leather"}),
        ('boot "wet shoes"', {"Wi-Fi boot"}),
        # "Boot" ends the name, and "dries" begins the description.
        ('"boot dries"', set()),
        # Nor is it a phrase where it would leave the product out.
        ('boot -"boot dries"', {"Red boot", "Boot of red leather", "Wi-Fi boot"}),
        (
            'boot -"red leather shoes"',
            {"Red boot", "Boot of red leather", "Wi-Fi boot"},
        ),
        ('boot -"shoes wi"', {"Red boot", "Boot of red leather", "Wi-Fi boot"}),
        # The name has "WiFi" besides, behind its last word.
        ('boot -"boot wifi"', {"Red boot", "Boot of red leather", "Wi-Fi boot"}),
        ('boot "the"', {"Red boot", "Boot of red leather", "Wi-Fi boot"}),
    ],
)
def test_every_mode_goes_by_operators(shop, text, expected, mode):
    shop.known = {
        text: axis(0)
        for text in (
            "boot",
            "red boot",
            "red boots",
            "boot of red",
            "boot wet shoes",
            "boot dries",
            "boot the",
        )
    }

    assert found(text, shop, mode=mode) == expected


def test_what_is_left_out_is_not_embedded(shop):
    search("footwear -red", embedder=shop)

    assert shop.texts == ["footwear"]


def test_what_is_left_out_by_meaning_is_not_found_either(shop):
    assert found("footwear", shop) == {"Red boot", "Boot of red leather", "Wi-Fi boot"}
    assert found("footwear -leather", shop) == {"Red boot", "Wi-Fi boot"}


def test_only_what_to_leave_out_lists_the_others(shop):
    results = search("-red", embedder=shop, sort="-price", page_size=1)

    assert [hit.product.name for hit in results] == ["Wi-Fi boot"]
    assert (results.mode, results.total) == ("listing", 2)
    assert results.plan.reason == "only what to leave out was asked"
    assert results.notice.startswith("You only said what to leave out")
    assert results.facets == [("", 1), ("Hats", 1)]


def test_operators_narrow_together_with_filters_and_facets(shop):
    results = search("boot -leather", Filters(categories=("Shoes",)), embedder=shop)

    assert [hit.product.name for hit in results] == ["Red boot"]
    assert results.facets == [("", 1), ("Shoes", 1)]


def test_operators_narrow_what_is_like_an_example(shop):
    boot = Product.objects.get(name="Red boot")

    results = search("-leather", like=[boot], embedder=shop)

    assert {hit.product.name for hit in results} == {"Wi-Fi boot", "Hat"}


def test_the_list_says_that_only_something_to_leave_out_was_asked(client, shop):
    page = client.get("/", {"q": "-red"}).content.decode()

    assert "You only said what to leave out." in page
    assert "2 products" in page
    assert "Red boot" not in page
