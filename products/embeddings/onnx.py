"""The default backend: all-MiniLM-L6-v2, bundled, run by ONNX Runtime on the processor."""

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
    import numpy as np
    import numpy.typing as npt
    from onnxruntime import InferenceSession
    from tokenizers import Tokenizer

MODEL_DIR = Path(__file__).parent / "all-MiniLM-L6-v2"
MAX_WORD_PIECES = 256

# What stands for a word of which the model knows no part, such as "☕" and most Thai
# words. The vectors of two such texts have a similarity of 0.9 to 1.0, and one known
# piece in each brings that below 0.6.
UNKNOWN = "[UNK]"
NOT_WORDS = {UNKNOWN, "[CLS]", "[SEP]", "[PAD]"}

# Texts of similar length go through the model together: it pads all to the longest, and
# its memory grows with their number times that length.
RUN_SIZE = 8

# A server has its own threads and workers for its cores. Two threads for one text took
# twice the processor time of one and, on two busy cores, longer (docs/performance.md).
# A single thread waits for no other, so none spins.
SERVER_THREADS = 1

# What NumPy calls the instructions that multiply int8 numbers quickly: AVX-512 with VNNI
# and ARM's dot product. See numpy.show_config().
FAST_INT8 = {"AVX512_ICL", "ASIMDDP"}


class EmbeddingBackend(BaseEmbeddingBackend):
    """Embeds English text in this process, without network.

    The model reads the first 256 word pieces of a text. See
    https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2
    """

    model = "all-MiniLM-L6-v2-int8"
    default_floor = 0.30
    languages = ("english",)

    def __init__(self) -> None:
        self.lock = threading.Lock()

    def vectors(self, texts: Sequence[str]) -> Vectors:
        import numpy as np

        tokenizer, session = self.loaded()
        vectors = np.empty((len(texts), self.dimensions), dtype=np.float32)
        by_length = sorted(range(len(texts)), key=lambda place: len(texts[place]))
        try:
            for start in range(0, len(texts), RUN_SIZE):
                places = by_length[start : start + RUN_SIZE]
                read = tokenizer.encode_batch([texts[place] for place in places])
                ids = np.array([text.ids for text in read], dtype=np.int64)
                mask = np.array([text.attention_mask for text in read], dtype=np.int64)
                given = {
                    "input_ids": ids,
                    "attention_mask": mask,
                    "token_type_ids": np.zeros_like(ids),
                }
                [hidden] = session.run(["last_hidden_state"], given)
                vectors[places] = mean_of_pieces(hidden, mask)
        # ONNX Runtime's own exceptions share no base class below RuntimeError.
        except (RuntimeError, ValueError, MemoryError) as err:
            raise EmbeddingError(f"{self.model} could not embed a text: {err}") from err
        return vectors

    def knows(self, texts: Sequence[str]) -> list[bool]:
        """Return of each text whether it has a piece with a letter, or none is unknown.

        Digits and punctuation do not count: the vectors of "☕ 2" and "🎧 2" are those
        of unknown words with a number.
        """
        if not texts:
            return []
        tokenizer, _session = self.loaded()
        read = tokenizer.encode_batch(list(texts))
        return [has_known_word(text.tokens) for text in read]

    def load(self) -> None:
        self.loaded()

    def runs_as(self) -> str:
        numbers = "int8" if multiplies_int8() else "float32"
        return f"{self.model}, in {numbers}, on the processor"

    def knows_word(self, word: str) -> bool:
        tokenizer, _ = self.loaded()
        return tokenizer.token_to_id(word) is not None

    def loaded(self) -> tuple[Tokenizer, InferenceSession]:
        """Return the tokenizer and the model. The first call takes far longer."""
        with self.lock:
            return self.loaded_model

    @cached_property
    def loaded_model(self) -> tuple[Tokenizer, InferenceSession]:
        # ONNX Runtime would store an id of this machine below ~/.cache and send its
        # maker how it is used. It reads this when it is imported.
        os.environ["ORT_DISABLE_TELEMETRY"] = "1"
        try:
            from onnxruntime import InferenceSession, SessionOptions
            from tokenizers import Tokenizer

            folder = path_in_utf8(MODEL_DIR)
            tokenizer = Tokenizer.from_file(f"{folder}/tokenizer.json")
            tokenizer.enable_truncation(MAX_WORD_PIECES)
            tokenizer.enable_padding()
            options = SessionOptions()
            # A command embeds many texts and has all cores for them.
            options.intra_op_num_threads = SERVER_THREADS if is_serving() else 0
            if not multiplies_int8():
                options.add_session_config_entry("session.disable_quant_qdq", "1")
            return tokenizer, InferenceSession(
                f"{folder}/model.onnx", options, providers=["CPUExecutionProvider"]
            )
        except Exception as err:
            raise EmbeddingError(
                f"The embedding model in {MODEL_DIR} cannot be loaded: {err}. Install "
                "the packages again (pip install -r requirements.txt) and restore the "
                "folder (git checkout -- products/embeddings)."
            ) from err


def has_known_word(pieces: Sequence[str]) -> bool:
    """Return whether a text of these word pieces has one to tell its meaning by."""
    return UNKNOWN not in pieces or any(
        letter.isalpha()
        for piece in pieces
        if piece not in NOT_WORDS
        for letter in piece
    )


def multiplies_int8() -> bool:
    """Return whether the model multiplies its int8 weights as they are.

    Otherwise it turns them into float32 when it is loaded, which takes 30 MB more. That
    is faster for many texts at once, and for all texts where the processor has no
    instructions for int8. The vectors of both ways have a cosine similarity above 0.999.
    """
    return is_serving() and not FAST_INT8.isdisjoint(processor_features())


def processor_features() -> list[str]:
    """Return what NumPy found that this processor can do."""
    import numpy as np

    # What is empty is left out.
    extensions = np.show_config(mode="dicts").get("SIMD Extensions", {})
    return [*extensions.get("baseline", []), *extensions.get("found", [])]


def mean_of_pieces(hidden: Vectors, mask: npt.NDArray[np.int64]) -> Vectors:
    """Return the mean of each text's word pieces, shape (n, dimensions).

    hidden: shape (n, pieces, dimensions); mask: 1 for a piece, 0 for padding.
    """
    weights = mask[:, :, None].astype(hidden.dtype)
    means: Vectors = (hidden * weights).sum(axis=1) / weights.sum(axis=1)
    return means


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
