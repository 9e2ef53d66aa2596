"""The vector a search starts from: of a text, of examples, or of both."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, TypeAlias

from django.core.cache import cache
from django.utils.translation import gettext

from products.embeddings import BaseEmbeddingBackend, EmbeddingError
from products.models import Product
from products.search.question import SearchError
from products.search.signals import embedded
from products.turns import BusyError, Turns

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

Vector: TypeAlias = "npt.NDArray[np.float32]"

CACHE_SECONDS = 24 * 60 * 60

# More of a query than this adds work, not meaning: its first words say what is wanted.
# The characters count too, since a text without blanks is one word.
EMBEDDED_WORDS = 32  # as many as are searched for, see words.MAX_TERMS
EMBEDDED_CHARACTERS = 240  # 32 words of ordinary length

# An embedding of so many words keeps a core busy for 10 to 30 ms, so a turn comes soon
# unless the machine is overloaded. Then an answer by words serves better than a queue.
TURNS = Turns(1)
WAIT_SECONDS = 0.5

# The norm of a sum of unit vectors below which its direction is only rounding.
SMALLEST_NORM = 1e-3


_embedded: ContextVar[list[str] | None] = ContextVar("embedded", default=None)


class EmbedderBusy(EmbeddingError, BusyError):
    """Too many texts are embedded already, and this one's turn did not come."""

    def __init__(self) -> None:
        super().__init__(
            f"No text could be embedded within {WAIT_SECONDS} s, since others were. Try "
            "again in a moment.",
            permanent=False,
        )


class UnknownWords(SearchError):
    """The model knows no word of a text, so that nothing is near to it."""

    def __init__(self, text: str) -> None:
        super().__init__(
            gettext(
                "No word of this text is known to the search by meaning: %(text)s. "
                "Describe it in other words."
            )
            % {"text": text}
        )


def embedded_part(text: str) -> str:
    """Return the beginning of a query that is embedded; all of it is searched by words.

    At most 32 words and 240 characters, ending with a whole word if there is one.
    """
    words = text.split()[:EMBEDDED_WORDS]
    while len(words) > 1 and len(" ".join(words)) > EMBEDDED_CHARACTERS:
        words.pop()
    return " ".join(words)[:EMBEDDED_CHARACTERS]


def query_vector(text: str, backend: BaseEmbeddingBackend) -> Vector:
    """Return the vector of a text: float32, of length 1; cached for a day.

    One text at a time is embedded in a process. Raises UnknownWords when the model
    knows no word of it, EmbeddingError when it is not cached and the backend fails,
    EmbedderBusy when its turn does not come soon.
    """
    vectors = text_vectors([text], backend)
    if text not in vectors:
        raise UnknownWords(text)
    return vectors[text]


def text_vectors(
    texts: Iterable[str], backend: BaseEmbeddingBackend, *, queries: bool = True
) -> dict[str, Vector]:
    """Return the vectors of a few texts, each as query_vector() returns one.

    Without those of which the model knows no word. queries: whether the texts are what
    somebody asks, or else texts of products.
    """
    keys = {text: cache_key(text, backend, queries) for text in texts}
    vectors = cached_vectors(keys)
    embedded.send_robust(
        BaseEmbeddingBackend,
        cached=len(vectors),
        made=len(keys) - len(vectors),
        queries=queries,
    )
    if len(vectors) == len(keys):
        return vectors
    backend.load()
    try:
        with TURNS.taken(seconds=WAIT_SECONDS):
            # The thread that had the turn before may have embedded the same.
            vectors = cached_vectors(keys)
            missing = [text for text in keys if text not in vectors]
            if missing:
                made_now = zip(
                    missing, backend.embed_known(missing, queries=queries), strict=True
                )
                made = {text: vector for text, vector in made_now if vector is not None}
                vectors |= made
                note_embedded(missing)
                cache.set_many(
                    {keys[text]: vector.tobytes() for text, vector in made.items()},
                    CACHE_SECONDS,
                )
    except BusyError as err:
        raise EmbedderBusy from err
    return vectors


@contextmanager
def noting_embedded() -> Iterator[list[str]]:
    """Give the list of the texts that the block has embedded: they were not cached."""
    texts: list[str] = []
    token = _embedded.set(texts)
    try:
        yield texts
    finally:
        _embedded.reset(token)


def note_embedded(texts: Iterable[str]) -> None:
    """Note texts that were embedded, if somebody wants to know."""
    noted = _embedded.get()
    if noted is not None:
        noted.extend(texts)


def cache_key(text: str, backend: BaseEmbeddingBackend, query: bool = True) -> str:
    """Return under which key the cache keeps the vector of a text."""
    name = f"{backend.fingerprint}\n{text}" + ("" if query else "\nproduct")
    return f"query-embedding-{hashlib.sha256(name.encode()).hexdigest()}"


def cached_vectors(keys: Mapping[str, str]) -> dict[str, Vector]:
    """Return the vectors that are in the cache, by their texts. keys: by text."""
    import numpy as np

    stored = cache.get_many(keys.values())
    return {
        text: np.frombuffer(stored[key], dtype=np.float32)
        for text, key in keys.items()
        if key in stored
    }


def example_vector(
    like: Sequence[Product],
    unlike: Sequence[Product],
    *,
    text: Vector | None = None,
    using: str,
) -> Vector:
    """Return the vector of a search by examples: float32, of length 1.

    The mean of the vectors of *like* minus the mean of those of *unlike*, plus the
    vector of the query's text if there is one. One statement. Raises SearchError for
    an example without embedding, for examples of two recipes or of another one than
    when they were loaded, and for examples that cancel out.
    """
    import numpy as np

    examples = [*like, *unlike]
    stored = Product.objects.using(using).filter(
        pk__in=[product.pk for product in examples], embedding__isnull=False
    )
    rows = list(stored.values_list("pk", "embedding", "embedding_fingerprint"))
    vectors: dict[int, Any] = {pk: vector for pk, vector, _ in rows}
    for product in examples:
        if product.pk not in vectors:
            raise SearchError(
                f"{product.why_without_embedding()} " + gettext("Leave it out for now.")
            )
    if {pk: recipe for pk, _, recipe in rows} != {
        product.pk: product.embedding_fingerprint for product in examples
    }:
        raise SearchError(
            gettext("The examples were embedded anew just now. Search once more.")
        )
    if len({product.embedding_fingerprint for product in examples}) > 1:
        raise SearchError(
            gettext(
                "These examples cannot be compared with each other: different models "
                "embedded them. Leave one of them out for now."
            )
        )
    vector = np.zeros(len(next(iter(vectors.values()))), dtype=np.float32)
    for sign, products in ((1, like), (-1, unlike)):
        if products:
            vector += sign * np.mean([vectors[p.pk] for p in products], axis=0)
    if text is not None:
        vector += text
    norm = float(np.linalg.norm(vector))
    if norm < SMALLEST_NORM:
        raise SearchError(
            gettext(
                "The examples cancel out: what is wanted and what is not are the same. "
                "Leave one of them out."
            )
        )
    unit: Vector = vector / np.float32(norm)
    return unit
