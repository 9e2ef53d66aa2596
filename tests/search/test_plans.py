"""The plans PostgreSQL makes for 1,000 to 20,000 products: what an index serves."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from products.embeddings import get_backend
from products.insight.reports import near_duplicates, odd_categories
from products.models import DIMENSIONS, Product
from products.querysets import EF_SEARCH
from products.search.nearest import EF_SEARCH_FACTOR, WINDOW, iterative_scan
from products.sql.watch import explained

ROWS = 20_000
INDEX = "products_embedding_idx"

# Clusters around 200 axes: a search among vectors without any likeness, such as
# uniformly random ones, tells nothing about a catalogue.
FILL = """
INSERT INTO products (sku, name, category, description, price,
                      embedding, embedding_fingerprint, embedded_hash)
SELECT 'sku-' || n, 'Product ' || n, 'Category ' || n %% 7,
       (SELECT string_agg(substr(md5(n || ' ' || word), 1, 7), ' ')
        FROM generate_series(1, %(words)s) AS word), 1,
       (SELECT array_agg(CASE WHEN d = n %% 200 THEN 1.0
                              WHEN d IN (n %% 131, n %% 173, n %% 191) THEN 0.3
                              ELSE 0.001 END ORDER BY d)
        FROM generate_series(1, %(dimensions)s) AS d)::vector,
       %(fingerprint)s, ''
FROM generate_series(1, %(rows)s) AS n
"""


def fill(rows, *, words):
    """Make *rows* products with texts of as many words, and their index."""
    with connection.cursor() as cursor, connection.schema_editor() as editor:
        index = next(
            index
            for index in Product._meta.indexes
            if index.name == "products_embedding_idx"
        )
        # A new file: rows that other tests rolled back would make the table larger.
        cursor.execute("TRUNCATE products CASCADE")
        editor.remove_index(Product, index)  # filling first is ten times as fast
        values = {
            "rows": rows,
            "words": words,
            "dimensions": DIMENSIONS,
            "fingerprint": get_backend().fingerprint,
        }
        cursor.execute(FILL, values)
        editor.add_index(Product, index)
        cursor.execute("ANALYZE products")


@pytest.fixture
def many_products(db):
    fill(ROWS, words=1)


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
    newest = queries_of(client, "/?sort=-created_at")
    [newest] = [sql for sql in newest if "LIMIT 24" in sql]

    assert "Index Scan using products_embedding_idx" in plan_of(similar)
    assert '"products"."embedding",' not in similar.split(" FROM ")[0]
    assert "Index Scan using products_name_idx" in plan_of(page)
    assert "Index Scan using products_newest_idx" in plan_of(newest)
    assert '"embedding",' not in page
    # The plan can tell the difference: no index serves the other direction.
    assert "products_embedding_idx" not in plan_of(similar.replace("<=>", "<->"))

    for name in ("near-duplicates", "odd-categories"):
        sqls = queries_of(admin_client, f"/admin/products/product/{name}/")
        report, *_ = [sql for sql in sqls if "<=>" in sql]
        # 50 products in the order of their ids, a search by the index for each.
        assert "Index Scan using products_pkey" in plan_of(report)
        assert "Index Scan using products_embedding_idx" in plan_of(report)


# Words of seven letters: of 400 letters, of 800, where a row has no room for all, and
# of 3,000, where its texts are the largest values.
TEXTS = [
    pytest.param(5, id="short"),
    pytest.param(50, id="some hundred letters"),
    pytest.param(100, id="middle"),
    pytest.param(400, id="long"),
]


def scan_of(products):
    """How PostgreSQL reads the products of a slice."""
    with explained(using="default") as scans:
        list(products.all())  # asks anew
    [scan] = scans
    return scan


@pytest.mark.django_db
@pytest.mark.parametrize("words", TEXTS)
@pytest.mark.parametrize("rows", [1_000, 3_000])
def test_the_index_is_taken_at_every_size(rows, words):
    fill(rows, words=words)
    product = Product.objects.get(sku="sku-471")
    products = Product.objects.for_display()
    # As many as the page of a product shows, and as a search by meaning looks up.
    similar = products.similar_to(product)[:11]
    limit = WINDOW + 1
    window = products.nearest_to(product.embedding)[:limit]

    assert scan_of(similar).index == INDEX
    for report in (near_duplicates, odd_categories):
        assert f"Index Scan using {INDEX}" in plan_of_report(report)
    if rows == 3_000:  # a fifth of 1,000 are read sooner from the table
        with iterative_scan(EF_SEARCH_FACTOR * limit, using="default"):
            assert scan_of(window).index == INDEX
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL random_page_cost = 4")
            # What PostgreSQL does by itself: the line above can fail.
            assert scan_of(window).node == "Seq Scan"


def plan_of_report(report):
    with CaptureQueriesContext(connection) as queries:
        report(limit=1)
    [sql] = [query["sql"] for query in queries if "<=>" in query["sql"]]
    with iterative_scan(EF_SEARCH, using="default"):
        return plan_of(sql)


@pytest.mark.django_db
@pytest.mark.parametrize("words", TEXTS)
def test_a_vector_is_stored_in_the_row_however_long_its_text(words):
    fill(100, words=words)

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*), count(pg_column_toast_chunk_id(embedding)) FROM products"
        )
        assert cursor.fetchone() == (100, 0)
