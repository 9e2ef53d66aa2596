"""accessory_of(): which names are those of accessories, and where those rank."""

import pytest
from django.core.cache import cache

from products.embeddings import BaseEmbeddingBackend
from products.search import search
from products.search.accessories import accessory_of
from products.search.words import Match, trust_in_words
from tests.factory import axis, make_product, near

ACCESSORIES = [
    "Laptop Bag",
    "Red laptop sleeve, 15 inch",
    "Laptop-Cases",
    "Bag for Laptops",
    "Battery fits HP laptop",
    # It has the word in its description.
    "Nylon backpack",
]
THINGS = [
    "Laptop",
    "Laptop 15 inch, black",
    "Laptop with bag",
    "Bundle: laptop, bag",
    "Case Logic Laptop",
    "Laptop for travel",
    "Notebook",
]


@pytest.mark.parametrize("name", ACCESSORIES)
def test_an_accessory_is_known_by_its_name(name):
    assert accessory_of(["laptop"])(name)


@pytest.mark.parametrize("name", THINGS)
def test_the_thing_itself_is_no_accessory(name):
    assert not accessory_of(["laptop"])(name)


@pytest.mark.parametrize("query", [["laptop", "bag"], ["laptop", "batteri"], []])
def test_who_asks_for_an_accessory_means_it(query):
    assert not any(map(accessory_of(query), ACCESSORIES))


def test_a_shop_has_its_own_words_for_accessories(settings):
    settings.ACCESSORY_WORDS = ["Hülle"]

    is_accessory = accessory_of(["handy"])

    assert is_accessory("Handy Hülle rot")
    assert not is_accessory("Handy Case rot")


def test_words_say_less_the_more_accessories_have_them():
    thing, bag = Match(("laptop",), 1.0), Match(("laptop",), 0.5, accessory=True)
    other = Match((), 0.0)

    assert trust_in_words([thing, thing, other]) == 1
    assert trust_in_words([thing, bag, other]) == pytest.approx(1 / 8)
    assert trust_in_words([bag, other]) == 0
    assert trust_in_words([]) == 1


@pytest.mark.django_db
@pytest.mark.parametrize("mode", ["hybrid", "keyword"])
def test_the_thing_comes_before_its_accessories(mode):
    for sku, name in [
        ("1", "Camera stand"),
        ("2", "Camera holder"),
        ("3", "Long red camera"),
    ]:
        make_product(sku=sku, name=name, embedding=axis(0))

    assert [hit.product.sku for hit in search("camera", mode=mode)] == ["3", "1", "2"]
    # Who asks for the accessory gets it.
    assert next(iter(search("camera stand", mode=mode))).product.sku == "1"


class Laptop(BaseEmbeddingBackend):
    """Gives every query the same vector."""

    model = "laptop"
    default_floor = 0.3

    def vectors(self, texts):
        return [axis(0) for _ in texts]


@pytest.mark.django_db
def test_bags_do_not_hide_a_thing_with_another_name(settings):
    settings.EMBEDDING_BACKEND = "tests.search.test_accessories.Laptop"
    cache.clear()
    for sku, name, vector in [
        ("bag", "Laptop bag", near(0.5)),
        ("sleeve", "Laptop sleeve", near(0.6)),
        ("thing", "Notebook 15", near(0.2)),
    ]:
        make_product(sku=sku, name=name, embedding=vector)

    found = [hit.product.sku for hit in search("laptop")]

    assert found == ["thing", "bag", "sleeve"]
