"""Tells a thing from its accessories by their names, such as a laptop from its bag.

In English the noun that says what a thing is comes last: a "laptop bag" is a bag.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import cache

from django.conf import settings

FOR = {"for", "fits", "replaces"}

# A stem and a word of a name are the same word if the word is this much longer at most.
LONGEST_ENDING = 3

# The words of a name, and the marks that do not join words: "laptop, bag" are two things.
WORDS = re.compile(r"[^\W_]+|[^\w\s-]")


def accessory_of(words: Iterable[str]) -> Callable[[str], bool]:
    """Return a function that tells whether a name is that of an accessory.

    words: those of the query, or their stems. Of "laptop" a "Laptop Bag" is an
    accessory, and so are a "Bag for Laptops" and a "Bag" that has "laptop" in its
    description; a "Laptop with Bag" is not. A query that names an accessory itself,
    such as "laptop bag", means it: then nothing is one.
    """
    accessories = with_plurals(tuple(settings.ACCESSORY_WORDS))
    # "batteri" is the stem of "battery".
    stems = tuple(word.lower().removesuffix("i") for word in words)
    if not stems or any(is_form(word, stems) for word in accessories):
        return lambda name: False

    def is_accessory(name: str) -> bool:
        name = name.lower()
        # Most names have no such word, which a look at the whole of it shows sooner.
        if accessories.isdisjoint(name.replace("-", " ").replace(",", " ").split()):
            return False
        found = WORDS.findall(name)
        things = [at for at, word in enumerate(found) if is_form(word, stems)]
        if not things or any(
            accessories.intersection(found[at + 1 : at + 2]) for at in things
        ):
            return not accessories.isdisjoint(found)
        return any(
            at < things[-1] and not accessories.isdisjoint(found[:at])
            for at, word in enumerate(found)
            if word in FOR
        )

    return is_accessory


@cache
def with_plurals(words: tuple[str, ...]) -> frozenset[str]:
    """Return the words and their plurals in English, in small letters."""
    small = [word.lower() for word in words]
    plurals = [
        f"{word[:-1]}ies" if word.endswith("y") else f"{word}{ending}"
        for word in small
        for ending in ("s", "es")
    ]
    return frozenset([*small, *plurals])


def is_form(word: str, stems: tuple[str, ...]) -> bool:
    """Return whether a word begins with one of the stems and is hardly longer."""
    return word.startswith(stems) and any(
        word.startswith(stem) and len(word) - len(stem) <= LONGEST_ENDING
        for stem in stems
    )
