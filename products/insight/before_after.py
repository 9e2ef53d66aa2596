"""What searches find now, and what they would find with other synonyms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from django.db import DEFAULT_DB_ALIAS

from products.models import Product
from products.search import Mode, search
from products.search.synonym_entries import Entry, stored_entries
from products.search.synonyms import Thesaurus, thesaurus

SHOWN = 5  # products of each search
MOST = 5  # words that are searched for: four searches each


@dataclass(frozen=True)
class FirstProducts:
    """The first products of a search, and how many have its words.

    count: a sentence, such as "12 products found".
    """

    count: str
    products: list[Product]


@dataclass(frozen=True)
class BeforeAfter:
    """What a search for a word finds now, and what it would find then."""

    word: str
    now: FirstProducts
    then: FirstProducts

    @property
    def changes(self) -> bool:
        """Whether anything that is shown differs."""
        return self.now != self.then


@dataclass(frozen=True)
class Preview:
    """The first words that a change is about, and how many others there are."""

    words: list[BeforeAfter]
    left_out: int


def preview(
    new: Sequence[Entry],
    *,
    replaced: int | None = None,
    using: str = DEFAULT_DB_ALIAS,
) -> Preview:
    """Return what the words of new synonyms find before and after; writes nothing.

    replaced: the id of a stored entry that the new ones stand in place of. Its words
    are looked at too. At most five words, by four searches each.
    """
    gone = () if replaced is None else (replaced,)
    before, rest = stored_entries(using), stored_entries(using, without=gone)
    old = [entry for entry in before if entry not in rest]
    asked = dict.fromkeys(word for e in [*new, *old] for word, _ in e.sides())
    now, then = thesaurus(before, using=using), thesaurus([*rest, *new], using=using)
    words = [
        BeforeAfter(word, found(word, now, using), found(word, then, using))
        for word in list(asked)[:MOST]
    ]
    return Preview(words, len(asked) - len(words))


def found(word: str, synonyms: Thesaurus, using: str) -> FirstProducts:
    """Return what a search for a word finds with some synonyms."""
    ask = partial(search, word, literal=True, synonyms=synonyms, using=using)
    results = ask(page_size=SHOWN)
    with_word = ask(mode=Mode.KEYWORD, page_size=1)
    return FirstProducts(with_word.found_text, [hit.product for hit in results])
