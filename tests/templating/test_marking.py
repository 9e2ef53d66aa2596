"""Words of a search are marked where they stand."""

import pytest

from products.templating.marking import marked


@pytest.mark.parametrize(
    ("text", "words", "html"),
    [
        ("Red lamp", [], "Red lamp"),
        ("Red lamp", ["lamp"], "Red <mark>lamp</mark>"),
        ("Lamp, LAMP", ["lamp"], "<mark>Lamp</mark>, <mark>LAMP</mark>"),
        ("Lamps and lampshades", ["lamp"], "Lamps and lampshades"),
        ("Red desk lamp", ["red", "lamp"], "<mark>Red</mark> desk <mark>lamp</mark>"),
        ("Café au lait", ["cafe"], "<mark>Café</mark> au lait"),
        ("Cafe au lait", ["Café"], "<mark>Cafe</mark> au lait"),
        ("Œuf ÉTÉ", ["été"], "Œuf <mark>ÉTÉ</mark>"),
        ("İki ışık", ["ışık"], "İki <mark>ışık</mark>"),
        ("Plywood 4x8 ft", ["4x8"], "Plywood <mark>4x8</mark> ft"),
        ("Plywood 14x8", ["4x8"], "Plywood 14x8"),
        ("Wi-Fi router", ["Wi", "Wi-Fi"], "<mark>Wi-Fi</mark> router"),
        ("By O'Neill & Son", ["O'Neill"], "By <mark>O&#39;Neill</mark> &amp; Son"),
        ("C++ (book)", ["C++"], "<mark>C++</mark> (book)"),
        ("<b>lamp</b>", ["lamp"], "&lt;b&gt;<mark>lamp</mark>&lt;/b&gt;"),
        ("<mark>", ["mark"], "&lt;<mark>mark</mark>&gt;"),
        ("a &amp; b", ["amp"], "a &amp;<mark>amp</mark>; b"),
        ("灯 lamp", ["灯"], "<mark>灯</mark> lamp"),
    ],
)
def test_whole_words_are_marked_as_they_stand(text, words, html):
    assert str(marked(text, words, 100)) == html


@pytest.mark.parametrize(
    ("length", "html"),
    [
        (30, "A lamp for a long <mark>evening</mark>."),
        # At most 24 characters, of which at most 7 stand before the word.
        (24, "…long <mark>evening</mark>."),
    ],
)
def test_a_text_is_cut_around_the_first_word(length, html):
    assert str(marked("A lamp for a long evening.", ["evening"], length)) == html


def test_a_text_whose_word_is_in_its_beginning_is_cut_as_any_other():
    text = "A lamp for long evenings and a lamp for short ones"

    assert str(marked(text, ["lamp"], 20)) == "A <mark>lamp</mark> for long…"


def test_a_text_without_the_words_is_cut_as_any_other():
    assert str(marked("A lamp for long evenings", ["chair"], 12)) == "A lamp for…"
    assert str(marked("A <lamp> for long evenings", [], 14)) == "A &lt;lamp&gt; for…"


def test_a_cut_around_a_word_is_no_longer_than_asked():
    text = " ".join(f"word{n}" for n in range(400))

    shown = str(marked(text, ["word390"], 80))

    plain = shown.replace("<mark>", "").replace("</mark>", "")
    assert "<mark>word390</mark>" in shown
    assert len(plain) <= 80
    assert plain.startswith("…word38") and plain.endswith("…")
