"""Puts tags around the words of a text that were found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import escape

from products.api.instantsearch.asked import InstantParams
from products.templating.marking import excerpt, folded, parts_of, whole_words

# A snippet counts words, and texts are cut by characters: one word for each so many.
WORD_LENGTH = 7
MOST_SNIPPET_WORDS = 500
SNIPPET_WORDS = 10  # unless it is said how many


@dataclass(frozen=True)
class Tags:
    """What stands before and after a word that was found.

    Tags of HTML go right into a page, so the text around them is escaped. The marks that
    InstantSearch asks for are no HTML: it escapes the text itself, then exchanges them.
    """

    before: str
    after: str

    @classmethod
    def of(cls, params: InstantParams) -> Tags:
        return cls(params.highlight_pre_tag, params.highlight_post_tag)

    @property
    def are_html(self) -> bool:
        return "<" in self.before + self.after

    def around(self, text: str, words: Sequence[str]) -> str:
        """Return a text with the tags around each of the words."""
        if not words:
            return self.escaped(text)
        return "".join(
            f"{self.before}{self.escaped(part)}{self.after}"
            if is_match
            else self.escaped(part)
            for part, is_match in parts_of(text, whole_words(tuple(words)))
        )

    def escaped(self, text: str) -> str:
        return str(escape(text)) if self.are_html else text


def highlighted(text: str, words: Sequence[str], tags: Tags) -> dict[str, Any]:
    """Return a text with its words marked, and how many of the words it has.

    words: those of the query that the product has, as its texts write them.
    """
    found = words_in(text, words)
    return {
        "value": tags.around(text, words),
        "matchLevel": match_level(found, words),
        "matchedWords": found,
    }


def snippet(text: str, words: Sequence[str], tags: Tags, size: int) -> dict[str, Any]:
    """Return about *size* words of a text, around the first that was found, marked."""
    length = max(1, min(size, MOST_SNIPPET_WORDS)) * WORD_LENGTH
    part = excerpt(text, whole_words(tuple(words) or ("",)), length)
    return {
        "value": tags.around(part, words),
        "matchLevel": match_level(words_in(part, words), words),
    }


def words_in(text: str, words: Sequence[str]) -> list[str]:
    """Return those of the words that stand in a text."""
    read = folded(text)
    return [word for word in words if whole_words((word,)).search(read)]


def match_level(found: Sequence[str], words: Sequence[str]) -> str:
    """Return whether a text has all words that were found, some or none."""
    if not found:
        return "none"
    return "full" if len(found) == len(words) else "partial"
