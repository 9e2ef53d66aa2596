"""What importing costs: rows, memory, texts and the index, against bare baselines.

    python benchmarks/bench_import.py --rows 100000 --memory-rows 1000000

Works in a database of its own, which it drops at the end. Every ratio compares
measurements of one run on one machine, the best of --repeat each.
"""

# ruff: noqa: E402 - the settings must be set up before the imports that need them.

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "vectorshop.settings")
os.environ["DB_NAME"] = DATABASE = "vectorshop_bench_import"

import django

django.setup()

import numpy as np
import onnxruntime
from django.core.management import call_command
from django.db import connection
from tokenizers import Tokenizer

from products import vector_index
from products.catalog.importing import CatalogImport
from products.catalog.rows import (
    COLUMNS,
    VECTOR_COLUMNS,
    VECTOR_HEADER,
    vector_base64,
)
from products.catalog.source import open_source
from products.embeddings import get_backend
from products.embeddings.fastembed import MODEL_DIR
from products.text import embedding_text, text_hash
from products.vector_index import HALFVEC, VECTOR

USING = {"using": "default"}
BASE_TEXTS = 500  # embedded for real; the other vectors lie around these
BATCH_SIZES = (8, 16, 32, 64)

KINDS = [
    "kettle",
    "lamp",
    "chair",
    "desk",
    "router",
    "printer",
    "mug",
    "shelf",
    "drill",
    "tent",
    "jacket",
    "phone",
]
WORDS = [
    "steel",
    "compact",
    "silent",
    "foldable",
    "bright",
    "wireless",
    "durable",
    "light",
    "organic",
    "leather",
    "oak",
    "matte",
    "rugged",
    "modern",
    "classic",
    "portable",
    "large",
    "small",
    "blue",
    "black",
    "white",
    "green",
    "warm",
    "dry",
    "with",
    "for",
    "and",
    "without",
    "cable",
    "battery",
    "cover",
    "handle",
    "stand",
    "pocket",
    "charger",
    "filter",
    "set",
    "of",
    "two",
    "three",
    "four",
    "five",
    "years",
    "warranty",
    "made",
    "in",
    "Europe",
    "easy",
    "clean",
    "safe",
    "family",
    "office",
    "garden",
    "kitchen",
    "travel",
    "winter",
    "summer",
    "outdoor",
    "indoor",
    "everyday",
    "use",
]

Row = tuple[str, str, str, str, str]


# Data


def make_row(number: int) -> Row:
    """Return a product with a text of 5 to 60 words, the same for the same number."""
    rng = random.Random(number)
    kind = rng.choice(KINDS)
    name = f"{rng.choice(WORDS).title()} {kind} {number}"
    description = " ".join(rng.choices(WORDS, k=rng.randint(5, 60)))
    return (
        f"bench-{number}",
        name,
        kind,
        description,
        f"{rng.randint(100, 99999) / 100:.2f}",
    )


def base_vectors() -> np.ndarray:
    rows = [make_row(number) for number in range(BASE_TEXTS)]
    return get_backend().embed([embedding_text(*row[1:4]) for row in rows])


def make_vectors(base: np.ndarray, start: int, count: int) -> np.ndarray:
    """Return unit vectors around real embeddings, as far as like products lie apart."""
    rng = np.random.default_rng(start)
    vectors = base[rng.integers(len(base), size=count)]
    noise = rng.standard_normal(vectors.shape).astype(np.float32)
    vectors = vectors + noise * (0.6 / np.sqrt(vectors.shape[1]))
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def write_csv(path: Path, rows: int, base: np.ndarray | None = None) -> None:
    """Write a catalogue, with vectors around *base* if given."""
    fingerprint = get_backend().fingerprint
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS + (VECTOR_COLUMNS if base is not None else ()))
        for start in range(0, rows, 1000):
            numbers = range(start, min(start + 1000, rows))
            if base is None:
                writer.writerows(make_row(number) for number in numbers)
                continue
            vectors = make_vectors(base, start, len(numbers)).astype(">f4")
            for number, vector in zip(numbers, vectors, strict=True):
                binary = VECTOR_HEADER + vector.tobytes()
                writer.writerow((*make_row(number), vector_base64(binary), fingerprint))


def write_fixture(path: Path, rows: int, base: np.ndarray) -> None:
    """Write the first rows as a Django fixture, with vectors."""
    fingerprint = get_backend().fingerprint
    items = []
    for number, vector in enumerate(make_vectors(base, 0, rows)):
        sku, name, category, description, price = make_row(number)
        fields = {
            "sku": sku,
            "name": name,
            "category": category,
            "description": description,
            "price": price,
            "embedding": [round(float(value), 6) for value in vector],
            "embedding_fingerprint": fingerprint,
            "embedded_hash": text_hash(name, category, description),
        }
        items.append({"model": "products.product", "fields": fields})
    path.write_text(json.dumps(items), encoding="utf-8")


