"""The export of products, and that its import changes nothing."""

import csv
import gzip
import io
import json
import sys
import tracemalloc

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from products.catalog import exporting
from products.models import Product
from products.plain_text import tidy
from tests.reading import run

pytestmark = pytest.mark.django_db

ODD_TEXTS = [
    "plain",
    "=1+1",
    "+49 30",
    "-5",
    "@import",
    '"',
    'a "b", c',
    "a,b;c\td",
    "a\nb",
    "a\r\nb",
    "a\rb",
    "\n",
    " a ",
    "\ufeffa",
    "\u2028",
    "\x85",
    "\x0b\x0c\x1c\x1e",
    "Räd 中文 🚲",
    "\\N",
    "null",
    "007",
    "1e5",
    "'",
    "Use &amp; and <br> in HTML",
    "A &amp;  B",
    "<p>a</p>\n\n  b",
]


@pytest.fixture
def products():
    for number, odd in enumerate(ODD_TEXTS):
        # The shop trims texts, so what is odd at their ends stands inside.
        text = odd if tidy(odd) == odd else f"x{odd}x"
        Product(
            sku=f"{number}{text}",
            name=text,
            category=text,
            description=text,
            price=f"{number}.{number:02}",
            image=f"https://shop.example/{number},2.jpg" if number % 3 else "",
        ).save(embed=number % 2 == 0)
    # Stale: its vector must not pass for one of the new text.
    Product.objects.filter(price="2.02").update(description="changed by raw SQL")
    Product.objects.filter(price="0").update(price="99999999.99")


def everything():
    return list(Product.objects.order_by("pk").values())


@pytest.mark.parametrize("options", [[], ["--with-vectors"]], ids=["", "vectors"])
@pytest.mark.parametrize(
    "name", ["a.csv", "a.tsv", "a.json", "a.jsonl", "a.csv.gz", "a.jsonl.gz"]
)
def test_the_import_of_an_export_changes_nothing(products, tmp_path, name, options):
    before = everything()
    path = tmp_path / name

    exported = run("export_products", path, *options)
    preview = run("import_products", path, "--dry-run")
    run("import_products", path, "--no-embed")

    assert f"Exported {len(ODD_TEXTS)} products" in exported
    assert f"0 new, 0 changed, {len(ODD_TEXTS)} unchanged." in preview
    assert everything() == before


@pytest.mark.parametrize("name", ["a.csv", "a.json"])
def test_an_export_with_vectors_restores_the_catalogue(products, tmp_path, name):
    path = tmp_path / name
    run("export_products", path, "--with-vectors")
    fresh = Product.objects.exclude(pk__in=Product.objects.needs_embedding())
    columns = ("sku", "name", "category", "description", "price", "image", "embedding")
    before = list(fresh.order_by("sku").values_list(*columns))
    Product.objects.all().delete()

    run("import_products", path, "--no-embed")

    assert len(before) == 12
    assert Product.objects.count() == len(ODD_TEXTS)
    assert list(fresh.order_by("sku").values_list(*columns)) == before


def test_a_stale_vector_is_not_exported(products, tmp_path):
    path = tmp_path / "a.csv"

    run("export_products", path, "--with-vectors")

    with path.open(newline="", encoding="utf-8") as file:
        rows = {row["price"]: row for row in csv.DictReader(file)}
    assert rows["2.02"]["embedding"] == rows["2.02"]["embedding_fingerprint"] == ""
    assert rows["4.04"]["embedding"]


def test_a_packed_export_is_the_same_bytes_each_time(products, tmp_path):
    run("export_products", tmp_path / "a.csv.gz")
    run("export_products", tmp_path / "b.csv.gz")

    assert (tmp_path / "a.csv.gz").read_bytes() == (tmp_path / "b.csv.gz").read_bytes()


def test_an_empty_catalogue_is_exported_as_an_empty_array(tmp_path):
    run("export_products", tmp_path / "a.json")

    assert json.loads((tmp_path / "a.json").read_text()) == []


def test_standard_output_gets_nothing_but_the_products(products, monkeypatch):
    output = io.TextIOWrapper(io.BytesIO())
    monkeypatch.setattr(sys, "stdout", output)

    call_command("export_products", "-", "--format", "jsonl")

    lines = output.buffer.getvalue().decode().splitlines(keepends=False)
    assert json.loads(lines[0])["name"] == "plain"


def test_a_failed_export_leaves_the_file_there_was(products, tmp_path, monkeypatch):
    path = tmp_path / "a.csv.gz"
    path.write_text("old")

    def fail(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(gzip.GzipFile, "write", fail)

    with pytest.raises(CommandError, match="No space left.*Nothing was exported"):
        run("export_products", path)

    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_device_is_reported(products, tmp_path):
    (tmp_path / "full.csv").symlink_to("/dev/full")

    with pytest.raises(CommandError, match="No space left"):
        run("export_products", tmp_path / "full.csv")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["a.xlsx"], "--format"),
        (["-"], "--format"),
        (["/nowhere/a.csv"], "No such file"),
    ],
)
def test_an_export_that_cannot_begin_says_what_to_do(arguments, message):
    with pytest.raises(CommandError, match=message):
        run("export_products", *arguments)


def test_an_export_without_tables_asks_for_migrate(tmp_path):
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE products CASCADE")

    with pytest.raises(CommandError, match=r"Run manage\.py migrate first\."):
        run("export_products", tmp_path / "a.csv")

    assert not list(tmp_path.iterdir())


def test_the_memory_does_not_grow_with_the_catalogue(monkeypatch):
    monkeypatch.setattr(exporting, "CHUNK_ROWS", 100)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO products (sku, name, category, description, price) "
            "SELECT i, 'Mug', '', repeat('x', 5000), 1 FROM generate_series(1, 2000) i"
        )
    tracemalloc.start()

    run("export_products", "/dev/null", "--format", "csv")

    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4_000_000  # 10 MB are exported
