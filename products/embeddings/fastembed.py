"""The default backend: all-MiniLM-L6-v2, bundled, run by fastembed on the processor."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from products.embeddings.base import BaseEmbeddingBackend, EmbeddingError, Vectors
from vectorshop.serving import is_serving

if TYPE_CHECKING:
    from fastembed import TextEmbedding

MODEL_DIR = Path(__file__).parent / "all-MiniLM-L6-v2"

# A server has its own threads and workers for its cores. Two threads for one text took
# twice the processor time of one and, on two busy cores, longer (docs/performance.md).
# A single thread waits for no other, so none spins.
SERVER_THREADS = 1


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

    def load(self) -> None:
        self.session()

    def session(self) -> TextEmbedding:
        """Return the loaded model. The first call loads it and takes far longer."""
        with self.lock:
            return self.loaded_model

    @cached_property
    def loaded_model(self) -> TextEmbedding:
        # ONNX Runtime would store an id of this machine below ~/.cache and send its
        # maker how it is used. It reads this when it is imported.
        os.environ["ORT_DISABLE_TELEMETRY"] = "1"
        try:
            from fastembed import TextEmbedding

            return TextEmbedding(
                "sentence-transformers/all-MiniLM-L6-v2",
                specific_model_path=path_in_utf8(MODEL_DIR),
                local_files_only=True,
                # A command embeds many texts and has all cores for them.
                threads=SERVER_THREADS if is_serving() else None,
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
