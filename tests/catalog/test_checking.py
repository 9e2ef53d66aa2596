"""Rows out of records: the model's rules, prices as written, vectors that can be used."""

import base64
import json
import math
import struct
from decimal import Decimal

import numpy as np
import pytest

from products.catalog.checking import COLUMNS, VECTOR_COLUMNS, Row, make_row
from products.catalog.reading.records import Record, Refusal
from products.models import DIMENSIONS, Product

COLUMN_NAMES = {name: name for name in (*COLUMNS, *VECTOR_COLUMNS)}
RECIPE = "model/384/abc"


def row_of(**fields):
    fields = {"sku": "m1", "name": "Mug", "price": "1", **fields}
    return make_row(Record(7, fields, "raw"), COLUMN_NAMES, fingerprint=RECIPE)


def vector_of(value, recipe=RECIPE):
    return row_of(embedding=value, embedding_fingerprint=recipe)


def binary(numbers):
    return struct.pack(f">HH{DIMENSIONS}f", DIMENSIONS, 0, *numbers)


AXIS = [1.0] + [0.0] * (DIMENSIONS - 1)


@pytest.mark.parametrize(
    ("written", "price"),
    [
        ("12.50", "12.50"),
        ("12.5", "12.50"),
        (" 7 ", "7.00"),
        ("0", "0.00"),
        ("12.500", "12.50"),
        ("99999999.99", "99999999.99"),
        (12, "12.00"),
        (12.5, "12.50"),
        (0.1, "0.10"),
        ("+3", "3.00"),
        (".99", "0.99"),
        ("5.", "5.00"),
        (".5", "0.50"),
        ("$12.50", "12.50"),
        ("12.50 $", "12.50"),
    ],
)
def test_a_plain_price_is_taken_exactly(written, price):
    assert row_of(price=written).price == Decimal(price)


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("1.234,50", "has a comma: write it with a point"),
        ("12,50 €", "has a comma: write it with a point"),
        (".", "is not a plain number"),
        ("€12.50", "is not a plain number"),
        ("12.50 €", "is not a plain number"),
        ("12.50 $ each", "is not a plain number"),
        ("1 234.50", "is not a plain number"),
        ("NaN", "is not a number"),
        ("-Infinity", "is not a number"),
        (math.nan, "is not a number"),
        ("1e3", "is not a plain number"),
        ("١٢", "is not a plain number"),
        ("12.345", "2 decimal places"),
        ("-1", "greater than or equal to 0"),
        ("100000000", "8 digits"),
        ("9" * 400, "digits"),
        ("", "is missing"),
        (None, "is missing"),
        (True, "true or false, not a number"),
        ({"amount": 1}, "an object, not a number"),
    ],
)
def test_a_price_that_could_be_misread_is_refused_with_the_reason(written, reason):
    refusal = row_of(price=written)

    assert isinstance(refusal, Refusal)
    assert refusal.reason.startswith("price: ")
    assert reason in refusal.reason
    assert (refusal.line, refusal.raw) == (7, "raw")


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"name": ""}, "name: This field cannot be blank."),
        ({"name": None}, "name: This field cannot be blank."),
        ({"name": "x" * 301}, "name: Ensure this value has at most 300 characters"),
        ({"sku": "x" * 201}, "sku: Ensure this value has at most 200 characters"),
        ({"description": "x" * 20_001}, "description: Ensure this value has at most"),
        ({"name": {"en": "Mug"}}, "name: is an object, not a text"),
        ({"category": ["a"]}, "category: is an array, not a text"),
        ({"name": "a\0b"}, "name: has a NUL character"),
        ({"name": "a\ud800"}, "name: has half of a surrogate pair"),
    ],
)
def test_a_text_the_model_would_refuse_is_refused(fields, reason):
    assert row_of(**fields).reason.startswith(reason)


def test_limits_are_those_of_the_model():
    longest = {"sku": "s" * 200, "name": "n" * 300, "description": "d" * 20_000}

    row = row_of(**longest)

    assert isinstance(row, Row)
    Product(**longest, price=row.price).clean_fields()


def test_texts_are_kept_as_they_are_but_for_white_space_around_them():
    row = row_of(name="  Räd\r\n=1+1 ", sku=1001, description=None)

    assert (row.name, row.sku, row.description) == ("Räd\r\n=1+1", "1001", "")


@pytest.mark.parametrize("around", [" ", "\t", "\u00a0", "\u200b", "\ufeff", "\u3000 "])
def test_white_space_around_a_text_is_trimmed(around):
    row = row_of(sku=f"{around}S 1{around}", name=f"M{around}", category=f"{around}L")

    assert (row.sku, row.name, row.category) == ("S 1", "M", "L")