# Measuring


def say(text: str = "") -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def verdict(name: str, value: float, needed: float) -> None:
    state = "ok" if value >= needed else "MISSED"
    say(f"  => {name}: {value:.2f}, needed {needed:g}: {state}")


def empty(*, index: bool = True) -> None:
    """Empty the table, with the HNSW index or without it."""
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE products CASCADE")
    if not index:
        assert vector_index.drop_index(VECTOR, **USING)
    elif not vector_index.is_usable(VECTOR, **USING):
        vector_index.build_index(VECTOR, **USING)


def timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


class RowsOnly(CatalogImport):
    """An import without the building of the index at its end."""

    def finish(self) -> None:
        pass


def import_rows(path: Path) -> None:
    """Import in this process, without the index."""
    with open_source(str(path)) as source:
        result = RowsOnly(source).run()
    assert not (result.refused or result.stopped or result.without_vector), result


# Runs the command and tells its own peak: what wait4() tells of a child counts the
# memory of its parent at the fork.
CHILD = """
import manage
manage.main()
status = open("/proc/self/status").read()
print(status.split("VmHWM:")[1].split()[0])
"""


def import_command(path: Path, *options: str) -> tuple[float, float]:
    """Run the command in a process; return its seconds and its peak memory in MB."""
    arguments = ["import_products", str(path), "-v0", *options]
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", CHILD, *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    seconds = time.perf_counter() - started
    return seconds, int(done.stdout.split()[-1]) / 1024


# Rows


def binary_rows(rows: int, base: np.ndarray) -> list[tuple]:
    """Return what a bare COPY sends, made before the clock starts."""
    fingerprint = get_backend().fingerprint
    data = []
    for start in range(0, rows, 1000):
        count = min(1000, rows - start)
        vectors = make_vectors(base, start, count).astype(">f4")
        for number, vector in zip(range(start, start + count), vectors, strict=True):
            *texts, price = make_row(number)
            vector_bytes = VECTOR_HEADER + vector.tobytes()
            origin = (fingerprint, text_hash(*texts[1:]))
            data.append((*texts, Decimal(price), vector_bytes, *origin))
    return data


def copy_rows(table: str, data: list[tuple]) -> None:
    """Send rows by one bare binary COPY."""
    sql = (
        f"COPY {table} (sku, name, category, description, price, embedding, "
        "embedding_fingerprint, embedded_hash) FROM STDIN (FORMAT BINARY)"
    )
    with connection.cursor() as cursor, cursor.copy(sql) as copy:
        copy.set_types(["text"] * 4 + ["numeric", "bytea", "text", "text"])
        for row in data:
            copy.write_row(row)


def bench_rows(folder: Path, rows: int, loaddata_rows: int, repeat: int) -> None:
    say(f"\nRows: {rows:,} with vectors")
    base = base_vectors()
    path = folder / "rows.csv"
    write_csv(path, rows, base)
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE plain (sku text, name text, category text, description text, "
            "price numeric, embedding vector(384), embedding_fingerprint text, "
            "embedded_hash text)"
        )
    data = binary_rows(rows, base)
    plain, bare, ours = [], [], []
    for _ in range(repeat):
        with connection.cursor() as cursor:
            cursor.execute("TRUNCATE plain")
        plain.append(timed(lambda: copy_rows("plain", data)))
        empty(index=False)
        bare.append(timed(lambda: copy_rows("products", data)))
        empty()
        ours.append(timed(lambda: import_rows(path)))
    empty()
    whole, _ = import_command(path)
    show_rates(rows, min(plain), min(bare), min(ours), whole)
    verdict("rows/s of import to bare COPY, same table", min(bare) / min(ours), 0.5)
    bench_loaddata(folder, base, loaddata_rows, rows / min(ours), rows / whole)


def show_rates(rows: int, plain: float, bare: float, ours: float, whole: float) -> None:
    for name, seconds in (
        ("bare COPY, a table with no index and no generated column", plain),
        ("bare COPY, products without the HNSW index", bare),
        ("import_products from CSV, products without the HNSW index", ours),
        ("import_products from CSV, whole process, HNSW built after", whole),
    ):
        say(f"  {name:58} {rows / seconds:9,.0f} rows/s {seconds:8.1f} s")


