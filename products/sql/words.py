"""The functions of the database that make words of a text, as expressions.

Migration 0008 makes the functions, and says what each does; 0013 changes the one of the
class Words. Migrations import this.
"""

from __future__ import annotations

from django.contrib.postgres.search import SearchQueryField, SearchVectorField
from django.db.models import BooleanField, F, Func, TextField, Value

from products.sql.language import CatalogLanguage


class Words(Func):
    """The tsvector of a column: its words in all the spellings that find it.

    In the language of the catalogue.

    weight: of the words, and of their joined forms ("wifi" for "Wi-Fi"). What is part of
    a word ("7608" of "DS-7608NI") has the weight D.
    """

    function = "products_words"
    output_field = SearchVectorField()

    def __init__(self, column: str, weight: str) -> None:
        super().__init__(CatalogLanguage(), column, Value(weight))


class AllWords(Func):
    """The tsvector of several columns, given as Words."""

    template = "(%(expressions)s)"
    arg_joiner = " || "
    output_field = SearchVectorField()


class PhraseQuery(Func):
    """The tsquery for a text as it stands, apart from the forms of its words."""

    function = "products_phrase"
    output_field = SearchQueryField()

    def __init__(self, text: str) -> None:
        super().__init__(CatalogLanguage(), Value(text))


class OneWord(PhraseQuery):
    """The tsquery for a word in each of its spellings."""

    function = "products_one_word"


class IsEmpty(Func):
    """Whether a tsquery has no word, as that of stop words alone."""

    template = "(numnode(%(expressions)s) = 0)"
    output_field = BooleanField()


class OnlyWeight(Func):
    """The part of a row's search_vector with a weight, such as "a"."""

    function = "ts_filter"
    output_field = SearchVectorField()

    def __init__(self, weight: str) -> None:
        super().__init__(F("search_vector"), Value(f"{{{weight}}}"))


class Beginnings(Func):
    """The tsquery, as text, for words that begin with the words of a text."""

    function = "products_beginnings"
    output_field = TextField()

    def __init__(self, text: str) -> None:
        super().__init__(Value(text))
