"""How many threads of ONNX Runtime serve visitors best, and should they spin?

    .venv/bin/python benchmarks/model_threads.py

Embeds queries by the bundled model in two processes at once, as two workers of gunicorn
do, each with one, two or the runtime's own number of threads, with and without spinning.
Spinning threads wait for work in a loop that keeps their core busy. Prints the median
time of an embedding, and the processor time that each took, for a short query and for
the longest that is embedded.
"""

from __future__ import annotations

import multiprocessing
import os
import statistics
import sys
import time

# Before ONNX Runtime is loaded, see products/embeddings/fastembed.py.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

from pathlib import Path

import numpy as np

MODEL_DIR = Path(__file__).parents[1] / "products/embeddings/all-MiniLM-L6-v2"
WORKERS = 2
SECONDS = 3.0
TEXTS = {
    "short": "wireless headphones",
    "longest": "quixotic zephyr obelisk gazebo " * 8,
    "whole": "quixotic zephyr obelisk gazebo " * 31,
}
CHOICES = [
    (threads, spinning) for threads in (1, 2, 0) for spinning in (True, False)
]  # 0: as many as there are cores


def main() -> None:
    say("| threads | spinning | text | p50 | processor time |")
    say("|--:|---|---|--:|--:|")
    for threads, spinning in CHOICES:
        for name, text in TEXTS.items():
            with multiprocessing.get_context("spawn").Pool(WORKERS) as pool:
                asked = [(threads, spinning, text)] * WORKERS
                found = pool.starmap(measure, asked, chunksize=1)
            median, cpu = (
                statistics.fmean(values) for values in zip(*found, strict=True)
            )
            say(
                f"| {threads or 'all'} | {'yes' if spinning else 'no'} | {name} "
                f"| {median:.1f} ms | {cpu:.1f} ms |"
            )


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def measure(threads: int, spinning: bool, text: str) -> tuple[float, float]:
    """Return the median time of an embedding and its processor time, in milliseconds."""
    import onnxruntime
    from tokenizers import Tokenizer

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.add_session_config_entry(
        "session.intra_op.allow_spinning", "1" if spinning else "0"
    )
    session = onnxruntime.InferenceSession(
        str(MODEL_DIR / "model.onnx"), options, providers=["CPUExecutionProvider"]
    )
    tokenizer = Tokenizer.from_file(str(MODEL_DIR / "tokenizer.json"))
    tokenizer.enable_truncation(256)
    tokenizer.no_padding()
    read = tokenizer.encode(text)
    fields = {
        "input_ids": read.ids,
        "attention_mask": read.attention_mask,
        "token_type_ids": read.type_ids,
    }
    names = [given.name for given in session.get_inputs()]
    given = {name: np.array([fields[name]], dtype=np.int64) for name in names}
    for _ in range(3):
        session.run(None, given)
    times = []
    began, cpu = time.perf_counter(), time.process_time()
    while time.perf_counter() - began < SECONDS:
        started = time.perf_counter()
        session.run(None, given)
        times.append((time.perf_counter() - started) * 1000)
    spent = (time.process_time() - cpu) * 1000 / len(times)
    return statistics.median(times), spent


if __name__ == "__main__":
    main()
