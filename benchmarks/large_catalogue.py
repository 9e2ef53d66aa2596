"""A large catalogue with real embeddings, made from the products of a database.

Each row is a copy of a real product whose embedding was moved by random noise and
made of length 1 again: neighbourhoods stay those of real texts, which uniformly
random vectors do not have.
"""

# ruff: noqa: E402 - Django must be set up before its models are imported.
from __future__ import annotations

import argparse
import os
import random
import sys
import time
from collections.abc import Iterator
from decimal import Decimal
from itertools import cycle, islice
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "vectorshop.settings")

import django

django.setup()

import numpy as np
from django.core.management import call_command
from django.db import connection, connections
from pgvector.psycopg import register_vector

from products.models import Product
from products.upkeep import vector_index
from products.upkeep.vector_index import VECTOR

ALIAS = "benchmark"
ROWS = 100_000

# The length of the noise; that of an embedding is 1. A copy is at a cosine similarity
# of 1 / sqrt(1 + NOISE ** 2), about 0.94, to its original.
NOISE = 0.35

COLUMNS = (
    "sku, name, category, description, price, embedding, embedding_fingerprint, "
    "embedded_hash"
)
TYPES = ["text", "text", "text", "text", "numeric", "vector", "text", "text"]


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def parser(
    description: str | None, *, rows: int | list[int] = ROWS
) -> argparse.ArgumentParser:
    """Return the options that the benchmarks share; *rows* a list for several sizes."""
    options = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    several = {"nargs": "+"} if isinstance(rows, list) else {}
    options.add_argument(
        "--rows", type=int, default=rows, help="Default: %(default)s.", **several
    )
    options.add_argument(
        "--rebuild", action="store_true", help="Make the catalogue anew."
    )
    return options


def use_large_catalogue(*, rows: int, rebuild: bool) -> str:
    """Make the database alias "benchmark" a catalogue of *rows* products.

    The products come from the configured database (DB_NAME) and go to one beside it,
    which is named after it and the rows and is made if it does not exist. Returns its
    name.
    """
    settings = connection.settings_dict
    name = f"{settings['NAME']}_{rows}"
    connections.settings[ALIAS] = {**settings, "NAME": name}
    connections[ALIAS].close()  # from the catalogue of another size, if any
    connections[ALIAS].settings_dict["NAME"] = name
    create_database(name)
    call_command("migrate", database=ALIAS, verbosity=0)
    if rebuild or Product.objects.using(ALIAS).count() != rows:
        fill(rows)
    kept = Product.objects.using(ALIAS).embedded().count()
    say(
        f"{kept:,} products in the database {name}: copies of the products of "
        f"{settings['NAME']}, with random noise of length {NOISE} added to their "
        "embeddings, which were then made of length 1 again."
    )
    return name


def create_database(name: str) -> None:
    """Make a database on a server of one's own; the embedded engine does it itself."""
    if "embedded" in connection.settings_dict["ENGINE"]:
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
        if not cursor.fetchone():
            cursor.execute(f"CREATE DATABASE {connection.ops.quote_name(name)}")


def fill(rows: int) -> None:
    """Write the rows by COPY, then build the HNSW index, which is faster than before."""
    products = list(Product.objects.embedded().order_by("pk"))
    if not products:
        sys.exit("No product is embedded. Run manage.py embed_products.")
    say(f"Making {rows:,} rows of {len(products):,} embedded products ...")
    target = connections[ALIAS]
    started = time.perf_counter()
    with target.schema_editor() as editor:
        editor.execute("TRUNCATE products CASCADE")
        editor.execute(f"DROP INDEX IF EXISTS {VECTOR.name}")
    register_vector(target.connection)
    with target.cursor().cursor.copy(
        f"COPY products ({COLUMNS}) FROM STDIN (FORMAT BINARY)"
    ) as copy:
        copy.set_types(TYPES)
        for row in perturbed(products, rows):
            copy.write_row(row)
    loaded = time.perf_counter()
    memory_mb = max(64, rows * vector_index.GRAPH_BYTES // 2**20 + 1)
    vector_index.build_index(VECTOR, using=ALIAS, memory_mb=memory_mb)
    with target.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE products")
    say(
        f"Loaded in {loaded - started:.0f} s, indexed in "
        f"{time.perf_counter() - loaded:.0f} s."
    )


def perturbed(products: list[Product], rows: int) -> Iterator[list[Any]]:
    """Yield *rows* rows: the products, again and again, each a little different."""
    generator = np.random.default_rng(0)
    prices = random.Random(0)
    for number, product in enumerate(islice(cycle(products), rows)):
        vector = np.asarray(product.embedding, dtype=np.float32)
        noise = generator.standard_normal(len(vector)).astype(np.float32)
        moved = vector + NOISE * noise / np.linalg.norm(noise)
        factor = Decimal(str(round(prices.uniform(0.5, 1.5), 4)))
        yield [
            f"{product.sku[:180]}-{number}",
            product.name,
            product.category,
            product.description,
            round(product.price * factor, 2),
            moved / np.linalg.norm(moved),
            product.embedding_fingerprint,
            product.embedded_hash,
        ]
