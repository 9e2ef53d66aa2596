"""The plain reciprocal rank fusion of words and vectors, beside the shop's search."""

from __future__ import annotations

from collections.abc import Callable

from django.core.cache import cache
from django.db import connection
from pgvector import Vector

from products.embeddings import get_backend
from products.search import search
from products.search.query_vector import query_vector
from serving.figures import Figures, measure_in_turns

FUSION, SEARCH = "plain fusion", "search()"
PASSES = 3  # over all queries, at least

# As a developer would write it: two arms of 20, and a place counts 1 / (60 + place). See
# Cormack, Clarke and Büttcher, SIGIR 2009, https://doi.org/10.1145/1571941.1572114
STATEMENT = """
    WITH nearest AS (
        SELECT id, embedding <=> %(vector)s::vector AS distance
        FROM products
        ORDER BY distance
        LIMIT 20
    ), by_meaning AS (
        SELECT id, row_number() OVER (ORDER BY distance, id) AS place FROM nearest
    ), matching AS (
        SELECT id, ts_rank_cd(search_vector, query) AS score
        FROM products, plainto_tsquery('english', %(text)s) AS query
        WHERE search_vector @@ query
        ORDER BY score DESC
        LIMIT 20
    ), by_words AS (
        SELECT id, row_number() OVER (ORDER BY score DESC, id) AS place FROM matching
    ), fused AS (
        SELECT
            id,
            coalesce(1.0 / (60 + by_meaning.place), 0)
            + coalesce(1.0 / (60 + by_words.place), 0) AS score
        FROM by_meaning FULL OUTER JOIN by_words USING (id)
        ORDER BY score DESC, id
        LIMIT 10
    )
    SELECT id, sku, name, category, description, price, score
    FROM fused JOIN products USING (id)
    ORDER BY score DESC, id
"""


def measure_search(queries: list[str], *, seconds: float) -> dict[str, Figures]:
    """Return how fast the statement and the shop's search are, asked in turns.

    The vector of each query is cached for both.
    """
    asks: dict[str, Callable[[int], object]] = {
        FUSION: lambda number: fusion(queries[number % len(queries)]),
        SEARCH: lambda number: list(search(queries[number % len(queries)])),
    }
    cache.clear()
    return measure_in_turns(
        asks, seconds=seconds, warm=len(queries), least=PASSES * len(queries)
    )


def fusion(text: str) -> list[tuple[object, ...]]:
    """Return the ten best products of a text by plain fusion."""
    vector = Vector(query_vector(text, get_backend())).to_text()
    with connection.cursor() as cursor:
        cursor.execute(STATEMENT, {"vector": vector, "text": text})
        rows: list[tuple[object, ...]] = cursor.fetchall()
    return rows
