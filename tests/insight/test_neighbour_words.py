"""Pairs of words that may be synonyms."""

import numpy as np
import pytest

from products.embeddings import BaseEmbeddingBackend, EmbeddingError
from products.insight import neighbour_words as module
from products.insight.neighbour_words import neighbour_words, suggestions
from products.models import Product, Synonym
from products.turns import BusyError

pytestmark = pytest.mark.django_db

SEAT, LIGHT, COLOUR, DRINK = range(4)
ROOM = {
    "sofa": (SEAT, 1.0),
    "couch": (SEAT, 0.95),
    "couches": (SEAT, 0.95),
    "chair": (SEAT, 0.5),
    "light": (LIGHT, 1.0),
    "lighting": (LIGHT, 0.99),
    "lights": (LIGHT, 0.99),
    "coffee": (DRINK, 1.0),
    "espresso": (DRINK, 0.98),
}


class Room(BaseEmbeddingBackend):
    """Knows a few words: the axis of each, and how near it comes to that."""

    model = "room"
    batch_size = 2
    asked: list[str] = []

    def vectors(self, texts):
        type(self).asked += texts
        vectors = np.zeros((len(texts), self.dimensions))
        for number, text in enumerate(texts):
            axis, cosine = ROOM.get(text, (COLOUR, 1.0))
            vectors[number, axis] = cosine
            # The rest of each word is an axis of its own.
            vectors[number, 10 + sum(map(ord, text)) % 300] = (1 - cosine**2) ** 0.5
        return vectors


@pytest.fixture(autouse=True)
def room(settings):
    settings.EMBEDDING_BACKEND = "tests.insight.test_neighbour_words.Room"
    Room.asked = []


def sell(*names):
    Product.objects.bulk_create(
        Product(sku=f"{number}", name=name, price=1)
        for number, name in enumerate(names)
    )


def pairs(**options):
    return [pair.words for pair in neighbour_words(**options)]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["Sofa", "Couch"], ["couch, sofa"]),
        (["Sofa", "Couches", "Couches", "Couch"], ["couches, sofa"]),
        (["Couch", "Couches"], []),
        (["Light", "Lighting", "Lights"], []),
        (["Sofa couch", "Couch sofa"], []),
        (["Sofa couch", *["Sofa"] * 5, *["Couch"] * 5], ["couch, sofa"]),
        (["Sofa", "Chair"], []),
        (["Sofa", "X1", "Couch 3000"], ["couch, sofa"]),
        (["Sofa", "3couch", "couch3"], []),
        (["Coffee for the sofa", "Espresso", "A couch"], ["coffee, espresso", "couch, sofa"]),
        ([], []),
        (["Sofa"], []),
        (["1 2", "the"], []),
    ],
    ids=[
        "near and apart",
        "as most names write it",
        "forms of one word",
        "one begins with the other",
        "always together",
        "seldom together",
        "too far",
        "numbers",
        "model numbers",
        "nearest first",
        "no product",
        "one word",
        "no word",
    ],
)  # fmt: skip
def test_pairs_are_near_and_stand_in_different_names(names, expected):
    sell(*names)

    assert pairs() == expected


def test_a_pair_says_how_near_and_how_common_its_words_are():
    sell("Sofa", "Red sofa", "Couch")

    [pair] = neighbour_words()

    assert (pair.word, pair.other, pair.count, pair.other_count) == (
        "sofa",
        "couch",
        2,
        1,
    )
    assert pair.similarity == pytest.approx(0.95)


def test_only_so_many_words_are_embedded(monkeypatch):
    monkeypatch.setattr(module, "MOST_WORDS", 2)
    sell("Sofa", "Sofa", "Couch", "Couch", "Coffee", "Espresso")

    assert pairs() == ["couch, sofa"]
    assert Room.asked == ["couch", "sofa"]


def test_only_so_many_names_are_read(monkeypatch):
    monkeypatch.setattr(module, "MOST_NAMES", 10)
    sell(*["Sofa"] * 40)

    assert 0 < len(module.names("default")) <= 10


def test_words_that_the_time_does_not_allow_are_left_out():
    sell("Sofa", "Couch")

    assert pairs(seconds=-1) == []
    assert Room.asked == []


# For the page


def test_suggestions_are_kept_but_for_what_is_a_synonym_by_now():
    sell("Sofa", "Couch", "Coffee", "Espresso")
    first = [pair.words for pair in suggestions()]
    asked = len(Room.asked)
    Synonym(words=["Sofa", "couch", "settee"]).save()

    second = [pair.words for pair in suggestions()]

    assert (first, second) == (
        ["coffee, espresso", "couch, sofa"],
        ["coffee, espresso"],
    )
    assert len(Room.asked) == asked


def test_one_thread_looks_for_them(monkeypatch):
    monkeypatch.setattr(module, "WAIT_SECONDS", 0)

    with module.TURNS.taken(seconds=0), pytest.raises(BusyError):
        suggestions()


def test_a_failing_model_leaves_nothing_behind(monkeypatch):
    sell("Sofa", "Couch")
    with monkeypatch.context() as patch:
        patch.setattr(Room, "vectors", broken)
        with pytest.raises(EmbeddingError):
            suggestions()

    assert len(suggestions()) == 1


def broken(self, texts):
    raise EmbeddingError("The model is broken. Repair it.")
