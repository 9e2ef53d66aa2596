"""Embedding backends for tests: another recipe, and ones that fail."""

import hashlib

import numpy as np

from products.embeddings import BaseEmbeddingBackend, EmbeddingError
from products.embeddings.deterministic import EmbeddingBackend as Deterministic

AXES = "tests.backends.Axes"
SECOND = "tests.backends.Second"
PICKY = "tests.backends.Picky"
BUSY = "tests.backends.Busy"
LATIN = "tests.backends.Latin"


class Second(Deterministic):
    """Another model: every word points in another direction."""

    model = "second"

    def direction(self, word):
        return super().direction(hashlib.sha256(word.encode()).hexdigest())


class Axes(Deterministic):
    """Gives each of a few words an axis of its own, so that one can reckon by hand."""

    model = "axes"
    words = ("lamp", "home", "bright")

    def direction(self, word):
        return np.eye(len(self.words), self.dimensions)[self.words.index(word)]


class Picky(Deterministic):
    """Cannot embed a text with the word poison, alone or in a batch."""

    model = "picky"
    batch_size = 4
    calls = 0

    def vectors(self, texts):
        type(self).calls += 1
        if any("poison" in text for text in texts):
            raise EmbeddingError("This text cannot be read.")
        return super().vectors(texts)


class Busy(Deterministic):
    """Is busy for the first calls of a process, as a service can be."""

    model = "busy"
    faults = 1

    def vectors(self, texts):
        if type(self).faults > 0:
            type(self).faults -= 1
            raise EmbeddingError("The service is busy.", permanent=False)
        return super().vectors(texts)


class Wide(BaseEmbeddingBackend):
    """Makes vectors that do not fit the column."""

    model = "wide"
    dimensions = 256

    def vectors(self, texts):
        return [[1.0] * 256 for text in texts]


class Latin(Deterministic):
    """Knows no word of other than ASCII characters."""

    model = "latin"

    def knows(self, texts):
        return [any(w.isascii() for w in text.split()) for text in texts]
