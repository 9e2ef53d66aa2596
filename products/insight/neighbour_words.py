"""Pairs of the catalogue's words that may be synonyms, by their embeddings."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.core.cache import cache
from django.db import DEFAULT_DB_ALIAS
from django.db.models import F, Max, Min, Value

from products.embeddings import BaseEmbeddingBackend
from products.insight.sampling import random_ids, rounded_range
from products.models import EmbeddingRecipe, Product
from products.search.synonym_entries import known_pairs, wordings
from products.sql.expressions import InArray, array_of
from products.turns import Turns

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

MOST_NAMES = 20_000
MOST_WORDS = 2_000
MOST_PAIRS = 100
COMPARED_PAIRS = 5_000  # of the nearest, before any are left out

# Above this share of the rarer word's names, two words are said together rather than
# for each other, as "coffee" and "maker" are.
TOGETHER = 0.2

# Below this cosine similarity hardly a pair means the same: of a catalogue of 19,406
# products the first sixty pairs, some of which do not, end at 0.78.
NEAR = 0.6

# One thread of a process looks for them. Those who have no list yet wait for it.
TURNS = Turns(1)
WAIT_SECONDS = 20
KEPT_SECONDS = 60 * 60
EMBED_SECONDS = 15.0  # for a page; the words that are left are rarer

# Numbers, sizes and model numbers have no synonyms.
WORD = re.compile(r"(?<!\w)[^\W\d_]{3,}(?!\w)")


@dataclass
class CatalogueWord:
    """A word of the names. written: as most of them write it; names: which have it."""

    stem: str
    written: str
    names: set[int] = field(default_factory=set)


@dataclass(frozen=True)
class Suggestion:
    """Two words that may mean the same, and how many of the names read have each."""

    word: str
    other: str
    similarity: float
    count: int
    other_count: int

    @property
    def words(self) -> str:
        """Both words, as the form takes them."""
        return f"{self.word}, {self.other}"


def suggestions(using: str = DEFAULT_DB_ALIAS) -> list[Suggestion]:
    """Return the pairs that neighbour_words() finds, kept for an hour, nearest first.

    One thread of a process finds them. Raises BusyError when that takes too long. Pairs
    that are synonyms by now are left out.
    """
    key = f"synonym-suggestions-{using}"
    found: list[Suggestion] | None = cache.get(key)
    if found is None:
        with TURNS.taken(seconds=WAIT_SECONDS):
            found = cache.get(key)
            if found is None:
                found = neighbour_words(using=using, seconds=EMBED_SECONDS)
                cache.set(key, found, KEPT_SECONDS)
    known = known_pairs(using)
    return [pair for pair in found if frozenset((pair.word, pair.other)) not in known]


def neighbour_words(
    *,
    using: str = DEFAULT_DB_ALIAS,
    seconds: float | None = None,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[Suggestion]:
    """Return up to 100 pairs of the names' commonest words that may mean the same.

    Reads up to 20,000 names, embeds up to 2,000 of their words, as many as *seconds*
    allow, and compares each with each. Left out are numbers, forms of one word, words
    of which one begins with the other, and words that stand in the same names. Raises
    EmbeddingError.
    """
    words = catalogue_words(names(using), using)[:MOST_WORDS]
    backend = EmbeddingRecipe.objects.current(using).embedder()
    vectors = embedded([word.written for word in words], backend, seconds, on_progress)
    return [
        Suggestion(
            one.written, other.written, similarity, len(one.names), len(other.names)
        )
        for one, other, similarity in near_pairs(words, vectors)
    ][:MOST_PAIRS]


# The words


def names(using: str) -> list[str]:
    """Return up to 20,000 names, spread over the whole range of ids, the same ones."""
    products = Product.objects.using(using).order_by("pk")
    ends = products.aggregate(first=Min("pk"), last=Max("pk"))
    if ends["first"] is not None and ends["last"] - ends["first"] >= 2 * MOST_NAMES:
        ids = random_ids(*rounded_range(ends["first"], ends["last"]), MOST_NAMES)
        products = products.filter(InArray(F("pk"), Value(array_of(ids))))
    return list(products.values_list("name", flat=True)[:MOST_NAMES])


def catalogue_words(names: Sequence[str], using: str) -> list[CatalogueWord]:
    """Return the words of some names, the commonest first; forms of one word are one."""
    written: dict[str, set[int]] = {}
    for number, name in enumerate(names):
        for word in WORD.findall(name.casefold()):
            written.setdefault(word, set()).add(number)
    commonest = sorted(written, key=lambda word: (-len(written[word]), word))
    # Only so many forms are asked for; a word of a thousandth form is rare.
    stems = wordings(commonest[: 4 * MOST_WORDS], using)
    words: dict[str, CatalogueWord] = {}
    for word in commonest:
        if wording := stems.get(word):
            stem = wording.lexemes[0]
            found = words.setdefault(stem, CatalogueWord(stem, word))
            found.names |= written[word]
    return sorted(words.values(), key=lambda word: (-len(word.names), word.written))


def embedded(
    texts: Sequence[str],
    backend: BaseEmbeddingBackend,
    seconds: float | None,
    on_progress: Callable[[int, int], None],
) -> npt.NDArray[np.float32]:
    """Return the vectors of the first texts, as many as the time allows."""
    import numpy as np

    started, vectors = time.monotonic(), [backend.embed([])]
    for start in range(0, len(texts), backend.batch_size):
        if seconds is not None and time.monotonic() - started > seconds:
            break
        vectors.append(backend.embed(texts[start : start + backend.batch_size]))
        on_progress(min(start + backend.batch_size, len(texts)), len(texts))
    return np.concatenate(vectors)


# The pairs


def near_pairs(
    words: Sequence[CatalogueWord], vectors: npt.NDArray[np.float32]
) -> Iterator[tuple[CatalogueWord, CatalogueWord, float]]:
    """Yield the pairs that may mean the same, and their similarity, nearest first.

    vectors: of the first words.
    """
    import numpy as np

    similarity = np.triu(vectors @ vectors.T, k=1).ravel()
    nearest = np.argsort(-similarity, kind="stable")[:COMPARED_PAIRS]
    for place in nearest:
        if similarity[place] < NEAR:
            return
        one, other = (words[int(n)] for n in divmod(place, len(vectors)))
        if may_mean_the_same(one, other):
            yield one, other, float(similarity[place])


def may_mean_the_same(one: CatalogueWord, other: CatalogueWord) -> bool:
    """Return whether two words are neither forms of one nor parts of one name."""
    for first, second in ((one.written, other.written), (one.stem, other.stem)):
        if first.startswith(second) or second.startswith(first):
            return False
    both = len(one.names & other.names)
    return both <= TOGETHER * min(len(one.names), len(other.names))
