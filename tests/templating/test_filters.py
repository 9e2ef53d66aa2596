"""How the pages show numbers, bars, long texts, statements and addresses."""

import itertools
from decimal import Decimal

import pytest
from django.http import QueryDict
from django.template import engines
from django.template.defaultfilters import truncatechars
from django.utils import translation
from django.utils.formats import number_format

from products.numbers import priced
from products.templating.filters import (
    Numbers,
    changed_address,
    formatted_sql,
    percent,
    readable_sql,
    shortened,
)
from tests.factory import make_product


@pytest.mark.parametrize(
    ("language", "shown"),
    [
        ("en", "$1,299.50"),
        ("de", "1.299,50\xa0$"),
        ("en-in", "$1,299.50"),
        ("xx", "$1299.50"),
    ],
)
def test_a_price_is_written_as_the_visitor_writes_numbers(language, shown):
    assert Numbers(language).price(Decimal("1299.5")) == shown


def test_the_currency_is_a_setting(settings):
    settings.CURRENCY = "€ "

    assert Numbers("en").price("3") == "€ 3.00"
    assert Numbers("de").price("3") == "3,00\xa0€"
    assert Numbers("nl").price("3") == "€\xa03,00"


def test_a_message_writes_a_price_as_the_pages_do():
    for language in ("en", "de"):
        with translation.override(language):
            assert priced(Decimal("1299.5")) == Numbers(language).price("1299.5")


def test_numbers_are_grouped_and_rounded():
    number = Numbers("en").number

    assert (number(12345.678, 1), number(0)) == ("12,345.7", "0")


@pytest.mark.parametrize("separated", [False, True])
@pytest.mark.parametrize("language", ["en", "de", "fr", "en-in", "hi", "ja"])
def test_numbers_are_those_of_django(language, separated, settings):
    settings.USE_THOUSAND_SEPARATOR = separated
    values = [0, 7, -1234, 10**9, 0.5, 2.5, -0.125, 1234567.891, 1e-7, -1e-7, 1e16]
    values += [Decimal("99999999.99"), Decimal("-0.00"), Decimal("0.5")]

    with translation.override(language):
        for value, digits in itertools.product(values, [0, 1, 2, 4]):
            rounded = round(Decimal(value), digits)  # as a float it could be -0.0
            expected = number_format(rounded, digits, force_grouping=True)
            assert Numbers(language).number(value, digits) == expected


def test_what_rounds_to_nothing_has_no_sign():
    for language in ("en", "hi"):
        assert Numbers(language).number(-0.00001, 4) == "0.0000"


@pytest.mark.django_db
def test_the_page_says_its_language(client, settings):
    settings.LANGUAGES = [("en", "English"), ("de", "Deutsch")]
    make_product(price="1234.50")

    page = client.get("/", headers={"accept-language": "de"}).content.decode()

    assert '<html lang="de">' in page
    assert "1.234,50\xa0$" in page


@pytest.mark.parametrize(
    ("similarity", "length"), [(0.5, 50), (1.2, 100), (-0.3, 0), (None, 0)]
)
def test_a_bar_is_as_long_as_the_similarity(similarity, length):
    assert percent(similarity) == length


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("keeps the jitter away", "keeps the…"),
        ("keeps the  jitter", "keeps the…"),
        ("keeps them jittering", "keeps…"),
        ("wireless, headphones", "wireless…"),
        ("wireless. Headphones", "wireless…"),
        ("one wireless headphone", "one wirel…"),  # not "one…"
        ("0123456789", "0123456789"),
    ],
)
def test_a_long_text_ends_with_a_whole_word(text, shown):
    assert shortened(text, 10) == shown


def test_the_admin_s_templates_have_the_same_filters():
    template = engines["django"].from_string(
        "{% load shop %}{{ price|price }} {{ category|category_name }}"
    )

    with translation.override("de"):
        shown = template.render({"price": Decimal("1299.5"), "category": ""})

    assert shown == "1.299,50\xa0$ Keine Kategorie"


@pytest.mark.parametrize("text", ["", "a" * 9, "a" * 10, "a" * 11, "ä€🎧" * 9])
def test_a_long_text_is_shortened_as_django_does(text):
    assert shortened(text, 10) == truncatechars(text, 10)


def test_long_lists_of_parameters_are_shortened():
    statement = "(%s, %s, %s, %s, %s)"

    assert readable_sql(statement) == "(%s, …, %s)"


def test_statements_that_differ_in_their_number_of_parameters_are_formatted_once():
    formatted_sql.cache_clear()

    for count in (5, 6, 1000):
        readable_sql(f"select {', '.join(['%s'] * count)}")

    assert formatted_sql.cache_info().misses == 1


def test_a_statement_cannot_end_the_element_it_stands_in():
    statement = readable_sql("""SELECT '</code>' && "a" < 1""")

    assert statement == """SELECT '&lt;/code&gt;' &amp;&amp; "a" &lt; 1"""


def test_statements_that_are_sent_together_stand_below_each_other():
    assert readable_sql("set local a = 1; set local b = 2") == (
        "SET LOCAL a = 1;\nSET LOCAL b = 2"
    )


def test_an_address_changes_by_one_parameter_and_begins_anew():
    data = QueryDict("q=a+b&like=1&like=2&page=3")

    assert changed_address(data, add=[("like", 2)]) == "?q=a+b&like=1&like=2"
    assert changed_address(data, add=[("unlike", 7)]).endswith("&unlike=7")
    assert changed_address(data, drop="like=1") == "?q=a+b&like=2"
    assert changed_address(data, drop="q") == "?like=1&like=2"
