"""How many bytes a product takes, and how long its index is built: sizes.py --rows 10000.

    DB_NAME=shop .venv/bin/python benchmarks/sizes.py --rows 10000 100000

Makes a catalogue of each number of rows beside the configured one, once, from perturbed
copies of its embedded products. Prints what a product takes on disk, part by part,
builds the index anew with half precision and with vectors, and counts the pages that
PostgreSQL reads for the ten products nearest to one. docs/scaling.md reckons with these
figures.
"""

from __future__ import annotations

import time
from statistics import fmean

from large_catalogue import ALIAS, parser, say, use_large_catalogue

# isort: split
from django.db import connections, transaction

from products.models import Product
from products.sql.statements import rows
from products.upkeep import vector_index
from products.upkeep.vector_index import GRAPH_BYTES, HALFVEC, VECTOR

# The table's rows, with the maps that PostgreSQL keeps of it, and what it put elsewhere
# because a row would have been too long.
TABLE = """
SELECT pg_table_size('products') - coalesce(pg_total_relation_size(outside), 0),
       coalesce(pg_total_relation_size(outside), 0)
FROM (SELECT nullif(reltoastrelid, 0) AS outside
      FROM pg_class WHERE oid = 'products'::regclass) AS toast
"""
INDEXES = """
SELECT amname, sum(pg_relation_size(indexrelid))::bigint
FROM pg_index
JOIN pg_class ON pg_class.oid = indexrelid
JOIN pg_am ON pg_am.oid = relam
WHERE indrelid = 'products'::regclass AND amname <> 'hnsw'
GROUP BY amname
ORDER BY amname
"""
SIZE = "SELECT pg_relation_size(%s::regclass)"
NEAREST = """
EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON)
SELECT id FROM products ORDER BY embedding <=> %s::vector LIMIT 10
"""
EF_SEARCH = 100  # as the shop searches
SAMPLES = 50


def main() -> None:
    options = parser(__doc__, rows=[10_000, 100_000])
    chosen = options.parse_args()
    for count in sorted(chosen.rows):
        use_large_catalogue(rows=count, rebuild=chosen.rebuild)
        show(count)


def show(count: int) -> None:
    """Print the figures of the catalogue of so many products."""
    texts = Product.objects.using(ALIAS).values_list("name", "description")
    letters = fmean(len(name) + len(text) for name, text in texts.iterator())
    say(f"{count:,} products, {letters:.0f} letters of name and description")
    [(table, outside)] = rows(TABLE, using=ALIAS)
    say_bytes("table", table, count)
    say_bytes("outside the rows", outside, count)
    for kind, size in rows(INDEXES, using=ALIAS):
        say_bytes(f"indexes: {kind}", size, count)
    memory_mb = max(64, count * GRAPH_BYTES // 2**20 + 1)
    for name, kind in {"halfvec": HALFVEC, "vector": VECTOR}.items():
        started = time.perf_counter()
        vector_index.build_index(kind, using=ALIAS, memory_mb=memory_mb)
        seconds = time.perf_counter() - started
        [(size,)] = rows(SIZE, [kind.name], using=ALIAS)
        built = f", built in {seconds:.0f} s with {memory_mb:,} MB"
        say_bytes(f"index: hnsw, {name}", size, count, built)
    vector_index.drop_index(HALFVEC, using=ALIAS)
    say(f"  pages read for the nearest ten: {pages_read():,.0f}")


def pages_read() -> float:
    """Return how many pages PostgreSQL reads for the ten products nearest to one."""
    chosen = Product.objects.using(ALIAS).order_by("sku")[:SAMPLES]
    counts = []
    with transaction.atomic(using=ALIAS), connections[ALIAS].cursor() as cursor:
        cursor.execute(f"SET LOCAL hnsw.ef_search = {EF_SEARCH}")
        for product in chosen:
            cursor.execute(NEAREST, [list(product.embedding)])
            [[[plan]]] = cursor.fetchall()
            counts.append(
                plan["Plan"]["Shared Hit Blocks"] + plan["Plan"]["Shared Read Blocks"]
            )
    return fmean(counts)


def say_bytes(part: str, size: int, count: int, more: str = "") -> None:
    say(f"  {part:22}{size / count:8,.0f} bytes a product{more}")


if __name__ == "__main__":
    main()
