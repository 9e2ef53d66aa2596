"""What a shopper types to narrow a search: -word, and "an exact phrase"."""

from __future__ import annotations

import re
from typing import NamedTuple

from django.db.models import F, Q

from products.querysets import ProductQuerySet
from products.sql.expressions import Matches
from products.sql.words import IsEmpty, OneWord, OnlyWeight, PhraseQuery

# A quote sign counts only at the beginning of a word, and with another at the end of
# one: in 17.3" it means inches. A hyphen counts only there too: wi-fi is a word.
OPERATOR = re.compile(
    r"""(?<!\S)(?:
        (?P<minus>-?)["“”„](?P<phrase>[^"“”„]*[^\W_][^"“”„]*)["“”](?=[\s.,;:!?)]|$)
        | -(?P<word>[^\W_]\S*)
    )""",
    re.VERBOSE,
)

# Others beyond these are searched for as words: each makes the statements longer.
MAX_OPERATORS = 16


class Operators(NamedTuple):
    """What a product's text must have, and what it must not have, as it was typed."""

    phrases: tuple[str, ...] = ()
    without_phrases: tuple[str, ...] = ()
    without_words: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Whether anything was typed that narrows the search."""
        return any(self)

    def written_into(self, text: str) -> str:
        """Return a text with the operators as a shopper types them."""
        for phrase in self.phrases:
            quoted = f'"{phrase}"'
            text = (
                text.replace(phrase, quoted, 1)
                if phrase in text
                else f"{text} {quoted}"
            )
        without = [f'-"{phrase}"' for phrase in self.without_phrases]
        return " ".join([text, *without, *(f"-{word}" for word in self.without_words)])

    def narrow(self, products: ProductQuerySet) -> ProductQuerySet:
        """Return those of *products* that have the phrases and nothing to leave out.

        A phrase stands in the name or in the description, not partly in each; its
        words may be written in another form. One of stop words alone asks for nothing.
        """
        for text in self.phrases:
            phrase = PhraseQuery(text)
            in_name = Q(Matches(OnlyWeight("a"), phrase))
            in_description = Q(Matches(OnlyWeight("c"), phrase))
            # The first condition is one that the index on search_vector knows.
            found = Q(Matches(F("search_vector"), phrase)) & (in_name | in_description)
            products = products.filter(found | Q(IsEmpty(phrase)))
        unwanted = [PhraseQuery(text) for text in self.without_phrases]
        unwanted += [OneWord(text) for text in self.without_words]
        for query in unwanted:
            products = products.exclude(Q(Matches(F("search_vector"), query)))
        return products


def read_operators(text: str) -> tuple[str, Operators]:
    """Return what is left of a text to search for, and its operators; at most 16.

    What is to be left out is not searched for. The words of a phrase are.
    """
    phrases, without_phrases, without_words = [], [], []

    def read(operator: re.Match[str]) -> str:
        if word := operator["word"]:
            without_words.append(word)
            return ""
        if operator["minus"]:
            without_phrases.append(operator["phrase"])
            return ""
        phrases.append(operator["phrase"])
        return operator["phrase"]

    left = OPERATOR.sub(read, text, count=MAX_OPERATORS)
    return " ".join(left.split()), Operators(
        tuple(phrases), tuple(without_phrases), tuple(without_words)
    )
