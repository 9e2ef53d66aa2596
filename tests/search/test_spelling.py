"""Which words are corrected, and into what: rules alone, without a catalogue."""

import pytest

from products.search.spelling import Vocabulary, corrected

VOCABULARY = Vocabulary(
    {
        "black": 40,
        "camera": 9,
        "case": 30,
        "claw": 2,
        "foot": 5,
        "game": 20,
        "hand": 7,
        "headphone": 3,
        "headphones": 8,
        "laptop": 9,
        "lock": 5,
        "notebook": 6,
        "other": 4,
        "shirt": 5,
        "short": 9,
        "toner": 50,
        "tools": 6,
        "usb": 90,
        "wireless": 12,
    }
)


def correct(text, *, known=(), join=False):
    return corrected(text, VOCABULARY, lambda word: word in known, join=join)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        pytest.param("latop", "laptop", id="letter left out"),
        pytest.param("lapttop", "laptop", id="letter too many"),
        pytest.param("lapzop", "laptop", id="wrong letter"),
        pytest.param("lpatop", "laptop", id="two letters exchanged"),
        pytest.param("Laptpo", "laptop", id="capital letter"),
        pytest.param("headfones", "headphones", id="two errors in nine letters"),
        pytest.param("earphones", "earphones", id="two errors, one at the beginning"),
        pytest.param("ehadpohnes", "headphones", id="two pairs exchanged"),
        pytest.param("lptob", "lptob", id="two errors in five letters"),
        pytest.param("hxadfxnxs", "hxadfxnxs", id="three errors"),
        pytest.param("qwertzuio", "qwertzuio", id="invented"),
        pytest.param("shrt", "short", id="the more frequent of two"),
        pytest.param("otner", "toner", id="exchanged at the beginning"),
        pytest.param("hcase", "case", id="first letter too many"),
        pytest.param("lack black", "lock black", id="the same first letter"),
        pytest.param("handtools", "hand tools", id="compound"),
        pytest.param("clawfoot tub", "claw foot tub", id="compound in a query"),
        pytest.param("note book", "notebook", id="compound apart"),
        pytest.param("note book, black", "notebook, black", id="comma after it"),
        pytest.param("(wireles) latop?", "(wireless) laptop?", id="punctuation"),
        pytest.param("lapto", "laptop", id="last letter still missing"),
        pytest.param("black came", "black came", id="beginning of another word"),
        pytest.param("came black", "case black", id="beginning of a query"),
        pytest.param("usbb", "usbb", id="no word of three letters"),
        pytest.param("", "", id="nothing"),
    ],
)
def test_a_mistyped_word_becomes_the_word_that_was_meant(typed, meant):
    assert correct(typed) == meant


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("shirt", id="word of a name"),
        pytest.param("lpt", id="three letters"),
        pytest.param("1aptop", id="digit in the word"),
        pytest.param("DS-latop", id="mark in the word"),
        pytest.param('"latop"', id="in quotation marks"),
        pytest.param('"black latop', id="quotation mark never closed"),
        pytest.param("„latop“", id="German quotation marks"),
        pytest.param("-latop", id="excluded"),
        pytest.param('-"black latop"', id="excluded phrase"),
        pytest.param("4200 4x8", id="numbers"),
        pytest.param('note "book"', id="never joined with a phrase"),
        pytest.param("note, book", id="never joined across a comma"),
    ],
)
def test_what_is_not_a_typing_error_stays(text):
    assert correct(text) == text


def test_a_word_that_a_product_has_stays():
    assert correct("latop") == "laptop"
    assert correct("latop", known={"latop"}) == "latop"


def test_a_word_of_the_language_is_no_typing_error():
    def correct(text):
        words = {"shut", "note"}
        return corrected(text, VOCABULARY, lambda _: False, is_word=words.__contains__)

    assert correct("shut") == "shut"
    assert correct("shrit") == "shirt"
    # Its letters are no error: only the blank is.
    assert correct("note book") == "notebook"


def test_two_words_that_products_have_are_joined_only_if_nothing_was_found():
    assert correct("note book", known={"note", "book"}) == "note book"
    assert correct("note book", known={"note", "book"}, join=True) == "notebook"
    assert correct("note book", known={"book"}) == "notebook"


def test_only_a_word_that_would_change_is_looked_for():
    asked = []

    corrected("black qwertzuio latop 4200", VOCABULARY, asked.append)

    assert asked == ["latop"]
