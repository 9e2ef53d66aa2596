"""The words of a query as somebody wrote them, in the query or in a product's text."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from os.path import commonprefix
from typing import NamedTuple

from django.db import connections

from products.sql.prepared import fetch_prepared

# A word with what joins its parts, such as "wi-fi", "don't", "HDMI/DVI" or "13.3".
JOINT = r"[-'’./_+&]|(?<=\d),(?=\d)"
WRITTEN = re.compile(rf"[^\W_]+(?:(?:{JOINT})[^\W_]+)*")

# A number and what may be its unit, such as "16 GB" or 17,3".
MEASURED = re.compile(r"""\d+(?:[.,]\d+)? ?(?:["”″]|[^\W\d_]{1,4}\b)""")

# How much of a description is read for words to show, and how many different words of
# a page of products are compared: as much as takes some 10 ms.
MAX_READ = 5_000  # characters
MAX_COMPARED = 2_000

# The stems of each word; several where a word has parts. Most words are plain, which
# takes a tenth of the time.
STEMS_SQL = """
    SELECT word, tsvector_to_array(
        CASE WHEN word ~ '^[A-Za-z][a-z]*$' THEN to_tsvector(catalog_language(), word)
            ELSE products_words(catalog_language(), word, 'A') END
    )
    FROM unnest(%s::text[]) AS written (word)
"""


class Known(NamedTuple):
    """The stems of the words that this process has seen, used until time.monotonic()."""

    stems: dict[str, tuple[str, ...]]
    until: float


# By the alias of the database.
KNOWN: dict[str, Known] = {}

# So many words take 5 MB.
MAX_KNOWN = 20_000
KNOWN_SECONDS = 300


def typed_word(lexeme: str, typed: Sequence[str]) -> str:
    """Return the typed word that begins most like a stem, or the stem if none does."""

    def alike(word: str) -> int:
        return len(commonprefix([lexeme, word.lower()]))

    best = max(typed, key=alike, default="")
    return best if alike(best) else lexeme


def written_words(
    stems: Mapping[int, Sequence[str]],
    texts: Mapping[int, str],
    asked: str,
    *,
    using: str,
) -> dict[int, tuple[str, ...]]:
    """Return the words with these stems as each text writes them, by id.

    stems, texts: by id; asked: the query, whose own words stand for those that are
    beyond the first 5,000 characters of a text. At most one statement, none where this
    process has seen all of the words.
    """
    if not any(stems.values()):
        return dict.fromkeys(stems, ())
    first = {stem[:1] for several in stems.values() for stem in several}
    own = pieces(asked, first)
    candidates = {
        pk: [*pieces(texts[pk][:MAX_READ], first), *own] for pk in stems if stems[pk]
    }
    # The query's own words come first, so that the limit never leaves them out.
    words = dict.fromkeys(own)
    words |= dict.fromkeys(word for found in candidates.values() for word in found)
    stems_of = dictionary(list(words)[:MAX_COMPARED], using)
    return {
        pk: tuple(
            dict.fromkeys(
                as_written(stem, candidates[pk], stems_of) for stem in several
            )
        )
        if several
        else ()
        for pk, several in stems.items()
    }


def dictionary(words: Sequence[str], using: str) -> Mapping[str, Sequence[str]]:
    """Return the stems of some words, perhaps among others, of five minutes ago at most."""
    known = KNOWN.get(using)
    if known is None or len(known.stems) > MAX_KNOWN or known.until < time.monotonic():
        known = KNOWN[using] = Known({}, until=time.monotonic() + KNOWN_SECONDS)
    if new := [word for word in words if word not in known.stems]:
        rows = fetch_prepared(STEMS_SQL, [new], connection=connections[using])
        known.stems.update((word, tuple(found)) for word, found in rows)
    return known.stems


def forget(using: str | None = None) -> None:
    """Let the stems of words be asked for anew; None: those of all aliases."""
    if using is None:
        KNOWN.clear()
    else:
        KNOWN.pop(using, None)


def pieces(text: str, first: set[str]) -> list[str]:
    """Return the words of a text that may have a stem with one of these first letters.

    A joined word comes before its parts, a number with its unit after all words. An
    accented letter loses its accent in the stem, so words with a letter that is not
    ASCII are all kept.
    """

    def may_have_stem(word: str) -> bool:
        return word[0].lower() in first or not word[0].isascii()

    found = []
    for word in dict.fromkeys(WRITTEN.findall(text)):
        if word.isalnum():
            found += [word] if may_have_stem(word) else []
        elif begun := list(filter(may_have_stem, re.split(JOINT, word))):
            found += [word, *begun]
    measured = MEASURED.findall(text) if any(map(str.isdigit, first)) else []
    return found + [word for word in measured if word[0] in first]


def as_written(
    stem: str, candidates: Sequence[str], stems_of: Mapping[str, Sequence[str]]
) -> str:
    """Return the first of the words that has a stem, the stem itself if none has."""
    return next((word for word in candidates if stem in stems_of.get(word, ())), stem)