@pytest.mark.parametrize("blank", [" ", "\u00a0", "\u200b\ufeff", "<p>&nbsp;</p>"])
def test_a_name_of_blanks_is_refused(blank):
    assert row_of(name=blank).reason == "name: This field cannot be blank."


def test_letters_with_separate_accents_become_one_letter():
    row = row_of(sku="Cafe\u0301", name="A\u0308ra")

    assert (row.sku, row.name) == ("Caf\u00e9", "\u00c4ra")


def test_html_becomes_its_text():
    row = row_of(
        name="Tom &amp; Jerry",
        category="Home &amp; Garden",
        description="<div style='x'><p>Brews <b>twelve</b> cups.</p><p>Red</p></div>",
        sku="<b>1</b>",
    )

    assert (row.name, row.category) == ("Tom & Jerry", "Home & Garden")
    assert row.description == "Brews twelve cups.\nRed"
    assert row.sku == "<b>1</b>"


def test_html_that_would_take_too_long_is_refused():
    assert row_of(description="<div>" * 200).reason == (
        "description: the HTML is too long or nested too deeply; write plain text"
    )


def test_a_missing_sku_is_made_from_the_name():
    assert row_of(sku="", name="Räd 5 XL").sku == "rad-5-xl"


@pytest.mark.parametrize(
    "written",
    [
        AXIS,
        json.dumps(AXIS),
        base64.b64encode(np.array(AXIS, dtype="<f4").tobytes()).decode(),
    ],
    ids=["list", "text", "base64"],
)
def test_a_vector_of_the_recipe_is_taken_in_any_spelling(written):
    assert vector_of(written).vector == binary(AXIS)


@pytest.mark.parametrize("recipe", ["model/384/other", "", None])
def test_a_vector_of_another_or_no_recipe_is_not_used(recipe):
    row = vector_of(AXIS, recipe)

    assert row.vector is None
    assert row.foreign_vector


def test_a_vector_of_another_recipe_may_have_another_length():
    assert vector_of([1.0] * 1536, "large/1536/abc").foreign_vector


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ([1.0, 2.0], "has 2 numbers instead of 384"),
        (base64.b64encode(b"\0" * 8).decode(), "has 2 numbers instead of 384"),
        ([0.0] * DIMENSIONS, "is the zero vector"),
        ([1e-40] * DIMENSIONS, "is the zero vector"),
        ([math.nan] * DIMENSIONS, "NaN"),
        ([math.inf] * DIMENSIONS, "infinite"),
        ([1e300] * DIMENSIONS, "far too large"),
        ([AXIS], "nested lists"),
        ("[1, 2", "neither a list of numbers nor base64"),
        ("not base64!", "neither a list of numbers nor base64"),
        ("abcd" + "=", "neither a list of numbers nor base64"),
        (["1"] * DIMENSIONS, "neither a list of numbers nor base64"),
        ([None] * DIMENSIONS, "NaN"),
        ([[1], 2], "neither a list of numbers nor base64"),
        ({"a": 1}, "neither a list of numbers nor base64"),
        (7, "neither a list of numbers nor base64"),
    ],
)
def test_a_vector_that_cannot_be_used_is_refused(written, reason):
    refusal = vector_of(written)

    assert isinstance(refusal, Refusal)
    assert reason in refusal.reason


@pytest.mark.parametrize(
    ("written", "image"),
    [
        (None, ""),
        ("", ""),
        (" https://shop.example/lamp.jpg ", "https://shop.example/lamp.jpg"),
        ("sample:headphones", "sample:headphones"),
    ],
)
def test_the_address_of_a_picture_is_taken(written, image):
    assert row_of(image=written).image == image


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("javascript:alert(1)", "image: Write the whole address"),
        ("https://user:secret@shop.example/a.jpg", "image: Write the whole address"),
        ("https://shop.example/a\nb.jpg", "image: Write the whole address"),
        ("https://shop.example/a\0.jpg", "image: has a NUL character"),
        ("https://shop.example/" + 281 * "x", "at most 300 characters"),
        ("sample:unicorn", "image: There is no such sample picture"),
        (["https://shop.example/a.jpg"], "image: is an array, not a text"),
        (False, "image: is true or false, not a text"),
    ],
)
def test_what_is_no_address_of_a_picture_is_refused(written, reason):
    refusal = row_of(image=written)

    assert isinstance(refusal, Refusal)
    assert reason in refusal.reason
    assert refusal.line == 7
