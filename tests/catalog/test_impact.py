"""`import_products --dry-run --impact`: which searches the rows of a file change."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from products.catalog.impact import ChangedRows, impact_of_import
from products.catalog.importing import CatalogImport
from products.catalog.reading.source import open_source
from products.models import Product
from products.quality.impact import Queries
from products.search import search
from tests.factory import make_product
from tests.search_log.logs import searched

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def shop():
    """Three products that are found by their words alone."""
    for sku, name in [("L1", "Lamp"), ("L2", "Red lamp"), ("C1", "Chair")]:
        make_product(sku=sku, name=name, price="5", embedding=None)


@pytest.fixture
def queries(tmp_path):
    path = tmp_path / "queries.tsv"
    path.write_text("1\tlamp\n2\tchair\n3\tstool\n4\ttable\n")
    return path


@pytest.fixture
def run(tmp_path):
    """A function that runs the dry run of a file and returns what it says of searches."""

    def run(text, *options):
        path = tmp_path / "products.csv"
        path.write_text(text)
        output = StringIO()
        call_command(
            *("import_products", path, "--dry-run", "--impact", "--no-embed"),
            *options,
            stdout=output,
        )
        lines = output.getvalue().splitlines()
        start = next(n for n, line in enumerate(lines) if line.startswith("The first"))
        return lines[start:-1]

    return run


@pytest.mark.usefixtures("shop")
def test_new_changed_and_unchanged_rows(run, queries):
    before = list(Product.objects.order_by("pk").values())

    lines = run(
        "sku,name,price\nL1,Lamp,7\nC1,Stool,5\nL3,Blue lamp,5\n", "--queries", queries
    )

    assert lines == [
        "The first five of 3 of the 4 searches change; 1 will find nothing.",
        "  lamp",
        "    now:  “Lamp”, “Red lamp”",
        "    then: “Lamp”, “Red lamp”, “Blue lamp”",
        "  chair",
        "    now:  “Chair”",
        "    then: nothing",
        "  stool",
        "    now:  nothing",
        "    then: “Stool”",
    ]
    assert list(Product.objects.order_by("pk").values()) == before


@pytest.mark.usefixtures("shop")
def test_what_is_not_in_the_file_goes(run, queries):
    lines = run("sku,name,price\nL1,Lamp,5\n", "--delete-missing", "--queries", queries)

    assert lines == [
        "The first five of 2 of the 4 searches change; 1 will find nothing.",
        "  lamp",
        "    now:  “Lamp”, “Red lamp”",
        "    then: “Lamp”",
        "  chair",
        "    now:  “Chair”",
        "    then: nothing",
    ]


def test_the_searches_are_afterwards_what_was_said_before(tmp_path):
    """The import is made after its dry run: new, changed, deleted; vectors as well."""
    for sku, name in [("A", "red sofa"), ("B", "blue sofa bed"), ("C", "sofa")]:
        make_product(sku=sku, name=name)
    call_command("embed_products", verbosity=0)
    path = tmp_path / "products.csv"
    path.write_text(
        "sku,name,price,description\n"
        "A,red chair,5,\nC,sofa,6,\nD,bed,7,for a sofa\nE,red bed,8,\n"
    )
    queries = Queries(["sofa", "red", "bed", "red bed sofa", "blue"], frequent=False)
    changed = ChangedRows(most=100)

    def job(**options):
        with open_source(str(path)) as source:
            job = CatalogImport(
                source, delete_missing=True, most_missing=100, **options
            )
            job.on_change = changed.add
            return job.run()

    result = job(dry_run=True)
    impact = impact_of_import(changed, result, queries, using="default", seconds=60)
    said = {change.text: change.after for change in impact.changed}
    job()

    assert set(said) == {"sofa", "red", "bed", "red bed sofa", "blue"}
    for text, after in said.items():
        now = [hit.product.sku for hit in search(text, page_size=5)]
        assert [found.sku for found in after] == now


@pytest.mark.usefixtures("shop")
def test_only_so_many_rows_are_looked_at(run, queries, monkeypatch):
    command = "products.management.commands.import_products"
    monkeypatch.setattr(f"{command}.MOST_CHANGED", 1)
    monkeypatch.setattr(f"{command}.MOST_MISSING", 1)

    lines = run(
        "sku,name,price\nS1,Stool,5\nS2,Stool two,5\n",
        "--delete-missing",
        "--queries",
        queries,
    )

    assert "    then: “Stool”" in lines
    assert lines[-2:] == [
        "Looked at the first 1 rows that change something; 1 more were left out.",
        "Looked at 1 of 3 products that are deleted.",
    ]


@pytest.mark.usefixtures("shop")
def test_the_searches_of_the_log_are_looked_at(run, settings):
    settings.SEARCH_LOG = True
    searched("lamp", visitor="anna")
    searched("lamp", visitor="ben")
    searched("chair", visitor="ben")

    lines = run("sku,name,price\nL3,Blue lamp,5\n")

    assert lines[0] == (
        "The first five of 1 of your 2 most frequent searches change; 0 will find "
        "nothing."
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--impact"], "--impact is for --dry-run"),
        (["--queries", "queries.tsv"], "--queries is for --impact"),
        (["--dry-run", "--impact"], "Name a file of them with --queries"),
        (["--dry-run", "--impact", "--queries", "missing.tsv"], "missing.tsv"),
    ],
)
def test_what_is_missing_is_told_before_the_file_is_read(options, message):
    with pytest.raises(CommandError, match=message):
        call_command("import_products", "nowhere.csv", *options)
