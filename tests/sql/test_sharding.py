"""Whether the products are on shards, and what can be seen of that on one server."""

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction

from products.models import Product
from products.search.on_shards import added_up, counts
from products.sql import sharding
from products.sql.sharding import CHECK, ID_OF_SKU, id_of_sku, is_sharded
from products.sql.watch import read_scan
from products.upkeep.shard_faults import tasks_of
from tests.factory import make_product

pytestmark = pytest.mark.django_db


@pytest.fixture
def asked_anew():
    sharding.forget()
    yield
    sharding.forget()


@pytest.fixture
def ids_of_skus(asked_anew):
    """The table as shards have it, on one server."""
    with connection.cursor() as cursor:
        cursor.execute(
            "ALTER TABLE products ALTER COLUMN id DROP IDENTITY; "
            "ALTER TABLE products DROP CONSTRAINT products_sku_key; "
            f"ALTER TABLE products ADD CONSTRAINT {CHECK} CHECK (id = {ID_OF_SKU})"
        )


@pytest.mark.parametrize("sku", ["a", "SKU-1", "Ä-\N{SNOWMAN}", "x" * 200])
def test_python_and_postgresql_make_the_same_id(sku):
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {ID_OF_SKU} FROM (SELECT %s) AS one (sku)", [sku])  # noqa: S608
        [made] = cursor.fetchone()

    assert id_of_sku(sku) == made
    assert 0 <= made < 2**53


def test_a_process_asks_once(asked_anew, django_assert_num_queries):
    with django_assert_num_queries(1):
        assert not is_sharded("default")
        assert not is_sharded("default")


def test_saved_products_have_the_ids_of_their_skus(ids_of_skus):
    one = make_product(sku="one")
    [two] = Product.objects.bulk_create([Product(sku="two", name="Two", price=1)])

    assert (one.pk, two.pk) == (id_of_sku("one"), id_of_sku("two"))
    with pytest.raises(IntegrityError), transaction.atomic():
        make_product(sku="one")


def test_an_import_goes_by_the_ids_of_the_skus(ids_of_skus, tmp_path):
    file = tmp_path / "products.csv"
    for price in (1, 2):
        file.write_text(f"sku,name,price\none,Lamp,{price}\n")
        call_command("import_products", str(file), verbosity=0)

    assert list(Product.objects.values_list("pk", "price")) == [(id_of_sku("one"), 2)]


def test_another_sku_with_the_same_id_is_refused(ids_of_skus, monkeypatch, tmp_path):
    make_product(sku="one", name="Lamp")
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE products DROP CONSTRAINT {CHECK}")
        cursor.execute(
            "UPDATE products SET id = %s WHERE sku = 'one'", [id_of_sku("two")]
        )
    file = tmp_path / "products.csv"
    file.write_text("sku,name,price\ntwo,Cup,1\n")

    with pytest.raises(CommandError):
        call_command("import_products", str(file), verbosity=0)

    assert Product.objects.get().name == "Lamp"


def test_an_untidy_sku_stays_as_it_is(ids_of_skus):
    product = Product.objects.bulk_create([Product(sku=" one", name=" Cup ", price=1)])
    product = Product.objects.get()

    product.save()

    assert (product.sku, product.name) == (" one", "Cup")
    with pytest.raises(CommandError):
        call_command("tidy_texts", apply=True, verbosity=0)
    assert Product.objects.get().sku == " one"


def test_each_word_is_counted():
    make_product(name="Desk lamp")
    make_product(name="Wall lamp")

    assert counts(["'lamp'", "'desk'", "'cup'"], using="default") == [2, 1, 0]


def test_a_word_that_is_common_on_one_shard_is_as_common_on_others():
    known = added_up(
        [
            {"rows": 100, "counts": {"lamp": 50, "cup": 20}},
            {"rows": 300, "counts": {"lamp": 150}},
        ]
    )

    assert known.total == 400
    assert known.counts == {"lamp": 200, "cup": 80}


def test_the_scan_of_a_shard_is_read():
    scan = {
        "Node Type": "Index Scan",
        "Relation Name": "products_102008",
        "Index Name": "products_embedding_idx_102008",
        "Actual Rows": 10,
        "Actual Loops": 1,
    }
    task = {"Remote Plan": [[{"Plan": {"Node Type": "Limit", "Plans": [scan]}}]]}
    citus = {
        "Node Type": "Custom Scan",
        "Distributed Query": {"Job": {"Tasks": [task]}},
    }
    explained = [
        {"Plan": {"Node Type": "Limit", "Plans": [citus]}, "Execution Time": 1.5}
    ]

    read = read_scan(explained)

    assert (read.node, read.index, read.rows) == (
        "Index Scan",
        "products_embedding_idx",
        10,
    )
    assert tasks_of(explained) == [task]


def test_a_server_without_citus_says_what_to_do():
    with pytest.raises(CommandError, match="CREATE EXTENSION citus"):
        call_command("shard_products", check=True)


@pytest.mark.parametrize("shards", [0, -1, 1001])
def test_a_number_of_shards_that_no_cluster_has_is_refused(shards):
    with pytest.raises(CommandError, match="--shards takes a number from 1 to 1000"):
        call_command("shard_products", shards=shards)
