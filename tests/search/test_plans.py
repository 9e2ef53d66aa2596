"""The plans PostgreSQL makes for 20,000 products: what an index serves."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from products.embeddings import get_backend
from products.models import DIMENSIONS, Product

ROWS = 20_000

# Clusters around 200 axes: a search among vectors without any likeness, such as
# uniformly random ones, tells nothing about a catalogue.
FILL = """
INSERT INTO products (sku, name, category, description, price,
                      embedding, embedding_fingerprint, embedded_hash)
SELECT 'sku-' || n, 'Product ' || n, 'Category ' || n %% 7, '', 1,
       (SELECT array_agg(CASE WHEN d = n %% 200 THEN 1.0
                              WHEN d IN (n %% 131, n %% 173, n %% 191) THEN 0.3
                              ELSE 0.001 END ORDER BY d)
        FROM generate_series(1, %(dimensions)s) AS d)::vector,
       %(fingerprint)s, ''
FROM generate_series(1, %(rows)s) AS n
"""


@pytest.fixture
def many_products(db):
    with connection.cursor() as cursor, connection.schema_editor() as editor:
        index = next(
            index
            for index in Product._meta.indexes
            if index.name == "products_embedding_idx"
        )
        editor.remove_index(Product, index)  # filling first is ten times as fast
        cursor.execute(
            FILL,
            {
                "rows": ROWS,
                "dimensions": DIMENSIONS,
                "fingerprint": get_backend().fingerprint,
            },
        )
        editor.add_index(Product, index)
        cursor.execute("ANALYZE products")


def queries_of(client, url):
    """The SQL of a page's queries, as they were sent."""
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert client.get(url).status_code == 200
    return [query["sql"] for query in queries]


def plan_of(sql):
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {sql}")
        return "\n".join(line for (line,) in cursor.fetchall())


def test_the_pages_queries_use_their_indexes(client, admin_client, many_products):
    product = Product.objects.get(sku="sku-4711")

    [similar] = [
        sql for sql in queries_of(client, product.get_absolute_url()) if "<=>" in sql
    ]
    [page] = [sql for sql in queries_of(client, "/") if "LIMIT 24" in sql]

    assert "Index Scan using products_embedding_idx" in plan_of(similar)
    assert '"products"."embedding",' not in similar.split(" FROM ")[0]
    assert "Index Scan using products_name_idx" in plan_of(page)
    assert '"embedding",' not in page
    # The plan can tell the difference: no index serves the other direction.
    assert "products_embedding_idx" not in plan_of(similar.replace("<=>", "<->"))

    for name in ("near-duplicates", "odd-categories"):
        sqls = queries_of(admin_client, f"/admin/products/product/{name}/")
        [report] = [sql for sql in sqls if "<=>" in sql]
        # 500 products in the order of their ids, a search by the index for each.
        assert "Index Scan using products_pkey" in plan_of(report)
        assert "Index Scan using products_embedding_idx" in plan_of(report)
