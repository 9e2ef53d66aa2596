"""Texts per second, against the bare ONNX session."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from importing.data import make_row, write_csv
from importing.measuring import empty, import_rows, say, timed, verdict
from products.embeddings import get_backend
from products.embeddings.onnx import EmbeddingBackend
from products.embeddings.text import embedding_text

BATCH_SIZES = (8, 16, 32, 64)


class BareModel:
    """The tokenizer and the ONNX session, and nothing else."""

    def __init__(self) -> None:
        self.tokenizer, self.session = EmbeddingBackend().loaded()

    def run(self, texts: Sequence[str]) -> None:
        encoded = self.tokenizer.encode_batch(list(texts))
        ids = np.array([item.ids for item in encoded], dtype=np.int64)
        mask = np.array([item.attention_mask for item in encoded], dtype=np.int64)
        inputs = {
            "input_ids": ids,
            "attention_mask": mask,
            "token_type_ids": np.zeros_like(ids),
        }
        self.session.run(None, inputs)

    def run_all(self, texts: Sequence[str], size: int) -> None:
        for start in range(0, len(texts), size):
            self.run(texts[start : start + size])


def bench_texts(folder: Path, count: int, repeat: int) -> None:
    say(f"\nTexts: {count:,} embedded")
    path = folder / "texts.csv"
    write_csv(path, count)
    rows = [make_row(number) for number in range(count)]
    texts = [embedding_text(*row[1:4]) for row in rows]
    model = BareModel()
    model.run(texts[:64])  # warm
    get_backend().embed(texts[:64])
    sizes = {
        size: timed(lambda size=size: model.run_all(texts, size))
        for size in BATCH_SIZES
    }
    best = min(sizes, key=sizes.__getitem__)
    by_length = sorted(texts, key=len)
    works: dict[str, Callable[[], None]] = {
        f"bare session, batches of {best} (best), file order": partial(
            model.run_all, texts, best
        ),
        f"bare session, batches of {best}, sorted by length": partial(
            model.run_all, by_length, best
        ),
        "import_products, rows stored": partial(import_rows, path),
    }
    seconds, processor = measure_in_turns(works, repeat)
    for name in works:
        say(
            f"  {name:58} {count / seconds[name]:9,.1f} texts/s "
            f"{processor[name] / count * 1000:6.1f} ms of processor a text"
        )
    file_order, sorted_order, ours = works
    verdict("import to bare, file order", seconds[file_order] / seconds[ours], 0.9)
    verdict("import to bare, sorted", seconds[sorted_order] / seconds[ours], 0.9)
    # Other programs on a busy machine lengthen the times above, but not these.
    verdict(
        "the same by processor time", processor[sorted_order] / processor[ours], 0.9
    )


def measure_in_turns(
    works: dict[str, Callable[[], None]], repeat: int
) -> tuple[dict[str, float], dict[str, float]]:
    """Return the least seconds and the least processor seconds of each work."""
    seconds = dict.fromkeys(works, float("inf"))
    processor = dict.fromkeys(works, float("inf"))
    for _ in range(repeat):
        for name, work in works.items():
            empty()
            started, used = time.perf_counter(), time.process_time()
            work()
            seconds[name] = min(seconds[name], time.perf_counter() - started)
            processor[name] = min(processor[name], time.process_time() - used)
    return seconds, processor
