"""The import of catalogue files: what is stored, kept, refused and reported."""

import base64
import csv
import io
import json
import re
import subprocess
import sys

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from products.catalog import importing
from products.catalog.importing import CatalogImport
from products.catalog.reading.source import Format, Source
from products.embeddings import EmbeddingError, get_backend
from products.embeddings.deterministic import EmbeddingBackend
from products.management import import_report
from products.models import DIMENSIONS, Judgement, Product

pytestmark = pytest.mark.django_db


def make_product(**kwargs):
    product = Product(**{"sku": "m1", "name": "Mug", "price": "1.00", **kwargs})
    product.save()
    return product


@pytest.fixture
def write(tmp_path):
    """Write a file, by default a CSV, and return its path."""

    def write_file(text, name="products.csv"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8", newline="")
        return path

    return write_file


def run(path, *options):
    """Run the command; return its output and its exit status."""
    out = io.StringIO()
    try:
        call_command("import_products", str(path), *options, stdout=out, stderr=out)
    except CommandError as err:
        return f"{out.getvalue()}{err}", err.returncode
    return out.getvalue(), 0


def rejects_of(path):
    with path.with_name(f"{path.name}.rejects.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def axis(number):
    vector = [0.0] * DIMENSIONS
    vector[number] = 1.0
    return vector


HEADER = "sku,name,category,description,price\n"


def test_new_products_are_stored_and_embedded(write):
    path = write(HEADER + 'm1,Räd,Kitchen,"two\nlines",12.50\n,No Sku,,,0\n')

    output, status = run(path)

    assert status == 0
    assert "Imported 2 products: 2 new, 0 changed, 0 unchanged. Embedded 2" in output
    mug, other = Product.objects.order_by("sku")
    assert (mug.sku, mug.name, mug.category) == ("m1", "Räd", "Kitchen")
    assert (mug.description, str(mug.price)) == ("two\nlines", "12.50")
    assert other.sku == "no-sku"
    [vector] = get_backend().embed([mug.embedding_text()])
    assert mug.embedding == pytest.approx(vector.tolist())
    assert not Product.objects.needs_embedding().exists()


def test_a_second_import_changes_nothing(write):
    path = write(HEADER + "m1,Mug,,,1\nm2,Cup,,,2.5\n")
    run(path)
    before = list(Product.objects.values())

    output, status = run(path)

    assert status == 0
    assert "0 new, 0 changed, 2 unchanged." in output
    assert list(Product.objects.values()) == before


def test_a_changed_text_is_embedded_anew_and_keeps_the_id(write):
    product = make_product()

    output, _ = run(write(HEADER + "m1,Cup,,,1\n"))

    cup = Product.objects.get()
    assert "1 changed" in output
    assert (cup.pk, cup.created_at) == (product.pk, product.created_at)
    assert cup.updated_at > product.updated_at
    assert cup.embedding != product.embedding
    assert not Product.objects.needs_embedding().exists()


def test_a_changed_price_keeps_the_vector(write, monkeypatch):
    make_product()
    before = Product.objects.get()
    monkeypatch.setattr(EmbeddingBackend, "vectors", None)  # not called

    run(write(HEADER + "m1,Mug,,,2\n"))

    after = Product.objects.get()
    assert str(after.price) == "2.00"
    assert after.embedding == before.embedding
    assert after.updated_at > before.updated_at
    assert not Product.objects.needs_embedding().exists()


def test_a_text_that_comes_back_keeps_the_vector_it_has(write, monkeypatch):
    make_product()
    Product.objects.update(name="Cup")  # by other means: the vector is stale
    monkeypatch.setattr(EmbeddingBackend, "vectors", None)  # not called

    output, _ = run(write(HEADER + "m1,Mug,,,1\n"))

    assert "1 changed" in output
    assert not Product.objects.needs_embedding().exists()


def vector_file(write, fingerprint, number=3):
    vector = base64.b64encode(np.array(axis(number), dtype="<f4").tobytes()).decode()
    return write(
        "sku,name,price,embedding,embedding_fingerprint\n"
        f"m1,Mug,1,{vector},{fingerprint}\n"
    )


def test_a_vector_of_the_file_is_taken_when_it_is_of_the_recipe(write, monkeypatch):
    monkeypatch.setattr(EmbeddingBackend, "vectors", None)  # not called
    path = vector_file(write, get_backend().fingerprint)

    output, _ = run(path)

    product = Product.objects.get()
    assert product.embedding == axis(3)
    assert "took 1 vectors from the file" in output
    assert not Product.objects.needs_embedding().exists()


def test_a_vector_of_another_recipe_is_made_anew(write):
    output, status = run(vector_file(write, "other/384/abc"))

    assert status == 0
    assert "1 vectors in the file were not used" in output
    assert Product.objects.get().embedding != axis(3)
    assert not Product.objects.needs_embedding().exists()


def test_a_vector_of_the_file_fills_a_gap_but_replaces_nothing(write):
    fresh = make_product()
    path = vector_file(write, get_backend().fingerprint)

    run(path)
    assert Product.objects.get().embedding == pytest.approx(fresh.embedding)

    Product.objects.update(embedding=None, embedding_fingerprint="", embedded_hash="")
    output, _ = run(path)
    product = Product.objects.get()
    assert product.embedding == axis(3)
    assert product.updated_at == fresh.updated_at
    assert "1 unchanged" in output


def test_unchanged_products_without_vector_get_one(write):
    make_product()
    make_product(sku="other", name="Not in the file")
    Product.objects.update(embedding=None, embedding_fingerprint="", embedded_hash="")

    output, _ = run(write(HEADER + "m1,Mug,,,1\n"))

    assert "1 unchanged. Embedded 1 texts" in output
    assert [p.sku for p in Product.objects.missing_embedding()] == ["other"]


def test_rows_are_stored_before_any_is_embedded_and_a_second_run_goes_on(
    write, monkeypatch
):
    stored, real = [], EmbeddingBackend.vectors

    def stop_at_the_second_batch(self, texts):
        stored.append(Product.objects.count())
        if len(stored) == 2:
            raise KeyboardInterrupt
        return real(self, texts)

    monkeypatch.setattr(importing, "CHUNK_ROWS", 2)
    monkeypatch.setattr(EmbeddingBackend, "batch_size", 2)
    path = write(HEADER + "".join(f"m{i},Mug {i},,,1\n" for i in range(6)))

    with monkeypatch.context() as patch:
        patch.setattr(EmbeddingBackend, "vectors", stop_at_the_second_batch)
        output, status = run(path)
    again, _ = run(path)

    assert stored == [6, 6]
    assert status == 130
    assert "Stopped. 6 products of the file are in the catalogue." in output
    assert "6 unchanged. Embedded 4 texts" in again
    assert not Product.objects.needs_embedding().exists()


# Columns that are not in the file


def lamp():
    return make_product(
        sku="PL-1", name="Desk fan", category="Home", description="Quiet", price="29.90"
    )


def columns_of(sku="PL-1"):
    product = Product.objects.get(sku=sku)
    return (product.name, product.category, product.description, str(product.price))


@pytest.mark.parametrize(
    ("name", "text", "columns"),
    [
        ("a.csv", "sku,name,price\nPL-1,Desk fan,24.90\n", ("Home", "Quiet", "24.90")),
        ("a.csv", "sku,price\nPL-1,24.90\n", ("Home", "Quiet", "24.90")),
        ("a.csv", "sku,category\nPL-1,Office\n", ("Office", "Quiet", "29.90")),
        ("a.csv", "sku,category,price\nPL-1,,24.90\n", ("", "Quiet", "24.90")),
        ("a.jsonl", '{"sku": "PL-1", "price": 24.9}', ("Home", "Quiet", "24.90")),
        ("a.json", '[{"sku": "PL-1", "price": 24.9}]', ("Home", "Quiet", "24.90")),
        ("a.json", '[{"sku": "PL-1", "category": null}]', ("", "Quiet", "29.90")),
        ("a.json", '[{"sku": "PL-1", "category": ""}]', ("", "Quiet", "29.90")),
    ],
)
def test_what_the_file_does_not_say_stays_and_an_empty_cell_empties(
    write, name, text, columns
):
    lamp()

    output, status = run(write(text, name))

    assert (status, columns_of()) == (0, ("Desk fan", *columns))
    assert "0 new, 1 changed" in output
    assert not Product.objects.needs_embedding().exists()


def test_only_what_the_file_says_counts_as_a_change(write):
    lamp()

    changed, _ = run(write("sku,price\nPL-1,24.90\n"), "--dry-run")
    unchanged, _ = run(write("sku,price\nPL-1,29.90\n"), "--dry-run")

    assert "line 2: changed  PL-1: price\n" in changed
    assert "0 changed, 1 unchanged" in unchanged


def test_a_vector_of_a_file_without_texts_is_one_of_the_stored_text(write):
    lamp()
    Product.objects.update(embedding=None, embedding_fingerprint="", embedded_hash="")
    vector = base64.b64encode(np.array(axis(3), dtype="<f4").tobytes()).decode()

    run(
        write(
            "sku,embedding,embedding_fingerprint\n"
            f"PL-1,{vector},{get_backend().fingerprint}\n"
        ),
        "--no-embed",
    )

    assert Product.objects.get().embedding == axis(3)
    assert not Product.objects.needs_embedding().exists()


def test_a_new_product_needs_what_known_ones_keep(write):
    lamp()
    path = write("sku,price\nPL-1,24.90\nPL-2,9.90\n")

    output, status = run(path)

    assert status == 1
    assert [(row["line"], row["reason"]) for row in rejects_of(path)] == [
        (
            "3",
            "sku: 'PL-2' is not in the catalogue; for a new product the file lacks name",
        )
    ]
    assert columns_of() == ("Desk fan", "Home", "Quiet", "24.90")
    assert Product.objects.count() == 1


def test_new_products_of_a_file_without_descriptions_have_none(write):
    lamp()

    run(write("sku,name,price\nPL-1,Desk fan,1\nPL-2,Lamp,2\n"))

    assert columns_of("PL-2") == ("Lamp", "", "", "2.00")
    assert columns_of() == ("Desk fan", "Home", "Quiet", "1.00")


def test_what_somebody_changes_meanwhile_stays_too(write, monkeypatch):
    lamp()
    plan = importing.plan

    def plan_and_lose_the_race(rows, **options):
        changes = plan(rows, **options)
        Product.objects.update(description="Silent")
        return changes

    monkeypatch.setattr(importing, "plan", plan_and_lose_the_race)

    run(write("sku,price\nPL-1,24.90\n"))

    assert columns_of() == ("Desk fan", "Home", "Silent", "24.90")


def test_a_product_that_is_deleted_meanwhile_is_refused(write, monkeypatch):
    lamp()
    plan = importing.plan

    def plan_and_lose_the_race(rows, **options):
        changes = plan(rows, **options)
        Product.objects.all().delete()
        return changes

    monkeypatch.setattr(importing, "plan", plan_and_lose_the_race)

    output, status = run(write("sku,price\nPL-1,24.90\n"))

    assert status == 1
    assert not Product.objects.exists()


# White space and mark-up


def test_spellings_of_one_sku_are_one_product(write):
    make_product(sku="SKU123", name="Mug")
    path = write(HEADER + 'SKU123 ,Cup,Lamps ,,1\n SKU123,Tea,,,1\n,"   ",,,1\n')

    _, status = run(path)

    assert status == 1
    product = Product.objects.get()
    assert (product.sku, product.name, product.category) == ("SKU123", "Cup", "Lamps")
    assert [(row["line"], row["reason"]) for row in rejects_of(path)] == [
        ("4", "name: This field cannot be blank."),
        ("3", "sku: 'SKU123' is on line 2 too"),
    ]


def test_a_header_with_blanks_stores_names_without(write):
    run(write("sku, name, price\nm1, Mug, 1\n"))

    assert columns_of("m1") == ("Mug", "", "", "1.00")


def test_a_product_stored_with_white_space_gets_no_second_one_beside_it(write):
    make_product(sku="m1", name="Mug")
    Product.objects.update(sku="m1 ")  # as before texts were trimmed
    path = write(HEADER + "m1 ,Cup,,,1\n")

    _, status = run(path, "--delete-missing")

    assert status == 1
    assert [p.sku for p in Product.objects.all()] == ["m1 "]
    [row] = rejects_of(path)
    assert "Save that product in the admin" in row["reason"]


def test_markup_is_neither_stored_nor_embedded_nor_found(write):
    markup = (
        '"<div style=""font-family: Arial""><p>Brews twelve cups.</p>'
        '<ul><li>&nbsp;</li></ul></div>"'
    )

    run(write(HEADER + f"m1,Coffee Maker,,{markup},1\n"))

    product = Product.objects.get()
    assert product.description == "Brews twelve cups."
    assert product.embedding_text() == "Coffee Maker. Brews twelve cups"
    assert not Product.objects.filter(search_vector="arial").exists()
    assert Product.objects.filter(search_vector="brews").exists()


# Embedding that fails


def test_when_the_model_fails_rows_are_stored_and_the_next_step_is_reported(
    write, monkeypatch
):
    def fail(self, texts):
        raise EmbeddingError("The model is gone.")

    make_product()
    monkeypatch.setattr(EmbeddingBackend, "vectors", fail)

    output, status = run(write(HEADER + "m1,Cup,,,1\nm2,Tea,,,2\n"))

    assert status == 0
    assert "The model is gone." in output
    assert "2 products are stored without the vector of their text. Run manage.py" in (
        output
    )
    assert [p.sku for p in Product.objects.stale()] == ["m1"]
    assert [p.sku for p in Product.objects.missing_embedding()] == ["m2"]


def test_a_passing_failure_costs_one_batch_only(write, monkeypatch):
    real, calls = EmbeddingBackend.vectors, []

    def fail_once(self, texts):
        calls.append(len(texts))
        if len(calls) == 1:
            raise EmbeddingError("Busy.", permanent=False)
        return real(self, texts)

    monkeypatch.setattr(EmbeddingBackend, "vectors", fail_once)
    monkeypatch.setattr(EmbeddingBackend, "batch_size", 2)
    path = write(HEADER + "".join(f"m{i},Mug,,,1\n" for i in range(5)))

    output, _ = run(path)

    assert calls == [2, 2, 1]
    assert "Embedded 3 texts" in output
    assert "2 products are stored without" in output


def test_texts_of_like_length_share_a_batch(write, monkeypatch):
    real, batches = EmbeddingBackend.vectors, []

    def note(self, texts):
        batches.append([len(text) for text in texts])
        return real(self, texts)

    monkeypatch.setattr(EmbeddingBackend, "vectors", note)
    monkeypatch.setattr(EmbeddingBackend, "batch_size", 2)
    names = ["x" * length for length in (9, 2, 8, 1)]

    run(write(HEADER + "".join(f"{name},{name},,,1\n" for name in names)))

    assert batches == [[1, 2], [8, 9]]


def test_no_embed_leaves_the_embedding_to_the_worker(write):
    output, _ = run(write(HEADER + "m1,Mug,,,1\n"), "--no-embed")

    assert Product.objects.missing_embedding().count() == 1
    assert "Run manage.py embed_products" in output


def test_bad_rows_go_to_the_rejects_file_and_the_rest_is_stored(write):
    path = write(HEADER + 'm1,Mug,,,"12,50 €"\nm2,Cup,,,2\nm3,Tea,,\n')

    output, status = run(path)

    assert status == 1
    assert "2 of 3 rows were refused." in output
    assert [p.sku for p in Product.objects.all()] == ["m2"]
    first, second = sorted(rejects_of(path), key=lambda row: int(row["line"]))
    assert (first["line"], first["row"]) == ("2", 'm1,Mug,,,"12,50 €"')
    assert first["reason"].startswith("price: '12,50 €' has a comma")
    assert second["line"] == "4"


def test_the_rejects_file_of_an_earlier_import_is_removed(write):
    run(write(HEADER + "m1,Mug,,,x\n"))
    path = write(HEADER + "m1,Mug,,,1\n")

    run(path)

    assert not path.with_name("products.csv.rejects.csv").exists()


def test_rejects_name_a_file_that_cannot_be_written(write):
    path = write(HEADER + "m1,Mug,,,x\n" * 500)

    output, status = run(path, "--rejects", "/dev/full")

    assert status == 2
    assert "The refused rows cannot be written" in output
    assert "--rejects" in output


def test_the_rejects_file_may_not_be_the_catalogue(write):
    path = write(HEADER + "m1,Mug,,,x\n")

    output, status = run(path, "--rejects", str(path))

    assert status == 2
    assert "would overwrite" in output
    assert path.exists()


def test_the_later_of_two_equal_skus_is_refused_with_the_line_of_the_first(
    write, monkeypatch
):
    monkeypatch.setattr(importing, "CHUNK_ROWS", 3)
    rows = [f"m{i},Mug {i},,,1\n" for i in range(4)]
    path = write(HEADER + "".join(rows) + "m0,Again,,,2\nn,A,,,1\nn,B,,,1\n")

    _, status = run(path, "--no-embed")

    assert status == 1
    assert Product.objects.get(sku="m0").name == "Mug 0"
    assert Product.objects.get(sku="n").name == "A"
    assert [(row["line"], row["reason"]) for row in rejects_of(path)] == [
        ("6", "sku: 'm0' is on line 2 too"),
        ("8", "sku: 'n' is on line 7 too"),
    ]


def test_a_row_the_database_refuses_is_found_and_the_others_are_stored(write):
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE products ADD CHECK (category <> 'secret')")
    rows = [f"m{i},Mug,{'secret' if i == 5 else ''},,1\n" for i in range(9)]
    path = write(HEADER + "".join(rows))

    output, status = run(path)

    assert status == 1
    assert "Imported 8 products: 8 new" in output
    assert Product.objects.count() == 8
    [row] = rejects_of(path)
    assert row["line"] == "7"
    assert "violates check constraint" in row["reason"]


def test_a_product_that_somebody_adds_meanwhile_is_updated(write, monkeypatch):
    plan = importing.plan

    def plan_and_lose_the_race(rows, **options):
        changes = plan(rows, **options)
        Product.objects.create(sku="m2", name="Somebody's mug", price=9)
        return changes

    monkeypatch.setattr(importing, "plan", plan_and_lose_the_race)
    path = write(HEADER + "m1,Mug,,,1\nm2,Kettle,,,2\n")

    _, status = run(path)

    assert status == 0
    names = dict(Product.objects.values_list("sku", "name"))
    assert names == {"m1": "Mug", "m2": "Kettle"}


def test_a_dry_run_tells_by_line_and_changes_nothing(write):
    make_product()
    make_product(sku="m2", name="Cup")
    before = list(Product.objects.values())
    path = write(
        HEADER + "m1,Mug,,,1\nm2,Tea,,,3\nm3,Pot,,,1\nm4,Pan,,,x\nm3,Pot,,,1\n"
    )

    output, status = run(path, "--dry-run", "--delete-missing")

    assert status == 1
    assert output.splitlines()[:-3] == [
        "line 5: refused  price: 'x' is not a plain number: write digits and a point "
        "only, such as 1234.50",
        "line 6: refused  sku: 'm3' is on line 4 too",
        "line 3: changed  m2: name, price",
        "line 4: new  m3: Pot",
    ]
    assert "Would import 3 products: 1 new, 1 changed, 1 unchanged; 2 refused" in output
    assert list(Product.objects.values()) == before
    assert not path.with_name("products.csv.rejects.csv").exists()


def test_a_dry_run_of_a_file_that_ends_early_claims_nothing(write):
    make_product(sku="old", name="Old")
    path = write('[{"sku": "m1", "name": "Mug", "price": 1}, {"name": "Cup', "a.json")

    output, status = run(path, "--dry-run", "--delete-missing")

    assert status == 2
    assert "Would import 1 products: 1 new" in output
    assert "Nothing would be deleted: that needs a file that is read" in output
    assert output.endswith("This was a dry run of 1 rows: nothing was changed.")
    assert "are in the catalogue" not in output
    assert [p.sku for p in Product.objects.all()] == ["old"]


def test_without_a_terminal_lines_show_the_progress(write, monkeypatch):
    monkeypatch.setattr(importing, "CHUNK_ROWS", 2)
    monkeypatch.setattr(import_report, "LINE_SECONDS", 0)
    path = write(HEADER + "".join(f"m{i},Mug {i},,,1\n" for i in range(4)))

    output, _ = run(path)
    quiet, _ = run(path, "--verbosity", "0")

    lines = [line for line in output.splitlines() if re.match(r"\d+ s: ", line)]
    assert [re.sub(r"[\d,]+/s", "N/s", line.partition(": ")[2]) for line in lines] == [
        "2 rows N/s, 0 of 2 texts N/s",
        "4 rows N/s, 0 of 4 texts N/s",
        "4 rows N/s, 4 of 4 texts N/s",
    ]
    assert " s: " not in quiet


def test_progress_is_a_line_each_ten_seconds_at_most(write, monkeypatch):
    monkeypatch.setattr(importing, "CHUNK_ROWS", 1)
    path = write(HEADER + "".join(f"m{i},Mug {i},,,1\n" for i in range(4)))

    output, _ = run(path, "--no-embed")

    assert import_report.LINE_SECONDS == 10
    assert " s: " not in output


def test_what_was_noticed_is_said_after_the_import(write):
    path = write('sku\tname\tprice\n4.00638E+12\t"A"\t1\n', "a.tsv")

    kept, _ = run(path)
    enclosed, _ = run(path, "--quoting", "csv")

    assert "Skus such as 4.00638E+12: 1, the first on line 2." in kept
    assert "a text in quotes: 1, the first is line 2." in kept
    assert "in quotes" not in enclosed
    assert Product.objects.get().name == "A"


def test_quotes_in_tsv_swallow_no_rows_and_nothing_is_deleted(write):
    for number in "123":
        make_product(sku=number, name=number)
    path = write(
        'sku\tname\tprice\tdescription\n1\tA\t1\t"Best ever\n2\tB\t2\tplain\n'
        '3\tC\t3\tquality"\n',
        "a.tsv",
    )

    _, status = run(path, "--delete-missing")

    assert status == 0
    assert dict(Product.objects.values_list("sku", "description")) == {
        "1": '"Best ever',
        "2": "plain",
        "3": 'quality"',
    }


def test_empty_rows_of_a_spreadsheet_are_no_reason_to_keep_what_is_missing(write):
    make_product(sku="old", name="Old")

    _, status = run(write("sku,name,price\nm1,Mug,1\n,,\n,,\n"), "--delete-missing")

    assert status == 0
    assert [p.sku for p in Product.objects.all()] == ["m1"]


def test_an_export_of_another_shop_is_recognised_unless_that_is_refused(write):
    path = write("id,title,price,link\n7,Mug,5 USD,https://example.com\n")

    refused, status = run(path, "--preset", "none")
    output, _ = run(path)

    assert status == 2 and "no column 'name'" in refused
    assert "read as an export of Google Merchant. Pass --preset none" in output
    assert columns_of("7") == ("Mug", "", "", "5.00")


DEEP = """
import io, resource, sys
import django
django.setup()
resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))
from products.catalog.reading.json_records import read_json_array
from products.catalog.reading.source import Format, Source, SourceError
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
source = Source(name="a.json", format=Format.JSON, raw=io.BytesIO(b"[" * 200_000))
try:
    list(read_json_array(source))
except SourceError as err:
    print(err)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


def test_deep_json_takes_no_memory_of_the_process():
    # In a process of its own: C code can take memory that tracemalloc does not see.
    done = subprocess.run(
        [sys.executable, "-c", DEEP], capture_output=True, text=True, timeout=60
    )

    message, megabytes = done.stdout.splitlines()
    assert "item 1 nests deeper than 20 levels" in message
    assert int(megabytes) < 50


def test_a_dry_run_of_many_shows_some_lines_and_counts_the_rest(write):
    path = write(HEADER + "".join(f"m{i},Mug,,,1\n" for i in range(25)))

    output, _ = run(path, "--dry-run")

    assert output.count(": new ") == 20
    assert "... and 5 more new" in output


def test_lines_of_a_file_cannot_send_escapes_to_the_terminal(write):
    output, _ = run(write(HEADER + "m1,\x1b[31mMug,,,1\n"), "--dry-run")

    assert "\x1b" not in output
    assert r"\x1b[31mMug" in output


def test_columns_can_be_mapped(write):
    path = write("Artikel;Title;text;price\nm1;Mug;round;1\n")

    _, status = run(
        path, "--delimiter", ";", "--map", "sku=Artikel", "name=title",
        "description=text",
    )  # fmt: skip

    product = Product.objects.get()
    assert status == 0
    assert (product.sku, product.name, product.description) == ("m1", "Mug", "round")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--map", "sku=Nr"], "no column 'nr', only: sku, title, price. Name the one"),
        (["--map", "name=nome"], "no column 'nome'"),
        (["--map", "name"], "Write COLUMN=NAME"),
        (["--map", "nom=title"], "Write COLUMN=NAME"),
        (["--encoding", "cp037"], "UTF-8"),
        (["--delimiter", "::"], "cannot separate columns"),
    ],
)
def test_what_cannot_be_understood_says_what_to_do(write, options, message):
    output, status = run(write("sku,title,price\nm1,Mug,1\n"), *options)

    assert status == 2
    assert message in output
    assert not Product.objects.exists()


@pytest.mark.parametrize(
    ("header", "lacks"),
    [("name", "price"), ("price", "name"), ("sku", "name"), ("sku,colour", "name")],
)
def test_a_header_that_says_nothing_about_products_is_refused(write, header, lacks):
    output, status = run(write(f"{header}\nx\n"))

    assert status == 2
    assert f"no column {lacks!r}, only: {header.replace(',', ', ')}. Name the" in output


@pytest.mark.parametrize("text", ["", "\n\n"])
def test_an_empty_file_has_no_columns(write, text):
    output, status = run(write(text))

    assert status == 2
    assert "has no column" in output


def test_standard_input_is_read(monkeypatch):
    data = io.BytesIO(b'{"name": "Mug", "price": 1.5}\n')
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(data))

    _, status = run("-", "--format", "jsonl")

    assert status == 0
    assert Product.objects.get().sku == "mug"


def test_standard_input_needs_the_format():
    assert "--format" in run("-")[0]


def test_json_objects_may_leave_out_keys(write):
    path = write('[{"name": "Mug", "price": 1}, {"price": 1}]', "products.json")

    output, status = run(path)

    assert status == 1
    assert "item 2: refused  sku: is missing, and there is no name to make" in output
    assert Product.objects.get().name == "Mug"


# Deleting


def test_delete_missing_deletes_what_is_not_in_the_file(write):
    make_product(sku="old", name="Old")

    output, _ = run(write(HEADER + "m1,Mug,,,1\n"), "--delete-missing")

    assert "1 deleted that are not in the file" in output
    assert [p.sku for p in Product.objects.all()] == ["m1"]


@pytest.mark.django_db(transaction=True)
def test_delete_missing_deletes_judged_products_too(write):
    Judgement.objects.create(query="mug", product=make_product(sku="old"), grade=1)
    kept = make_product(sku="m1", name="Mug")
    Judgement.objects.create(query="mug", product=kept, grade=1)

    output, status = run(write(HEADER + "m1,Mug,,,1\n"), "--delete-missing")

    assert (status, [p.sku for p in Product.objects.all()]) == (0, ["m1"])
    assert "1 deleted that are not in the file" in output
    assert Judgement.objects.get().product == kept


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", HEADER + "m1,Mug,,,1\nm2,Cup,,,x\n"),
        ("a.json", '[{"name": "Mug", "price": 1}, {]'),
        ("a.csv", HEADER),
    ],
    ids=["refused", "broken", "empty"],
)
def test_nothing_is_deleted_unless_the_whole_file_is_good(write, name, text):
    make_product(sku="old", name="Old")

    output, _ = run(write(text, name), "--delete-missing")

    assert Product.objects.filter(sku="old").exists()
    assert "Nothing was deleted" in output


def test_without_delete_missing_nothing_is_deleted(write):
    make_product(sku="old", name="Old")

    run(write(HEADER + "m1,Mug,,,1\n"))

    assert Product.objects.count() == 2


# Reading that ends early


def test_a_file_that_breaks_off_keeps_what_was_read(write):
    path = write('[{"name": "Mug", "price": 1}, {"name": "Cup', "products.json")

    output, status = run(path)

    assert status == 2
    assert "broken JSON after item 1" in output
    assert "1 products of the file are in the catalogue. Run the same command" in output
    assert Product.objects.get().name == "Mug"


def test_a_file_that_vanishes_while_it_is_read_keeps_what_was_read(write, monkeypatch):
    monkeypatch.setattr(importing, "CHUNK_ROWS", 10)  # at most three are read ahead
    path = write(HEADER + "".join(f"m{i},Mug,,,1\n" for i in range(100)))
    with path.open("rb", buffering=0) as file:
        job = CatalogImport(
            Source(name="a.csv", format=Format.CSV, raw=file), embed=False
        )
        job.on_progress = lambda result: path.write_text("")

        result = job.run()

    assert result.new == Product.objects.count() >= 10
    assert "changed while it was being read" in result.stopped


def test_a_full_disk_of_the_database_is_reported(write):
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS "
            "$$BEGIN RAISE EXCEPTION 'no space' USING ERRCODE = 'disk_full'; END$$"
        )
        cursor.execute(
            "CREATE TRIGGER fail BEFORE INSERT ON products EXECUTE FUNCTION fail()"
        )

    output, status = run(write(HEADER + "m1,Mug,,,1\n"))

    assert status == 2
    assert "The disk of the database is full (no space). Make room." in output


def test_a_missing_table_asks_for_migrate(write):
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE products CASCADE")

    output, status = run(write(HEADER + "m1,Mug,,,1\n"))

    assert status == 2
    assert "Run manage.py migrate first." in output


# Files that would lose something


FORGOTTEN_QUOTE = (
    'sku,name,description,price\nE1,"Lamp,,1\nE2,Mug,,2\nE3,Bowl",,3\nE4,Vase,,4\n'
)


def test_a_forgotten_quote_merges_no_rows_and_nothing_is_deleted(write):
    make_product(sku="E1", name="Lamp")
    make_product(sku="old", name="Old")
    path = write(FORGOTTEN_QUOTE)

    output, status = run(path, "--delete-missing")

    assert status == 1
    assert "Nothing was deleted" in output
    assert sorted(Product.objects.values_list("sku", "name")) == [
        ("E1", "Lamp"), ("E2", "Mug"), ("E3", 'Bowl"'), ("E4", "Vase"), ("old", "Old"),
    ]  # fmt: skip
    [row] = rejects_of(path)
    assert (row["line"], row["row"]) == ("2", 'E1,"Lamp,,1')
    assert "a quote is not closed on its line" in row["reason"]
    assert "pass --quoting csv" in row["reason"]


def test_rounded_skus_do_not_show_what_is_missing(write):
    make_product(sku="4006381333931", name="Pen")
    path = write("sku,name,price\n4.00638E+12,Pen,1\n")

    output, status = run(path, "--delete-missing")

    assert status == 0
    assert "Nothing was deleted: a spreadsheet has rounded skus" in output
    assert Product.objects.filter(sku="4006381333931").exists()


def test_a_dry_run_says_how_many_would_be_deleted(write):
    make_product(sku="old", name="Old")
    make_product(sku="m1", name="Mug")

    output, _ = run(write(HEADER + "m1,Mug,,,1\n"), "--dry-run", "--delete-missing")

    assert "1 would be deleted that are not in the file" in output
    assert Product.objects.count() == 2


@pytest.mark.parametrize("spelling", ["same", "other spelling", "link"])
def test_rejects_never_replace_the_catalogue(write, tmp_path, spelling):
    path = write(HEADER + "m1,Mug,,,wrong\n")
    rejects = {
        "same": path,
        "other spelling": tmp_path / ".." / tmp_path.name / path.name,
        "link": tmp_path / "link.csv",
    }[spelling]
    if spelling == "link":
        rejects.symlink_to(path)

    output, status = run(path, "--rejects", rejects)

    assert status == 2
    assert "would overwrite the catalogue" in output
    assert path.read_text() == HEADER + "m1,Mug,,,wrong\n"


def test_a_number_that_no_float_holds_refuses_its_row(write):
    vector = [10**400] + [0] * (DIMENSIONS - 1)
    path = write(
        f'{{"sku": "m1", "name": "Mug", "price": 1, "embedding": {vector}}}\n'
        '{"sku": "m2", "name": "Cup", "price": 1}\n',
        "products.jsonl",
    )

    _, status = run(path)

    assert status == 1
    assert [p.sku for p in Product.objects.all()] == ["m2"]
    [row] = rejects_of(path)
    assert row["reason"] == "embedding: is neither a list of numbers nor base64"


@pytest.mark.parametrize(
    ("stored", "written"),
    [("U1 ", "U1"), ("\u00a0U1", "U1"), ("Cafe\u0301", "Caf\u00e9")],
    ids=["blank", "nbsp", "accent"],
)
def test_a_tidy_sku_makes_no_second_product_beside_an_untidy_one(
    write, stored, written
):
    make_product(sku="m1", name="Mug")
    Product.objects.update(sku=stored)  # as before texts were tidied
    path = write(f"sku,name,price\n{written},Cup,1\nU2,Vase,2\n")

    _, status = run(path)

    assert status == 1
    assert sorted(Product.objects.values_list("sku", "name")) == sorted(
        [(stored, "Mug"), ("U2", "Vase")]
    )
    [row] = rejects_of(path)
    assert "manage.py tidy_texts" in row["reason"]


# JSON


def run_json(write, *records, options=()):
    lines = "".join(json.dumps(record) + "\n" for record in records)
    path = write(lines, "products.jsonl")
    output, status = run(path, *options)
    reasons = [row["reason"] for row in rejects_of(path)] if status == 1 else []
    return status, reasons


def test_keys_of_json_are_read_in_any_case(write):
    make_product(sku="m1", name="Mug")

    status, _ = run_json(
        write,
        {"SKU": "m1", "Price": 7, " Description ": "Red"},
        {"sku": "m2", "TITLE": "Cup", "price": 3},
    )
    assert status == 1  # the second has no name
    mug = Product.objects.get()
    assert (mug.name, mug.description, str(mug.price)) == ("Mug", "Red", "7.00")

    status, _ = run_json(
        write,
        {"sku": "m2", "TITLE": "Cup", "price": 3},
        options=["--map", "name=Title"],
    )
    assert status == 0
    assert Product.objects.get(sku="m2").name == "Cup"


def test_two_keys_of_one_column_are_refused(write):
    assert run_json(write, {"sku": "m1", "name": "Mug", "price": 1, "Price": 2}) == (
        1,
        ["has the column 'price' 2 times"],
    )
    assert not Product.objects.exists()


@pytest.mark.parametrize("name", ["products.jsonl", "products.json"])
def test_a_key_that_stands_there_twice_is_refused(write, name):
    record = '{"sku": "m1", "name": "Mug", "price": 1, "price": 2}'
    path = write(record if name.endswith("l") else f"[{record}]", name)

    _, status = run(path)

    assert status == 1
    assert [row["reason"] for row in rejects_of(path)] == [
        "has the column 'price' 2 times"
    ]
    assert not Product.objects.exists()


def test_a_record_of_json_that_says_nothing_is_refused(write):
    make_product(sku="m1", name="Mug")

    assert run_json(write, {"sku": "m1", "cost": 7}) == (
        1,
        ["says nothing about a product but its sku"],
    )


def test_a_record_of_json_without_a_mapped_column_is_refused(write):
    make_product(sku="m1", name="Mug")

    status, reasons = run_json(
        write,
        {"sku": "m1", "name": "Mug", "cost": 7},
        {"sku": "m1", "name": "Mug"},
        options=["--map", "price=cost"],
    )

    assert (status, reasons) == (1, ["price: the record has no key 'cost'"])
    assert str(Product.objects.get().price) == "7.00"


# Pictures

PICTURES = "sku,name,price,image\n"


def images():
    return dict(Product.objects.values_list("sku", "image"))


def test_pictures_are_stored_changed_kept_and_emptied(write):
    run(write(PICTURES + "a,A,1,https://x.example/a.jpg\nb,B,1,\nc,C,1,sample:mouse\n"))
    stored = images()
    embedded = Product.objects.values_list("embedded_hash").order_by("sku")
    before = list(embedded)

    output, _ = run(write("sku,image\na,https://x.example/2.jpg\nc,\n"), "--dry-run")
    run(write("sku,image\na,https://x.example/2.jpg\nc,\n"))
    changed = images()
    run(write("sku,price\na,2\nb,2\nc,2\n"))

    assert stored == {"a": "https://x.example/a.jpg", "b": "", "c": "sample:mouse"}
    assert "line 2: changed  a: image\n" in output
    assert changed == {"a": "https://x.example/2.jpg", "b": "", "c": ""}
    assert images() == changed
    assert list(embedded) == before  # no text has changed


def test_what_is_no_address_of_a_picture_is_refused_by_its_line(write):
    path = write(
        PICTURES
        + "a,A,1,https://x.example/a.jpg\n"
        + "b,B,1,javascript:alert(1)\n"
        + "c,C,1,https://me:secret@x.example/c.jpg\n"
    )

    _, status = run(path)

    assert status == 1
    assert list(images()) == ["a"]
    assert [
        (row["line"], row["reason"].partition(",")[0]) for row in rejects_of(path)
    ] == [
        ("3", "image: Write the whole address of a picture"),
        ("4", "image: Write the whole address of a picture"),
    ]


@pytest.mark.parametrize(
    ("hosts", "said"), [([], "3, the first on line 2"), (["x.example"], "1, the first on line 4")]
)  # fmt: skip
def test_pictures_that_no_page_shows_are_said(write, settings, hosts, said):
    settings.IMAGE_HOSTS = hosts

    output, status = run(
        write(
            PICTURES
            + "a,A,1,https://x.example/a.jpg\n"
            + "b,B,1,https://x.example/b.jpg\n"
            + "c,C,1,http://x.example/c.jpg\n"
        )
    )

    assert status == 0
    assert f"Pictures at addresses that the shop does not show: {said}." in output
