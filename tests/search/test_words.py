"""The words of a query, shown as a product's text writes them."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from products.models import Product
from products.search import search
from products.search.words import (
    MAX_COMPARED,
    MAX_READ,
    query_terms,
    typed_word,
    written_words,
)

pytestmark = pytest.mark.django_db


def written(text, *stems, asked=""):
    """The words of one text with these stems."""
    return written_words({1: stems}, {1: text}, asked, using="default")[1]


@pytest.mark.parametrize(
    ("text", "stems", "words"),
    [
        ("Patch Cables, 2 m", ["cabl"], ["Cables"]),
        (
            "Noise cancelling Headphones",
            ["headphon", "cancel"],
            ["Headphones", "cancelling"],
        ),
        ("Running shoes to run in", ["run", "shoe"], ["Running", "shoes"]),
        ("Happily in the skies", ["happili", "sky"], ["Happily", "skies"]),
        ("A Wi-Fi router", ["wi-fi", "wi", "fi"], ["Wi-Fi"]),
        ("Adapter HDMI/DVI", ["hdmi/dvi"], ["HDMI/DVI"]),
        ("Recorder DS-7608", ["ds", "-7608"], ["DS-7608"]),
        ("Für Läufer", ["läufer"], ["Läufer"]),
        ("Nothing of the kind", ["lamp"], ["lamp"]),
        ("", ["lamp"], ["lamp"]),
        ("A lamp", [], []),
    ],
)
def test_a_word_is_shown_as_the_text_writes_it(text, stems, words):
    assert written(text, *stems) == tuple(words)


def test_the_query_s_own_word_stands_for_one_far_down_the_text():
    text = "x " * MAX_READ + "cables"

    assert written(text, "cabl", asked="two cable reels") == ("cable",)


def test_many_different_words_are_compared_only_in_part():
    text = " ".join(f"c{n}" for n in range(MAX_COMPARED))

    with CaptureQueriesContext(connection) as queries:
        assert written(f"{text} cables"[:MAX_READ], "cabl", asked="cable") == ("cable",)
        texts = {pk: f"{text[pk:]} cables" for pk in range(1, 99)}
        stems = dict.fromkeys(texts, ["cabl"])
        written_words(stems, texts, "cable", using="default")

    assert len(queries) == 2
    assert max(query["sql"].count(",") for query in queries) <= MAX_COMPARED + 2


def test_without_a_word_nothing_is_asked(django_assert_num_queries):
    with django_assert_num_queries(0):
        assert written("A lamp") == ()


def test_a_hit_and_the_rules_have_whole_words():
    Product(name="Patch Cables", price=1).save()

    [hit] = search("cable", mode="keyword")
    [term] = query_terms("many cables", using="default")[1:]

    assert hit.words == ("Cables",)
    assert (term.lexeme, term.word) == ("cabl", "cables")


def test_a_stem_that_nobody_typed_stands_for_itself():
    assert typed_word("cabl", []) == "cabl"
    assert typed_word("sky", ["big", "Skies"]) == "Skies"
    assert typed_word("-7608", ["camera", "DS"]) == "-7608"
