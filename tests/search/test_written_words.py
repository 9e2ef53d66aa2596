"""The words of a query, shown as a product's text writes them."""

import time

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from products.models import Product
from products.search import search, written_words as words
from products.search.words import query_terms
from products.search.written_words import (
    MAX_COMPARED,
    MAX_READ,
    typed_word,
    written_words,
)

pytestmark = pytest.mark.django_db


def written(text, *stems, asked=""):
    """The words of one text with these stems."""
    return written_words({1: stems}, {1: text}, asked, using="default")[1]


@pytest.mark.parametrize(
    ("text", "stems", "expected"),
    [
        ("Patch Cables, 2 m", ["cabl"], ["Cables"]),
        (
            "Noise cancelling Headphones",
            ["headphon", "cancel"],
            ["Headphones", "cancelling"],
        ),
        ("Running shoes to run in", ["run", "shoe"], ["Running", "shoes"]),
        ("Happily in the skies", ["happili", "sky"], ["Happily", "skies"]),
        ("A Wi-Fi router", ["wifi", "wi", "fi"], ["Wi-Fi"]),
        ("Adapter HDMI/DVI", ["hdmi", "dvi"], ["HDMI/DVI"]),
        ("Recorder DS-7608NI", ["ds", "7608"], ["DS-7608NI"]),
        ('Stick of 16 GB, 17,3"', ["16gb", "17p3inch"], ["16 GB", '17,3"']),
        ("Für Läufer", ["laufer"], ["Läufer"]),
        ("Nothing of the kind", ["lamp"], ["lamp"]),
        ("", ["lamp"], ["lamp"]),
        ("A lamp", [], []),
    ],
)
def test_a_word_is_shown_as_the_text_writes_it(text, stems, expected):
    assert written(text, *stems) == tuple(expected)


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
    terms = query_terms("many cables", using="default")

    assert hit.words == ("Cables",)
    # Nobody has "many", so it comes last.
    assert [(term.lexeme, term.word) for term in terms] == [
        ("cabl", "cables"),
        ("mani", "many"),
    ]


@pytest.fixture
def many_products(monkeypatch):
    """So many that their words are counted only once in a while."""
    monkeypatch.setattr("products.search.words.LARGE", 40)
    Product.objects.bulk_create(
        Product(sku=f"s{n}", name="Blue lamp" if n < 30 else "Red lamp", price=1)
        for n in range(41)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE products")


@pytest.mark.usefixtures("many_products")
def test_words_of_a_large_catalogue_are_counted_once(django_assert_num_queries):
    first = query_terms("blue lamp", using="default")

    with django_assert_num_queries(0):
        assert query_terms("blue lamp", using="default") == first
    assert [(term.lexeme, term.count) for term in first] == [
        ("blue", 30),
        ("lamp", 41),
    ]


@pytest.mark.usefixtures("many_products")
def test_a_word_that_no_product_had_is_looked_for_again():
    assert [term.count for term in query_terms("green lamp", using="default")][1] == 0

    Product.objects.bulk_create([Product(sku="green", name="Green lamp", price=1)])

    terms = {term.lexeme: term for term in query_terms("green lamp", using="default")}
    assert terms["green"].count == 1
    assert search("green lamp", mode="keyword").hits[0].product.sku == "green"


def test_words_of_a_small_catalogue_are_counted_each_time():
    Product(name="Red lamp", price=1).save()
    assert query_terms("red", using="default")[0].count == 1

    Product(name="Red hat", price=1).save()

    assert query_terms("red", using="default")[0].count == 2


def test_a_stem_that_nobody_typed_stands_for_itself():
    assert typed_word("cabl", []) == "cabl"
    assert typed_word("sky", ["big", "Skies"]) == "Skies"
    assert typed_word("-7608", ["camera", "DS"]) == "-7608"


def test_a_process_asks_for_the_stems_of_a_word_once(
    django_assert_num_queries, monkeypatch
):
    assert written("Patch Cables", "cabl") == ("Cables",)

    with django_assert_num_queries(0):
        assert written("Cables", "cabl") == ("Cables",)
    with django_assert_num_queries(1) as queries:
        assert written("Long Cables", "cabl", "long") == ("Cables", "Long")
    assert "Cables" not in queries[0]["sql"]

    later = time.monotonic() + words.KNOWN_SECONDS
    monkeypatch.setattr("time.monotonic", lambda: later)
    with django_assert_num_queries(1):
        assert written("Cables", "cabl") == ("Cables",)


def test_the_stems_of_many_words_are_not_kept_for_ever(
    django_assert_num_queries, monkeypatch
):
    monkeypatch.setattr(words, "MAX_KNOWN", 1)
    assert written("Cables for calves", "cabl") == ("Cables",)

    with django_assert_num_queries(1):
        assert written("Cables", "cabl") == ("Cables",)
