"""What an embedding backend is."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, TypeAlias

from products.embeddings.text import TEMPLATE

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

Vector: TypeAlias = "npt.NDArray[np.float32]"  # shape (dimensions,)
Vectors: TypeAlias = "npt.NDArray[np.float32]"  # shape (n, dimensions)

FINGERPRINT_LENGTH = 100  # characters at most


class EmbeddingError(Exception):
    """A text could not be embedded; the message says what to do next.

    permanent: True when trying again cannot help, such as a missing model file;
    False for a fault that may pass, such as a service that is busy.
    """

    def __init__(self, message: str, *, permanent: bool = True) -> None:
        super().__init__(message)
        self.permanent = permanent


class WrongDimension(EmbeddingError):
    """The model makes vectors of another size than the catalogue's column holds."""


class BaseEmbeddingBackend(ABC):
    """Turns texts into vectors.

    To add one, subclass this in a module of its own, call the class
    `EmbeddingBackend`, set `model` and `dimensions`, and write `vectors()`. Making
    an instance must be cheap and connect nowhere; load the model on first use. One
    instance serves all threads of a process.
    """

    model: str  # names the weights exactly: two that differ need two names
    dimensions: int = 384
    # The cosine similarity of a query and a product below which they have nothing in
    # common; `calibrate` measures a better one for the catalogue at hand.
    default_floor: float = 0.0
    # The languages that the model was made for, named as in CATALOG_LANGUAGE; None where
    # it knows many.
    languages: Collection[str] | None = None
    batch_size: int = 64  # how many texts a caller should pass at a time

    def load(self) -> None:  # noqa: B027 - a backend without a model has nothing to do
        """Get ready to embed: a no-op where that takes no time.

        Raises EmbeddingError. Those who embed for a visitor call it before they queue,
        so that the first of them does not keep the others from their turn.
        """

    def start(self) -> None:
        """Do what can fail, once, when a server starts. Raises EmbeddingError.

        By default load() the model. Workers are forked afterwards: leave no connection
        open that they would share.
        """
        self.load()

    def runs_as(self) -> str:
        """Return how this process runs the model, in a few words for an operator."""
        return self.model

    def knows_word(self, word: str) -> bool:
        """Return whether a word, in small letters, is one of the model's own.

        Such a word is no typing error, even if no product has it. A backend that cannot
        say so knows none. Raises EmbeddingError when the model cannot be loaded.
        """
        return False

    @property
    def fingerprint(self) -> str:
        """The recipe of a vector: model, dimensions and text template.

        At most 100 characters. Two vectors may be compared only when their
        fingerprints are equal.
        """
        template = hashlib.sha256(TEMPLATE.encode()).hexdigest()[:8]
        return f"{self.model}/{self.dimensions}/{template}"

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return one vector of length 1 for each text, float32, shape (n, dimensions).

        Raises EmbeddingError when the backend fails, or returns something that is not
        a usable vector: another shape, NaN, or zero.
        """
        return self.usable(self.vectors, texts)

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        """Return the vectors of what somebody asks, as embed() does of products."""
        return self.usable(self.query_vectors, texts)

    def usable(
        self, make: Callable[[Sequence[str]], npt.ArrayLike], texts: Sequence[str]
    ) -> Vectors:
        """Return the vectors that *make* gives, of length 1. Raises EmbeddingError."""
        import numpy as np

        if not texts:
            return np.empty((0, self.dimensions), dtype=np.float32)
        vectors = np.asarray(make(texts), dtype=np.float32)
        if vectors.shape != (len(texts), self.dimensions):
            raise WrongDimension(
                f"{self.model} gave an array of shape {vectors.shape} for {len(texts)} "
                f"texts, not {(len(texts), self.dimensions)}. Set `dimensions` of the "
                "backend to what its model gives."
            )
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        if not np.all(np.isfinite(norms) & (norms > 0)):
            raise EmbeddingError(
                f"{self.model} gave a vector that is zero or not finite."
            )
        unit: Vectors = vectors / norms
        return unit

    def embed_known(
        self, texts: Sequence[str], *, queries: bool = False
    ) -> list[Vector | None]:
        """Return the vector of each text, None where knows() says no.

        queries: whether the texts are what somebody asks, or else products.
        """
        known = self.knows(texts)
        embed = self.embed_queries if queries else self.embed
        vectors = iter(
            embed(
                [text for text, is_known in zip(texts, known, strict=True) if is_known]
            )
        )
        return [next(vectors) if is_known else None for is_known in known]

    def knows(self, texts: Sequence[str]) -> list[bool]:
        """Return of each text whether the model knows any word of it.

        A text of which it knows none has no embedding: all such texts would have about
        the same vector. Raise EmbeddingError as vectors() does.
        """
        return [True] * len(texts)

    @abstractmethod
    def vectors(self, texts: Sequence[str]) -> npt.ArrayLike:
        """Return one vector for each text, shape (n, dimensions), of any length.

        texts: never empty. Raise EmbeddingError, with the cause (`from err`), when
        the model cannot be loaded or does not answer.
        """

    def query_vectors(self, texts: Sequence[str]) -> npt.ArrayLike:
        """Return one vector for each query, as vectors() does for each product.

        For a model that was trained with another beginning of the one than of the other.
        """
        return self.vectors(texts)
