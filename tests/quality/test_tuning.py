"""tune_search: recall and latency of the index against the exact scan."""

import json
import random
from io import StringIO

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from products.embeddings import get_backend
from products.models import DIMENSIONS, Product
from products.quality import recall, tuning
from products.quality.tuning import Bucket, Measurement, price_ranges, tune
from products.search import Filters
from tests.factory import make_product

ROWS = 1_000


@pytest.fixture(scope="module")
def vectors():
    """Forty clusters, which an index finds its way through."""
    generator = np.random.default_rng(0)
    centres = generator.standard_normal((40, DIMENSIONS))
    noise = generator.standard_normal((ROWS, DIMENSIONS))
    return np.repeat(centres, ROWS // 40, axis=0) + 0.5 * noise


@pytest.fixture
def catalogue(db, vectors):
    """A thousand products at the prices 1 to 1,000."""
    Product.objects.bulk_create(
        Product(
            sku=f"p-{number}",
            name="Product",
            price=number + 1,
            embedding=vector.tolist(),
            embedding_fingerprint=get_backend().fingerprint,
        )
        for number, vector in enumerate(vectors)
    )
    with connection.cursor() as cursor:
        # Without what other tests left in it.
        cursor.execute("REINDEX INDEX products_embedding_idx")


def run(*arguments):
    out = StringIO()
    call_command("tune_search", *arguments, stdout=out, stderr=StringIO())
    return out.getvalue()


def bucket(*recalls):
    """A bucket with these recalls at ef_search 10, 20, 40 and so on."""
    hnsw = [
        Measurement(10 * 2**step, recall, 1.0, 1.0)
        for step, recall in enumerate(recalls)
    ]
    return Bucket(1.0, 1.0, 5.0, hnsw, hnsw[0])


@pytest.mark.parametrize(
    ("recalls", "smallest"),
    [
        ((0.90, 0.95, 0.99), 20),
        ((0.96, 0.97, 0.99), 10),
        ((0.80, 0.90, 0.94), None),
        ((0.96, 0.94, 0.99), 40),
    ],
    ids=["second", "first", "none", "lucky dip"],
)
def test_the_smallest_setting_stays_at_the_target(recalls, smallest):
    assert bucket(*recalls).smallest(0.95) == smallest


def test_a_range_of_prices_keeps_its_share(catalogue):

    ranges = price_ranges(0.1, 30, random.Random(0), using="default")

    kept = [filters.narrow(Product.objects.all()).count() for filters in ranges]
    assert len({filters.min_price for filters in ranges}) > 20
    assert all(99 <= count <= 102 for count in kept)
    assert price_ranges(1.0, 2, random.Random(0), using="default") == [Filters()] * 2


def test_the_index_is_measured_against_the_exact_scan(catalogue):
    whole, tenth = tune([1.0, 0.1], samples=8, ef_search=[10, 800], using="default")

    assert (whole.share, tenth.share) == (1.0, pytest.approx(0.1, abs=0.005))
    assert [found.ef_search for found in whole.hnsw] == [10, 800]
    # Nearly the whole catalogue is looked at: nothing can be missed.
    assert whole.hnsw[1].recall == tenth.hnsw[1].recall == 1.0
    assert 0.5 < whole.hnsw[0].recall <= 1.0
    assert tenth.hnsw[1].full == 1.0
    assert (tenth.planned.method, tenth.planned.recall) == ("exact", 1.0)
    assert min(whole.exact_ms, whole.hnsw[0].milliseconds) > 0


def test_recall_falls_where_neighbours_are_missed(catalogue, monkeypatch):
    lookup = tuning.lookup

    def forgetful(*arguments, exact=False):
        found = lookup(*arguments, exact=exact)
        return found if exact else lambda: found()[:5]

    monkeypatch.setattr(tuning, "lookup", forgetful)

    [whole] = tune([1.0], samples=4, ef_search=[800], using="default")

    assert (whole.hnsw[0].recall, whole.hnsw[0].full) == (0.5, 0.0)


def setting(name):
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting(%s)", [name])
        return cursor.fetchone()[0]


def test_each_setting_is_in_force_while_it_is_measured(catalogue, monkeypatch):
    timed, seen = recall.timed, []

    def watched(function):
        result = timed(function)
        if setting("enable_sort") == "off":  # HNSW is measured
            seen.append(setting("hnsw.ef_search"))
        return result

    monkeypatch.setattr(recall, "timed", watched)

    tune([1.0], samples=2, ef_search=[10, 400], using="default")

    assert seen == ["10", "10", "400", "400"]
    assert setting("enable_sort") == "on"


def test_a_missing_index_is_told(catalogue):
    with connection.cursor() as cursor:
        cursor.execute("DROP INDEX products_embedding_idx")

    with pytest.raises(CommandError, match="does not use the index products_embed"):
        run("--samples", "2", "--filter", "none")


def test_the_command_tells_and_draws(catalogue, tmp_path, monkeypatch):
    monkeypatch.setattr(
        tune, "__kwdefaults__", {**tune.__kwdefaults__, "ef_search": (10, 800)}
    )
    picture = tmp_path / "tuning.svg"

    output = run(
        "--samples", "3", "--filter", "none", "--filter", "10", "--plot", str(picture)
    )

    assert "1,000 embedded products, 3 questions a filter." in output
    assert "Filter none: " in output
    assert "Filter 10 % (kept 10 %): " in output
    assert "planned: exact" in output
    assert f"Drew {picture}." in output
    assert picture.read_text().startswith("<svg xmlns=")


def test_the_json_has_the_keys_of_the_help(catalogue):
    report = json.loads(run("--samples", "2", "--filter", "5", "--json"))

    [measured] = report["buckets"]
    assert (report["products"], report["samples"]) == (1000, 2)
    assert measured.keys() == {
        *("filter", "share", "exact_ms", "smallest_ef_search", "planned", "hnsw"),
    }
    assert [found["ef_search"] for found in measured["hnsw"]] == list(tuning.EF_SEARCH)
    assert measured["hnsw"][0].keys() == {
        *("ef_search", "method", "recall", "full", "milliseconds"),
    }


@pytest.mark.django_db
def test_a_small_catalogue_is_told():
    make_product()

    with pytest.raises(CommandError, match="1 product is embedded; tuning needs 1,000"):
        run()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--target-recall", "0"], "over 0, up to 1"),
        (["--target-recall", "1.1"], "over 0, up to 1"),
        (["--target-recall", "nan"], "over 0, up to 1"),
        (["--samples", "0"], "from 1 to 10,000"),
        (["--filter", "0"], "neither none nor a percentage"),
        (["--filter", "100"], "neither none nor a percentage"),
        (["--filter", "some"], "neither none nor a percentage"),
        (["--plot", "picture.png"], "ends in .svg"),
        (["--plot", "nowhere/picture.svg"], "no folder nowhere"),
    ],
)
def test_tune_search_tells_what_is_wrong(arguments, reason):
    with pytest.raises(CommandError, match=reason):
        run(*arguments)
