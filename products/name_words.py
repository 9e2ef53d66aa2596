"""The expression of an index of names by their words and lengths; migrations import it."""

from __future__ import annotations

from django.contrib.postgres.search import SearchVectorField
from django.db.models import F, Func


class NameWords(Func):
    """The words of a name, and how many there are as one word more, such as 'length 8'.

    GIN knows no order, but it finds a word together with a length. No text has that
    word: the parser splits at white space. Names of 24 different words and more count
    as equally long.
    """

    template = (
        "(ts_filter(%(expressions)s, '{a}') || array_to_tsvector(ARRAY['length ' || "
        "least(length(ts_filter(%(expressions)s, '{a}')), 24)::text]))"
    )
    output_field = SearchVectorField()

    def __init__(self, *expressions: F) -> None:
        super().__init__(*(expressions or (F("search_vector"),)))
