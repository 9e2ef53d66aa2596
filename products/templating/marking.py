"""Marks the words of a search where they stand in the texts of a product."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache

from markupsafe import Markup, escape

from products.templating.filters import shortened

# As many characters are read for the words that a product has, see written_words().
READ = 5_000

# How much of a shortened text stands before the first word.
BEFORE = 0.3


def marked(text: str, words: Sequence[str], length: int) -> str:
    """Return a text of at most *length* characters as HTML, with whole words marked.

    It is cut at a word; around the first of *words* where that stands beyond the cut.
    Upper and lower case are the same, and so are letters with accents and without.
    """
    if not words:
        return escape(shortened(text, length))
    pattern = whole_words(tuple(words))
    return with_marks(excerpt(text, pattern, length), pattern)


@lru_cache(maxsize=256)
def whole_words(words: tuple[str, ...]) -> re.Pattern[str]:
    """Return the pattern of any of the words, the longest first, in a folded text."""
    longest_first = sorted(map(folded, words), key=len, reverse=True)
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest_first))})(?!\w)")


def excerpt(text: str, pattern: re.Pattern[str], length: int) -> str:
    """Return a text, shortened so that the first match is in it."""
    start = shortened(text, length)
    if start == text or pattern.search(folded(start)):
        return start
    first = pattern.search(folded(text[:READ]))
    if first is None:
        return start
    blank = text.find(" ", max(0, first.start() - int(BEFORE * length)), first.start())
    begin = blank + 1 if blank >= 0 else first.start()
    return f"…{shortened(text[begin:], length - 1)}"


def with_marks(text: str, pattern: re.Pattern[str]) -> Markup:
    """Return a text as HTML, escaped, with each match in a <mark>."""
    return Markup("").join(
        Markup("<mark>{}</mark>").format(part) if is_match else escape(part)
        for part, is_match in parts_of(text, pattern)
    )


def parts_of(text: str, pattern: re.Pattern[str]) -> Iterator[tuple[str, bool]]:
    """Yield the parts of a text in their order, each with whether it is a match."""
    end = 0
    for match in pattern.finditer(folded(text)):
        yield text[end : match.start()], False
        yield text[match.start() : match.end()], True
        end = match.end()
    yield text[end:], False


# Folding


class Folding(dict[int, str]):
    """Gives each character the small letter without accents that it is compared as."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        base = unicodedata.normalize("NFD", character)[0].lower()
        self[code] = base if len(base) == 1 else character
        return self[code]


FOLDING = Folding()


def folded(text: str) -> str:
    """Return a text in small letters without accents, each in its place."""
    return text.lower() if text.isascii() else text.translate(FOLDING)
