"""How PostgreSQL reads the products at several sizes, and how long each way takes.

    .venv/bin/python benchmarks/plans.py

Makes catalogues of 300 to 20,000 products beside the configured database, with short,
middle and long texts, in turns with the vector's storage as pgvector has it (external: out of
the row when the row is long), as the shop sets it (main: in the row), and with
toast_tuple_target of 4,080. Prints for each, and for random_page_cost 4 and 1.1, the
scan that "similar" and the nearest products of a search get, with the median times.
"""

from __future__ import annotations

import random
import statistics
from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import partial
from itertools import product
from typing import Any

import numpy as np
from django.core.management import call_command
from django.db import connection, connections, transaction
from django.db.models import Value
from large_catalogue import ALIAS, COLUMNS, TYPES, create_database, parser, say
from pgvector.psycopg import register_vector

from products.embeddings import get_backend
from products.models import DIMENSIONS, Product
from products.quality.recall import timed
from products.search import search
from products.search.evidence import as_vector
from products.search.nearest import EF_SEARCH_FACTOR, WINDOW, iterative_scan
from products.sql.watch import Scan, explained
from products.upkeep import vector_index
from products.upkeep.vector_index import VECTOR

ROWS = [300, 1_000, 3_000, 10_000]

# Characters of a description. PostgreSQL moves the largest values out of a row of more
# than 2 kB: of a middle one the vector, of a long one the texts.
TEXTS = {"short": 50, "middle": 800, "long": 3_000}

# The statements that make a storage of the column, and of the rows.
STORAGE = {
    "external": ("EXTERNAL", 2_032),
    "main": ("MAIN", 2_032),
    "target": ("EXTERNAL", 4_080),
}
# PostgreSQL's own and the shop's.
COSTS = (4.0, 1.1)
# Each question is asked three times, and the fastest counts: others use the machine too.
SAMPLES = 15
REPEATS = 3

# Clusters, since a catalogue has them, and uniformly random vectors have none.
CLUSTERS = 400
NOISE = 0.6


def main() -> None:
    options = parser(__doc__, rows=ROWS).parse_args()
    use_database()
    say(
        "| products | texts | storage | table | random_page_cost | similar | ms "
        "| 201 nearest | ms | exact, ms | hybrid, ms |"
    )
    say("|--:|---|---|--:|--:|---|--:|---|--:|--:|--:|")
    for rows, texts, storage in product(options.rows, TEXTS, STORAGE):
        fill(rows, TEXTS[texts], *STORAGE[storage])
        for cost in COSTS:
            say(line(rows, texts, storage, cost))


def use_database() -> None:
    """Make the alias "benchmark" an empty catalogue beside the configured database."""
    settings = connection.settings_dict
    connections.settings[ALIAS] = {**settings, "NAME": f"{settings['NAME']}_plans"}
    create_database(connections.settings[ALIAS]["NAME"])
    call_command("migrate", database=ALIAS, verbosity=0)


def fill(rows: int, characters: int, storage: str, target: int) -> None:
    """Write *rows* products, then build their index and gather statistics."""
    database = connections[ALIAS]
    with database.schema_editor() as editor:
        editor.execute("TRUNCATE products CASCADE")
        editor.execute(f"DROP INDEX IF EXISTS {VECTOR.name}")
        editor.execute(f"ALTER TABLE products SET (toast_tuple_target = {target})")
        column = "ALTER TABLE products ALTER COLUMN embedding SET STORAGE"
        editor.execute(f"{column} {storage}")
    register_vector(database.connection)
    with database.cursor().cursor.copy(
        f"COPY products ({COLUMNS}) FROM STDIN (FORMAT BINARY)"
    ) as copy:
        copy.set_types(TYPES)
        for row in made(rows, characters):
            copy.write_row(row)
    memory_mb = max(64, rows * vector_index.GRAPH_BYTES // 2**20 + 1)
    vector_index.build_index(VECTOR, using=ALIAS, memory_mb=memory_mb)
    with database.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE) products")


