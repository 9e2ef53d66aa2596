"""A made-up catalogue, with vectors around real embeddings."""

from __future__ import annotations

import csv
import json
import random
from decimal import Decimal
from pathlib import Path

import numpy as np

from products.catalog.checking import (
    COLUMNS,
    VECTOR_COLUMNS,
    VECTOR_HEADER,
    vector_base64,
)
from products.embeddings import get_backend
from products.embeddings.text import embedding_text, text_hash

BASE_TEXTS = 500  # embedded for real; the other vectors lie around these

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