def bench_loaddata(
    folder: Path, base: np.ndarray, rows: int, ours: float, whole: float
) -> None:
    """Compare with loaddata, which inserts into whatever indexes there are.

    It is measured on a part, in a catalogue that is empty: it only gets slower.
    """
    path = folder / "rows.json"
    write_fixture(path, rows, base)
    empty(index=False)
    without = rows / timed(lambda: call_command("loaddata", path, verbosity=0))
    empty()
    with_index = rows / timed(lambda: call_command("loaddata", path, verbosity=0))
    for name, rate in (("without", without), ("with", with_index)):
        say(
            f"  {f'loaddata, {rows:,} rows, {name} the HNSW index':58} {rate:9,.0f} rows/s"
        )
    verdict("import, rows stored, to loaddata as it runs", ours / with_index, 20)
    say(f"     both without the HNSW index: {ours / without:.1f}")
    say(f"     both to the complete HNSW index: {whole / with_index:.1f}")


# Memory


def bench_memory(folder: Path, large: int) -> None:
    say("\nMemory of the process, rows without vectors")
    peaks = []
    for rows in (10_000, large):
        path = folder / "memory.csv"
        write_csv(path, rows)
        empty()
        seconds, peak = import_command(path, "--no-embed")
        peaks.append(peak)
        say(f"  {rows:10,} rows: {peak:7.1f} MB at most, {rows / seconds:8,.0f} rows/s")
    verdict("memory at 10,000 rows to memory at the most", peaks[0] / peaks[1], 0.95)


# Texts


class BareModel:
    """The tokenizer and the ONNX session, and nothing else."""

    def __init__(self) -> None:
        self.session = onnxruntime.InferenceSession(
            str(MODEL_DIR / "model.onnx"), providers=["CPUExecutionProvider"]
        )
        self.tokenizer = Tokenizer.from_file(str(MODEL_DIR / "tokenizer.json"))
        self.tokenizer.enable_truncation(256)
        self.tokenizer.enable_padding()

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
    # On a busy machine the times above tell of the others; these do not.
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


# Index


def bench_index(sizes: Sequence[int]) -> None:
    say("\nIndex: HNSW row by row, or dropped and built after the rows")
    base = base_vectors()
    for rows in sizes:
        data = binary_rows(rows, base)
        empty()
        by_row = timed(lambda data=data: copy_rows("products", data))
        empty(index=False)
        copied = timed(lambda data=data: copy_rows("products", data))
        built = timed(lambda: vector_index.build_index(VECTOR, **USING))
        say(
            f"  {rows:8,} rows: row by row {by_row:7.1f} s, after {copied + built:7.1f} s "
            f"(of which building {built:.1f} s): {by_row / (copied + built):.1f} times"
        )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE products")
    exact = timed_exact_search()
    say(
        f"  an exact search of {rows:,} products, without any index: {exact * 1000:.0f} ms"
    )
    half_built = timed(lambda: vector_index.build_index(HALFVEC, **USING))
    full = vector_index.measure(VECTOR, **USING)
    half = vector_index.measure(HALFVEC, **USING)
    say(f"  vector : {full.size / 2**20:7.1f} MB, recall at 10 {full.recall:.3f}")
    say(
        f"  halfvec: {half.size / 2**20:7.1f} MB, recall at 10 {half.recall:.3f}, "
        f"built in {half_built:.1f} s"
    )
    vector_index.drop_index(HALFVEC, **USING)


def timed_exact_search() -> float:
    """Return the seconds of one search that reads the whole table, best of five."""
    [(vector,)] = vector_index.fetch(
        "default", "SELECT embedding::text FROM products LIMIT 1"
    )
    return min(
        timed(lambda: vector_index.neighbours(VECTOR, vector, index=False, **USING))
        for _ in range(5)
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--loaddata-rows", type=int, default=500)
    parser.add_argument("--memory-rows", type=int, default=100_000)
    parser.add_argument("--texts", type=int, default=1_000)
    parser.add_argument("--index-rows", type=int, nargs="*", default=[2_000, 10_000])
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--only", choices=["rows", "memory", "texts", "index"])
    options = parser.parse_args()
    call_command("migrate", verbosity=0, skip_checks=True)
    try:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            if options.only in (None, "rows"):
                bench_rows(folder, options.rows, options.loaddata_rows, options.repeat)
            if options.only in (None, "memory"):
                bench_memory(folder, options.memory_rows)
            if options.only in (None, "texts"):
                bench_texts(folder, options.texts, options.repeat)
            if options.only in (None, "index"):
                bench_index(options.index_rows)
    finally:
        connection.close()
        with connection._nodb_cursor() as cursor:
            cursor.execute(f"DROP DATABASE {DATABASE} WITH (FORCE)")


if __name__ == "__main__":
    main()