def made(rows: int, characters: int) -> Iterator[list[Any]]:
    """Yield the rows of a catalogue, the same at each run."""
    words = random.Random(1)
    vocabulary = [
        "".join(words.choices("abcdefghijklmnopqrstuvwxyz", k=words.randint(3, 10)))
        for _ in range(5_000)
    ]
    generator = np.random.default_rng(1)
    centers = unit(generator.standard_normal((CLUSTERS, DIMENSIONS)))
    fingerprint = get_backend().fingerprint
    for number in range(rows):
        noise = unit(generator.standard_normal((1, DIMENSIONS)))[0]
        vector = unit((centers[number % CLUSTERS] + NOISE * noise)[None])[0]
        text = " ".join(words.choices(vocabulary, k=characters // 7))
        yield [
            f"sku-{number}",
            f"Product {number}",
            f"Category {number % 20}",
            text,
            Decimal(number % 1_000),
            vector.astype(np.float32),
            fingerprint,
            "",
        ]


def unit(vectors: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    scaled: np.ndarray[Any, Any] = vectors / lengths
    return scaled


def line(rows: int, texts: str, storage: str, cost: float) -> str:
    """Return what was measured of the catalogue in force, as a row of a table."""
    similar, similar_ms = measured(cost, lambda pk: list(similar_to(pk)))
    window, window_ms = measured(cost, nearest_of)
    _, exact_ms = measured(cost, lambda pk: list(similar_to(pk, exact=True)))
    _, hybrid_ms = measured(cost, hybrid)
    return (
        f"| {rows:,} | {texts} | {storage} | {table_size() // 2**20} MB | {cost} "
        f"| {similar.node} | {similar_ms:.1f} | {window.node} | {window_ms:.1f} "
        f"| {exact_ms:.1f} | {hybrid_ms:.1f} |"
    )


def measured(cost: float, ask: Callable[[int], Any]) -> tuple[Scan, float]:
    """Return the scan that a question gets, and its median milliseconds."""
    ids = list(Product.objects.using(ALIAS).values_list("pk", flat=True))
    asked = random.Random(2).sample(ids, SAMPLES)
    with transaction.atomic(using=ALIAS), connections[ALIAS].cursor() as cursor:
        cursor.execute("SELECT set_config('random_page_cost', %s, true)", [str(cost)])
        with explained(using=ALIAS) as scans:
            ask(asked[0])
        times = [
            min(timed(partial(ask, pk))[1] for _ in range(REPEATS)) for pk in asked
        ]
    return scans[0], statistics.median(times)


def similar_to(pk: int, *, exact: bool = False) -> Any:
    products = Product.objects.using(ALIAS).for_display()
    return products.similar_to(Product(pk=pk), exact=exact)[:11]


def nearest_of(pk: int) -> Any:
    """Return the 201 products nearest to one, as a search looks them up."""
    [vector] = Product.objects.using(ALIAS).filter(pk=pk).values_list("embedding")[0]
    text = "[" + ",".join(map(str, vector)) + "]"
    limit = WINDOW + 1
    nearest = Product.objects.using(ALIAS).nearest_to(as_vector(Value(text)))
    with iterative_scan(EF_SEARCH_FACTOR * limit, using=ALIAS):
        return list(nearest.values_list("pk", "category", "distance")[:limit])


def hybrid(pk: int) -> Any:
    """Return a page of results for the first words of a product's text."""
    found = Product.objects.using(ALIAS).only("name", "description").get(pk=pk)
    words = found.description.split()[:2]
    return search(" ".join(["product", *words]), using=ALIAS)


def table_size() -> int:
    """Return the bytes of the table with its toast, without its indexes."""
    with connections[ALIAS].cursor() as cursor:
        cursor.execute("SELECT pg_table_size('products')")
        [size] = cursor.fetchone()
    return int(size)


if __name__ == "__main__":
    main()
