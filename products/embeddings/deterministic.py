"""Embeddings made of hashed words: no model, the same vector on every machine.

For tests and for trying things out. Texts that share words are near each other;
words that mean the same are not.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

import numpy as np

from products.embeddings.base import BaseEmbeddingBackend, Vectors


class EmbeddingBackend(BaseEmbeddingBackend):
    """Adds up one pseudo-random direction for each word of a text."""

    model = "deterministic"
    default_floor = 0.20

    def vectors(self, texts: Sequence[str]) -> Vectors:
        return np.array([self.vector(text) for text in texts], dtype=np.float32)

    def vector(self, text: str) -> Vectors:
        words = re.findall(r"\w+", text.lower()) or [text]
        total: Vectors = np.sum([self.direction(word) for word in words], axis=0)
        return total

    def direction(self, word: str) -> Vectors:
        seed = int.from_bytes(hashlib.sha256(word.encode()).digest()[:8])
        values = np.random.default_rng(seed).standard_normal(self.dimensions)
        return values.astype(np.float32)
