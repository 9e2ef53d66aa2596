"""Corrects words that are mistyped, from the words of a catalogue.

These are rules alone: `vocabulary` reads the words, `second_look` searches again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

from rapidfuzz import process
from rapidfuzz.distance import OSA

# A shorter word is as near to many others as to the one that was meant.
SHORTEST = 4  # letters

# Up to so many letters a word may have one error, a longer one two.
ONE_ERROR = 7  # letters

# A shorter part of a compound is a syllable more often than a word.
SHORTEST_PART = 3  # letters

# A typing error is rarely in the first letter. Of the factors 1, 3, 10, 30 and 1,000 this
# one put most random errors in the names of 19,406 products right.
SAME_BEGINNING = 10

# A word between blanks, or a phrase in quotation marks, which may lack the last one.
TOKEN = re.compile(r'-?["“„«][^"”“»]*(?:["”“»]|$)|\S+')

# A word of letters alone, with the punctuation around it. A hyphen before the word
# excludes it; a word with a digit or with a mark inside may be an article number.
PLAIN_WORD = re.compile(r"""([^\w\s−–"“„«-]*)([^\W\d_]+)(\W*)""")


@dataclass(frozen=True)
class Vocabulary:
    """The words of a catalogue, in small letters, with how many products have each."""

    counts: Mapping[str, int]

    @cached_property
    def by_length(self) -> dict[int, list[str]]:
        """The words of four letters and more, by how many they have."""
        words: dict[int, list[str]] = {}
        for word in self.counts:
            if len(word) >= SHORTEST:
                words.setdefault(len(word), []).append(word)
        return words

    def meant(self, word: str, *, unfinished: bool = False) -> str:
        """Return what a word of no product was meant to be, "" if nothing is near.

        word: in small letters. unfinished: somebody may be typing it; then it only
        becomes a word of another beginning if no word begins like it.
        """
        if len(word) < SHORTEST:
            return ""
        if unfinished:
            begun = [other for other in self.counts if other.startswith(word)]
            if begun:
                whole = [other for other in begun if len(other) == len(word) + 1]
                return max(whole, key=self.counts.__getitem__, default="")
        return (
            self.nearest(word, errors=1)
            or self.parts(word)
            or (self.nearest(word, errors=2) if len(word) > ONE_ERROR else "")
        )

    def nearest(self, word: str, *, errors: int) -> str:
        """Return the likeliest word with up to so many errors, "" if there is none.

        One with fewer errors is likelier, then one that more products have. Of two errors
        none is at the beginning: "earphones" is not "headphones". Two letters exchanged
        are one error, see https://rapidfuzz.github.io/RapidFuzz/Usage/distance/OSA.html
        """
        near = [
            (made, -self.counts[other] * (SAME_BEGINNING if same else 1), other)
            for length in range(len(word) - errors, len(word) + errors + 1)
            for other, made, _ in process.extract_iter(
                word,
                self.by_length.get(length, ()),
                scorer=OSA.distance,
                score_cutoff=errors,
            )
            if (same := begin_alike(word, other)) or made == 1
        ]
        return min(near)[-1] if near else ""

    def parts(self, word: str) -> str:
        """Return a compound as two words, such as "hand tools"; "" if it is none.

        Of several ways the one whose rarer word most products have.
        """
        ways = [
            (min(self.counts[first], self.counts[second]), f"{first} {second}")
            for place in range(SHORTEST_PART, len(word) - SHORTEST_PART + 1)
            if (first := word[:place]) in self.counts
            and (second := word[place:]) in self.counts
        ]
        return max(ways)[-1] if ways else ""


def begin_alike(typed: str, word: str) -> bool:
    """Return whether two words have the same first letter, or the first two exchanged."""
    return word[0] == typed[0] or word[:2] == typed[1::-1]


# A longer text is no query of a few words, one of which is mistyped; each word that is
# corrected takes statements.
MOST_TOKENS = 32


def corrected(
    text: str,
    vocabulary: Vocabulary,
    has_product: Callable[[str], bool],
    *,
    is_word: Callable[[str], bool] = lambda _: False,
    join: bool = False,
) -> str:
    """Return a query as it was likely meant, the same text if nothing is better.

    Also one of more than 32 words.

    has_product, is_word: whether any product has a word, and whether it is a word of the
    language; asked before the word is changed. join: make one word of two also where
    products have both.
    """

    def is_known(word: str) -> bool:
        return word in vocabulary.counts or has_product(word)

    tokens = TOKEN.findall(text)
    if len(tokens) > MOST_TOKENS:
        return text
    words = [PLAIN_WORD.fullmatch(token) for token in tokens]
    better: list[str] = []
    places = iter(range(len(tokens)))
    for place in places:
        token, match = tokens[place], words[place]
        last = place == len(tokens) - 1
        if not match:
            better.append(token)
            continue
        before, word, after = match[1], match[2].lower(), match[3]
        following = None if last or after else words[place + 1]
        if following and not following[1]:
            other = following[2].lower()
            whole = word + other
            if whole in vocabulary.counts and (
                join or not (is_known(word) and is_known(other))
            ):
                better.append(f"{before}{whole}{following[3]}")
                next(places)
                continue
        if word not in vocabulary.counts:
            meant = vocabulary.meant(word, unfinished=last and not after)
            if meant and not is_word(word) and not has_product(word):
                token = f"{before}{meant}{after}"
        better.append(token)
    return text if better == tokens else " ".join(better)
