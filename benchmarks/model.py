"""Which way of running the bundled model is the fastest here?

    DB_NAME=chorus .venv/bin/python benchmarks/model.py --queries queries.txt

Embeds queries of one to four words one by one, and texts of the products in the database
in batches of 8 to 256, as they come and sorted by length. All ways take turns in one
run. Prints the processor time of a text, which other programs on a busy machine change
least, and its ratio to the way that the shop takes in a server and in a command. Without
--queries the first words of products' names are the queries; with fastembed installed it
takes part too.
"""

# ruff: noqa: E402 - Django must be set up before its models are imported.
from __future__ import annotations

import argparse
import os
import random
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "vectorshop.settings")
# Before ONNX Runtime is loaded, see products/embeddings/onnx.py.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import django

django.setup()

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

from products.embeddings import onnx
from products.embeddings.text import embedding_text
from products.models import Product

BATCH_SIZES = (8, 16, 32, 64, 128, 256)
SEED = 7
# 0 threads: as many as there are cores.
SESSIONS = {
    f"{'int8' if int8 else 'float32'}, {threads or 'all'} threads{spins}": (
        int8,
        threads,
        not spins,
    )
    for int8 in (True, False)
    for threads, spins in ((1, ""), (2, ""), (2, ", no spinning"), (0, ""))
}

Embed = Callable[[Sequence[str]], object]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--queries", type=Path, help="One query a line.")
    parser.add_argument("--rounds", type=int, default=5, help="Default: 5.")
    options = parser.parse_args()
    texts = product_texts()
    queries = read_queries(options.queries) if options.queries else beginnings(texts)
    ways = make_ways()
    features = onnx.FAST_INT8.intersection(onnx.processor_features())
    say(f"Fast products of int8 here: {', '.join(sorted(features)) or 'no'}")
    report("a query", ways, [[query] for query in queries[:40]], options.rounds)
    by_length = sorted(texts, key=len)
    for size in BATCH_SIZES:
        report(f"batches of {size}", ways, [texts[:size]], options.rounds)
        start = len(texts) // 2 - size // 2
        sorted_batch = by_length[start : start + size]
        report(f"batches of {size}, sorted", ways, [sorted_batch], options.rounds)


def product_texts() -> list[str]:
    """Return the texts of products, of 512 where there are so many, in random order."""
    rows = list(Product.objects.values_list("name", "category", "description")[:20_000])
    if len(rows) < 2 * max(BATCH_SIZES):
        sys.exit("Too few products: import some hundred, see docs/import-export.md.")
    return [embedding_text(*row) for row in random.Random(SEED).sample(rows, 512)]


def read_queries(path: Path) -> list[str]:
    """Return the lines of one to four words."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if 1 <= len(line.split()) <= 4]


def beginnings(texts: Sequence[str]) -> list[str]:
    """Return one to four words of each text."""
    return [
        " ".join(text.split()[: 1 + number % 4]) for number, text in enumerate(texts)
    ]


def make_ways() -> dict[str, Embed]:
    """Return the ways to embed by their names."""
    ways: dict[str, Embed] = {}
    for int8, name in ((True, "the shop, int8"), (False, "the shop, float32")):
        onnx.multiplies_int8 = lambda int8=int8: int8
        onnx.is_serving = lambda: True  # one thread
        backend = onnx.EmbeddingBackend()
        backend.load()
        ways[name] = backend.embed
    for name, session in SESSIONS.items():
        ways[name] = bare_session(*session)
    try:
        from fastembed import TextEmbedding
    except ImportError:
        return ways
    model = TextEmbedding(
        "sentence-transformers/all-MiniLM-L6-v2",
        specific_model_path=str(onnx.MODEL_DIR),
        local_files_only=True,
        threads=1,
    )
    ways["fastembed, 1 thread"] = lambda texts: list(
        model.embed(texts, batch_size=len(texts))
    )
    return ways


def bare_session(int8: bool, threads: int, spinning: bool) -> Embed:
    """Return a function that runs tokenizer and session, and nothing else."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.add_session_config_entry(
        "session.intra_op.allow_spinning", "1" if spinning else "0"
    )
    if not int8:
        options.add_session_config_entry("session.disable_quant_qdq", "1")
    session = onnxruntime.InferenceSession(
        str(onnx.MODEL_DIR / "model.onnx"), options, providers=["CPUExecutionProvider"]
    )
    tokenizer = Tokenizer.from_file(str(onnx.MODEL_DIR / "tokenizer.json"))
    tokenizer.enable_truncation(onnx.MAX_WORD_PIECES)
    tokenizer.enable_padding()

    def run(texts: Sequence[str]) -> object:
        read = tokenizer.encode_batch(list(texts))
        ids = np.array([text.ids for text in read], dtype=np.int64)
        mask = np.array([text.attention_mask for text in read], dtype=np.int64)
        given = {"input_ids": ids, "attention_mask": mask}
        return session.run(None, given | {"token_type_ids": np.zeros_like(ids)})

    return run


def report(
    what: str, ways: dict[str, Embed], batches: Sequence[Sequence[str]], rounds: int
) -> None:
    """Print the median processor time of a text for each way."""
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, embed in ways.items():
            embed(batches[0])  # its memory is there
            for batch in batches:
                started = time.process_time()
                embed(batch)
                spent = (time.process_time() - started) / len(batch)
                times[name].append(spent * 1000)
    medians = {name: statistics.median(values) for name, values in times.items()}
    least = min(medians.values())
    say(f"\n| {what} | processor time of a text | of the fastest |\n|---|--:|--:|")
    for name, median in medians.items():
        say(f"| {name} | {median:.2f} ms | {least / median:.2f} |")


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
