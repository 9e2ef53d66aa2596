"""Synonyms on the command line: in, out, and suggested."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from products.models import Product, Synonym
from tests.factory import make_product

pytestmark = pytest.mark.django_db


def run(*arguments):
    out = StringIO()
    call_command(*arguments, stdout=out, stderr=StringIO())
    return out.getvalue().splitlines()


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "synonyms.csv"
    path.write_text('words,finds\n"sofa, couch",\ntv,television\n')
    return path


def stored():
    return [str(row) for row in Synonym.objects.order_by("pk")]


def test_a_dry_run_shows_what_would_be_found(file):
    Product(name="Sofa", price=1).save()

    lines = run("import_synonyms", str(file), "--dry-run")

    assert lines == [
        "sofa: 1 product; then 1 product",
        "couch: No products found; then 1 product",
        "tv: No products found; then No products found",
        f"Would import {file}: 2 new, 0 unchanged, 0 deleted.",
    ]
    assert stored() == []


def test_a_file_is_imported_and_exported(file, tmp_path):
    lines = run("import_synonyms", str(file))
    again = run("import_synonyms", str(file))
    exported = run("export_synonyms", str(tmp_path / "out.csv"))

    assert lines == [f"Imported {file}: 2 new, 0 unchanged, 0 deleted."]
    assert again == [f"Imported {file}: 0 new, 2 unchanged, 0 deleted."]
    assert exported == [f"Exported 2 synonyms to {tmp_path / 'out.csv'}."]
    assert (tmp_path / "out.csv").read_text() == file.read_text()
    assert stored() == ["sofa, couch", "tv → television"]


def test_what_is_not_in_the_file_is_deleted_when_asked(file):
    Synonym(words=["lift", "elevator"]).save()

    assert run("import_synonyms", str(file), "--delete-missing", "--dry-run")[-1] == (
        f"Would import {file}: 2 new, 0 unchanged, 1 deleted."
    )
    assert stored() == ["lift, elevator"]
    run("import_synonyms", str(file), "--delete-missing")

    assert stored() == ["sofa, couch", "tv → television"]


def test_a_refused_line_stops_the_import(file, capsys):
    file.write_text("words,finds\nlift,elevator\nsofa,\n")
    errors = StringIO()

    with pytest.raises(CommandError, match="1 refused, so nothing was imported"):
        call_command("import_synonyms", str(file), stderr=errors)

    assert errors.getvalue() == (
        "line 3: Name at least two words, or what the word also finds.\n"
    )
    assert stored() == []


def test_files_that_cannot_be_used_say_why(tmp_path):
    with pytest.raises(CommandError, match="cannot be opened"):
        run("import_synonyms", str(tmp_path / "none.csv"))
    with pytest.raises(CommandError, match="cannot be written"):
        run("export_synonyms", str(tmp_path / "none" / "out.csv"))


def test_suggestions_are_listed(settings):
    settings.EMBEDDING_BACKEND = "tests.insight.test_neighbour_words.Room"
    Product.objects.bulk_create(
        Product(sku=name, name=name, price=1) for name in ("Sofa", "Red sofa", "Couch")
    )

    assert run("suggest_synonyms") == [
        "0.950           2, 1  sofa, couch",
        "1 pairs found.",
    ]


def test_an_empty_catalogue_has_no_suggestions():
    assert run("suggest_synonyms") == ["No pairs found: the names have too few words."]


def test_a_dry_run_shows_which_searches_change(file, tmp_path):
    make_product(sku="S1", name="Sofa", embedding=None)
    make_product(sku="C1", name="Couch", embedding=None)
    Synonym.objects.create(words=["divan", "sofa"])
    queries = tmp_path / "queries.tsv"
    queries.write_text("1\tcouch\n2\tdivan\n3\tlamp\n")
    file.write_text('words,finds\n"sofa, couch",\n')

    shown = run(
        "import_synonyms",
        str(file),
        "--dry-run",
        "--delete-missing",
        "--queries",
        queries,
    )

    assert shown[-8:-1] == [
        "The first five of 2 of the 3 searches change; 1 will find nothing.",
        "  couch",
        "    now:  “Couch”",
        "    then: “Couch”, “Sofa”",
        "  divan",
        "    now:  “Sofa”",
        "    then: nothing",
    ]


def test_searches_are_looked_at_in_a_dry_run_only(file):
    with pytest.raises(CommandError, match="--queries is for --dry-run"):
        call_command("import_synonyms", str(file), queries="queries.tsv")
