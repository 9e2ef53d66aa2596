"""`loaddata` with fixtures people broke: one clear message, and nothing half written."""

import json

import pytest
from django.core.management import CommandError, call_command

from products.models import Product
from tests.factory import axis

pytestmark = pytest.mark.django_db

GOOD = {
    "sku": "good",
    "name": "Good",
    "price": "1.00",
    "embedding": axis(0),
    "embedding_fingerprint": "m/384/0",
    "embedded_hash": "0" * 32,
}


@pytest.fixture
def load(tmp_path):
    """Loads a fixture of one good row and then one with *changes*."""

    def load(**changes):
        rows = [GOOD, {**GOOD, "sku": "bad", "name": "Bad", **changes}]
        path = tmp_path / "broken.json"
        path.write_text(
            json.dumps([{"model": "products.product", "fields": row} for row in rows])
        )
        call_command("loaddata", path, verbosity=0)

    return load


def test_the_rows_the_broken_ones_are_made_from_load(load):
    load()

    assert Product.objects.count() == 2


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"embedding": [0.1] * 330}, "expected 384 dimensions, not 330"),
        ({"embedding": []}, "at least 1 dimension"),
        ({"embedding": [float("nan")] * 384}, "NaN not allowed in vector"),
        ({"embedding": [float("inf")] * 384}, "infinite value not allowed"),
        ({"embedding": [0.0] * 384}, "products_embedding_not_zero"),
        ({"embedding": ["a"] * 384}, "could not convert string to float"),
        ({"embedding": ""}, "could not convert string to float"),
        ({"embedding": 7}, "field_value was '7'"),
        ({"price": "-0.01"}, "products_price_range"),
        ({"price": "NaN"}, "must be a decimal number"),
        ({"price": float("nan")}, "must be a decimal number"),
        ({"price": "100000000"}, "overflow"),
        ({"price": None}, 'null value in column "price"'),
        ({"price": [1]}, "must be a decimal number"),
        ({"price": {}}, "must be a decimal number"),
        ({"name": ""}, "products_name_filled"),
        ({"name": None}, 'null value in column "name"'),
        ({"name": 10_000 * "x"}, "too long for type character varying(300)"),
        ({"sku": ""}, "products_sku_filled"),
        ({"sku": "a\0b"}, "NUL"),
        ({"name": "a\0b"}, "NUL"),
        ({"category": "a\0b"}, "NUL"),
        ({"description": "a\0b"}, "NUL"),
        ({"embedding_fingerprint": "a\0b"}, "NUL"),
        ({"embedded_hash": "a\0b"}, "NUL"),
        ({"name": "\ud800"}, "surrogates not allowed"),
        ({"colour": "red"}, "Product has no field named 'colour'"),
    ],
    ids=lambda value: str(value)[:40].encode("unicode_escape").decode(),
)
def test_a_broken_row_is_told_and_no_row_is_loaded(load, changes, reason):
    with pytest.raises(CommandError) as raised:
        load(**changes)

    assert str(raised.value).startswith("Nothing was loaded.")
    assert reason in str(raised.value)
    assert not Product.objects.exists()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "null",
        "7",
        "[7]",
        "[{}]",
        '[{"model": "products.product"}]',
        '[{"model": "products.product", "fields": []}]',
        '[{"model": "products.nothing", "fields": {}}]',
        '[{"model": 7, "fields": {}}]',
    ],
)
def test_a_file_that_is_not_a_fixture_is_reported(tmp_path, text):
    path = tmp_path / "broken.json"
    path.write_text(text)

    with pytest.raises(CommandError, match="Nothing was loaded|No fixture data found"):
        call_command("loaddata", path, verbosity=0)


def test_a_file_in_another_encoding_is_reported(tmp_path):
    path = tmp_path / "latin1.json"
    path.write_bytes('[{"name": "Café"}]'.encode("latin-1"))

    with pytest.raises(CommandError, match="Nothing was loaded"):
        call_command("loaddata", path, verbosity=0)


def test_a_missing_file_is_reported():
    with pytest.raises(CommandError, match="No fixture named 'nowhere'"):
        call_command("loaddata", "nowhere", verbosity=0)
