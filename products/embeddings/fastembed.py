"""The default backend: all-MiniLM-L6-v2, bundled, run by fastembed on the processor."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from products.embeddings.base import BaseEmbeddingBackend, EmbeddingError, Vectors

if TYPE_CHECKING:
    from fastembed import TextEmbedding

MODEL_DIR = Path(__file__).parent / "all-MiniLM-L6-v2"


class EmbeddingBackend(BaseEmbeddingBackend):
    """Embeds English text in this process, without network.

    The model reads the first 256 word pieces of a text. See
    https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2
    """

    model = "all-MiniLM-L6-v2-int8"
    default_floor = 0.30

    def __init__(self) -> None:
        self.lock = threading.Lock()

    def vectors(self, texts: Sequence[str]) -> Vectors:
        import numpy as np

        try:
            return np.array(
                list(self.session().embed(texts, batch_size=self.batch_size))
            )
        # ONNX Runtime's own exceptions share no base class below RuntimeError.
        except (RuntimeError, ValueError, MemoryError) as err:
            raise EmbeddingError(f"{self.model} could not embed a text: {err}") from err

    def session(self) -> TextEmbedding:
        """Return the loaded model. The first call loads it and takes far longer."""
        with self.lock:
            return self.loaded_model

    @cached_property
    def loaded_model(self) -> TextEmbedding:
        try:
            from fastembed import TextEmbedding

            return TextEmbedding(
                "sentence-transformers/all-MiniLM-L6-v2",
                specific_model_path=path_in_utf8(MODEL_DIR),
                local_files_only=True,
            )
        except Exception as err:
            raise EmbeddingError(
                f"The embedding model in {MODEL_DIR} cannot be loaded: {err}. Install "
                "the packages again (pip install -r requirements.txt) and restore the "
                "folder (git checkout -- products/embeddings)."
            ) from err


@cache
def path_in_utf8(folder: Path) -> str:
    """Return a path of *folder* that ONNX Runtime can read, which takes UTF-8 only.

    In a locale without UTF-8, Python's text of a path with other than ASCII letters has
    none. Linux, the only system with such a locale, names an open folder by a number.
    The folder stays open.
    """
    text = str(folder)
    try:
        text.encode()
    except UnicodeEncodeError:
        return f"/proc/self/fd/{os.open(folder, os.O_RDONLY)}"
    return text
