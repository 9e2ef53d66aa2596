"""The currency of all prices: code, sign, minor units, and how pages write it."""

from decimal import Decimal

import pytest
from babel.numbers import is_currency
from django.utils import translation

from products.catalog.checking import checked_price
from products.checks import check_currency
from products.currency import (
    CODES,
    DECIMALS,
    currency_code,
    from_minor_units,
    to_minor_units,
)
from products.numbers import priced
from products.templating.filters import Numbers


@pytest.mark.parametrize(
    ("sign", "code"),
    [
        ("€", "EUR"),
        (" € ", "EUR"),
        ("US$", "USD"),
        ("USD", "USD"),
        ("usd", "USD"),
        ("CHF ", "CHF"),
        ("$", None),
        ("kr", None),
        ("XYZ", None),
        ("points", None),
    ],
)
def test_a_sign_of_one_currency_alone_has_a_code(sign, code):
    assert currency_code(sign) == code


def test_the_tables_name_currencies():
    assert all(is_currency(code) for code in [*DECIMALS, *CODES.values()])


@pytest.mark.parametrize(
    ("code", "price", "amount"),
    [
        ("USD", "12.99", 1299),
        ("EUR", "0", 0),
        ("JPY", "1299", 1299),
        ("JPY", "12.50", 13),
        ("KWD", "1.25", 1250),
        ("IQD", "1.25", 1250),
        ("USD", "99999999.99", 9999999999),
    ],
)
def test_a_price_is_a_whole_number_of_minor_units(code, price, amount):
    assert to_minor_units(Decimal(price), code) == amount


def test_minor_units_are_a_price():
    assert from_minor_units(1299, "USD") == Decimal("12.99")
    assert from_minor_units(1299, "JPY") == Decimal("1299")
    assert from_minor_units(1250, "KWD") == Decimal("1.25")


@pytest.mark.parametrize(
    ("currency", "english", "german"),
    [
        ("USD", "$1,299.50", "1.299,50\xa0$"),
        ("$", "$1,299.50", "1.299,50\xa0$"),
        ("EUR", "€1,299.50", "1.299,50\xa0€"),
        ("CHF", "CHF\xa01,299.50", "1.299,50\xa0CHF"),
        ("JPY", "¥1,300", "1.300\xa0¥"),
        ("KWD", "KWD\xa01,299.500", "1.299,500\xa0KWD"),
        ("points", "points1,299.50", "1.299,50\xa0points"),
    ],
)
def test_pages_write_the_sign_of_a_code(settings, currency, english, german):
    settings.CURRENCY = currency

    for language, shown in (("en", english), ("de", german)):
        assert Numbers(language).price("1299.5") == shown
        with translation.override(language):
            assert priced(Decimal("1299.5")) == shown


@pytest.mark.parametrize(
    "written", ["$12.50", "12.50 $", "USD 12.50", "12.50", "12.50USD"]
)
def test_an_import_takes_the_code_and_its_sign(settings, written):
    settings.CURRENCY = "USD"

    assert checked_price(written) == Decimal("12.50")


def test_an_import_takes_no_sign_of_another_currency(settings):
    settings.CURRENCY = "EUR"

    assert checked_price("€12.50") == Decimal("12.50")
    with pytest.raises(ValueError, match="is not a plain number"):
        checked_price("$12.50")


@pytest.mark.parametrize("currency", ["USD", "€", "JP¥"])
def test_a_currency_with_a_code_needs_no_warning(settings, currency):
    settings.CURRENCY = currency

    assert check_currency(None) == []


@pytest.mark.parametrize("currency", ["$", "kr", "XYZ"])
def test_a_check_warns_of_a_currency_without_a_code(settings, currency):
    settings.CURRENCY = currency

    [warning] = check_currency(None)

    assert warning.id == "products.W030"
    assert f"CURRENCY={currency!r} is no code of ISO 4217" in warning.msg
    assert warning.hint == (
        "Set CURRENCY to the code of your currency, such as USD or EUR."
    )
