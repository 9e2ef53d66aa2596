"""The HNSW index: row by row or after the rows, vector or halfvec."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connection

from importing.data import base_vectors, binary_rows
from importing.measuring import USING, copy_rows, empty, say, timed
from products.quality.recall import index_quality, nearest_ids
from products.sql.statements import rows
from products.upkeep import vector_index
from products.upkeep.vector_index import HALFVEC, VECTOR


def bench_index(sizes: Sequence[int]) -> None:
    say("\nIndex: HNSW row by row, or dropped and built after the rows")
    base = base_vectors()
    for size in sizes:
        data = binary_rows(size, base)
        empty()
        by_row = timed(lambda data=data: copy_rows("products", data))
        empty(index=False)
        copied = timed(lambda data=data: copy_rows("products", data))
        built = timed(lambda: vector_index.build_index(VECTOR, **USING))
        say(
            f"  {size:8,} rows: row by row {by_row:7.1f} s, after {copied + built:7.1f} s "
            f"(of which building {built:.1f} s): {by_row / (copied + built):.1f} times"
        )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE products")
    exact = timed_exact_search()
    say(
        f"  an exact search of {size:,} products, without any index: {exact * 1000:.0f} ms"
    )
    half_built = timed(lambda: vector_index.build_index(HALFVEC, **USING))
    full = index_quality(VECTOR, **USING)
    half = index_quality(HALFVEC, **USING)
    say(f"  vector : {full.size / 2**20:7.1f} MB, recall at 10 {full.recall:.3f}")
    say(
        f"  halfvec: {half.size / 2**20:7.1f} MB, recall at 10 {half.recall:.3f}, "
        f"built in {half_built:.1f} s"
    )
    vector_index.drop_index(HALFVEC, **USING)


def timed_exact_search() -> float:
    """Return the seconds of one search that reads the whole table, best of five."""
    [(vector,)] = rows("SELECT embedding::text FROM products LIMIT 1", **USING)
    return min(
        timed(lambda: nearest_ids(VECTOR, vector, index=False, **USING))
        for _ in range(5)
    )
