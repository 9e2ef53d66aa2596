"""Which products with a word of the query are ranked, where very many have it."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from products.models import Product
from products.search import Filters, search, word_matches, words
from products.search.word_matches import WordSearch
from products.search.words import frequencies, query_terms
from tests.factory import make_product

pytestmark = pytest.mark.django_db


@pytest.fixture
def all_are_common(monkeypatch):
    monkeypatch.setattr(word_matches, "COMMON", 0)


def make(name, *, description="", category=""):
    product = make_product(
        name=name, description=description, category=category, embedding=None
    )
    return product.pk


def asked(text, *, limit=500, filters=Filters()):  # noqa: B008 - immutable
    products = filters.narrow(Product.objects.all())
    terms = query_terms(text, using="default")
    return WordSearch(products, terms, limit, filtered=bool(filters))


def choose(text, **options):
    return asked(text, **options).best()


@pytest.mark.usefixtures("all_are_common")
def test_a_common_word_finds_the_shortest_names_then_others_by_id():
    other, another = make("Mat", description="red"), make("Cap", description="red")
    long = make("Thick soft red carpet for stairs")
    short, equal = make("Red carpet"), make("Red door")
    make("Blue door")

    chosen = choose("red")

    assert [*chosen.rows] == [short, equal, long, other, another]
    assert chosen.rules == ["the shortest names with “red”, then others by id"]
    assert [*choose("red", limit=2).rows] == [short, equal]


@pytest.mark.usefixtures("all_are_common")
def test_names_too_long_for_a_length_of_their_own_are_found():
    many = " ".join(f"word{n}" for n in range(40))
    pk = make(f"{many} red")

    assert [*asked("red", limit=1).with_common_word(["'red'"])] == [pk]
    assert [*asked("red", limit=1).with_common_word(["'length'"])] == []


def test_a_common_word_gives_the_results_of_ranking_all(monkeypatch):
    for number in range(30):
        words = " ".join(f"word{n}" for n in range(number * 7 % 20))
        red = "red" if number % 3 else ""
        make(
            f"Thing{number} {words} {red}", description="red", category=f"C{number % 4}"
        )
    monkeypatch.setattr("products.search.rank.KEYWORD_CANDIDATES", 12)
    monkeypatch.setattr(word_matches, "COMMON", 0)
    bounded = [hit.pk for hit in search("red", mode="keyword")]

    monkeypatch.setattr("products.search.rank.KEYWORD_CANDIDATES", 500)
    monkeypatch.setattr(word_matches, "COMMON", 1_000)
    whole = [hit.pk for hit in search("red", mode="keyword", page_size=50)]

    assert len(whole) == 30
    assert bounded == whole[:12]


def test_common_words_lose_no_product(monkeypatch):
    everything = {
        make(f"{first} {second} {third}".strip() or "nothing"): bool(
            first or second or third
        )
        for first in ("red", "")
        for second in ("lamp", "")
        for third in ("shade", "")
    }
    rare = make("Red velvet")
    expected = {pk for pk, found in everything.items() if found} | {rare}

    for common in range(12):
        monkeypatch.setattr(word_matches, "COMMON", common)
        chosen = choose("red lamp shade velvet")

        assert chosen.rows.keys() == expected


def test_products_with_most_words_come_before_those_with_one(monkeypatch):
    monkeypatch.setattr(word_matches, "COMMON", 2)
    ones = [make(f"Red {n}") for n in range(3)] + [make(f"Lamp {n}") for n in range(3)]
    two = make("A very long name of a red thing that is a lamp")
    rare = make("Velvet")

    chosen = [*choose("red lamp velvet").rows]

    assert chosen[:2] == [two, rare]
    assert {*chosen} == {two, rare, *ones}


def test_not_all_of_very_many_products_with_every_word_are_ranked(monkeypatch):
    monkeypatch.setattr(word_matches, "COMMON", 1)
    monkeypatch.setattr(word_matches, "MOST_RANKED", 3)
    other = make("Mat", description="red wool")
    long, short = make("Thick soft red wool carpet"), make("Red wool")
    wool = [make("Wool hat"), make("Wool sock")]
    red = make("Red hat")

    chosen = choose("red wool")

    assert chosen.rules == [
        "the shortest names with every word, then others by id",
        "the shortest names with “red”, then others by id",
    ]
    assert [*chosen.rows][:3] == [short, long, other]
    assert {*chosen.rows} == {short, long, other, red, *wool}


@pytest.mark.parametrize(("enough", "found"), [(2, 2), (3, 4)])
def test_where_enough_have_every_word_the_others_are_left_out(
    monkeypatch, enough, found
):
    monkeypatch.setattr(word_matches, "COMMON", 1)
    monkeypatch.setattr(word_matches, "ENOUGH", enough)
    both = {make("Red wool"), make("Wool, red")}
    others = {make("Red hat"), make("Red sock")}

    chosen = choose("red wool")

    assert {*chosen.rows} == (both if found == 2 else both | others)
    assert len(chosen.rules) == 1 + (found == 4)
    assert chosen.more == (found == 2)


def test_very_many_products_with_most_words_are_left_to_the_last_rule(monkeypatch):
    monkeypatch.setattr(word_matches, "COMMON", 1)
    monkeypatch.setattr(word_matches, "MOST_RANKED", 1)
    both = [make(f"Red wool {n}") for n in range(3)]
    lamp = make("Lamp")

    chosen = choose("red wool lamp")

    assert chosen.rules[1] == "those with all words but one, or with a rare one"
    assert {*chosen.rows} == {lamp, *both}


def test_few_products_that_pass_the_filters_are_all_ranked(monkeypatch):
    monkeypatch.setattr(word_matches, "COMMON", 2)
    for number in range(3):
        make(f"Red hat {number}", category="Hats")
    long, best = (
        make("Red and red boot", category="Shoes"),
        make("Red", category="Shoes"),
    )

    chosen = choose("red", filters=Filters(categories=("Shoes",)))

    assert chosen.rules == ["all compared"]
    assert {*chosen.rows} == {long, best}


@pytest.mark.usefixtures("all_are_common")
def test_pages_of_a_common_word_neither_repeat_nor_leave_out():
    expected = {make(f"Red thing {'x' * (n % 5)} {n}") for n in range(25)}

    pages = [search("red", mode="keyword", page=n, page_size=10) for n in (1, 2, 3)]

    shown = [hit.pk for page in pages for hit in page]
    assert len(shown) == len(expected)
    assert {*shown} == expected
    assert pages[0].log.words[0].startswith("the shortest names with “red”")


def test_the_page_of_reasons_tells_how_products_were_chosen(client, all_are_common):
    make("Red carpet")

    page = client.get("/lab/why/?q=red&mode=keyword").content.decode()

    assert "the shortest names with “red”, then others by id" in page


def test_the_count_of_a_common_word_is_that_of_the_statistics(monkeypatch):
    monkeypatch.setattr(words, "COMMON", 100)
    monkeypatch.setattr(words, "MAX_COUNTED", 7)
    Product.objects.bulk_create(
        Product(sku=f"s{n}", name="Red" if n < 150 else "Blue hat", price=1)
        for n in range(200)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE products")

    counts = {
        term.lexeme: term.count for term in query_terms("red hat", using="default")
    }

    # "hat" is not common, so that it is counted: to the bound.
    assert counts == {"red": 150, "hat": 7}


def test_a_common_word_is_looked_up_in_the_index_of_names():
    question = asked("red")
    with CaptureQueriesContext(connection) as queries:
        question.with_common_word(["'red'"])
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_indexscan = off")
        cursor.execute("EXPLAIN " + queries[0]["sql"])
        plan = "\n".join(line for (line,) in cursor.fetchall())

    assert "Bitmap Index Scan on products_name_words_idx" in plan


@pytest.mark.parametrize(
    "word", ["it''s", r"back\\slash", "x:3a,", "sp ace", "é", "5a"]
)
def test_a_vector_as_text_is_read_as_postgresql_means_it(word):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT v::text FROM (SELECT %s::tsvector AS v) AS vector",
            [f"'{word}':1A,7A 'end':12A"],
        )
        [(text,)] = cursor.fetchall()

    words = [f"'{word}'", "'other'", "'s'", "'ace'", "'end'"]
    assert frequencies(text, words) == ((2, 0, 0, 0, 1), 3)


def test_no_word_has_a_capital_letter(db):
    name = "ACME A1 Straße ÄÖA https://EXAMPLE.COM/A?B=A A.B-C_D 3A 1,5A x:A É'A"
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_tsvector('english', %s)::text", [name])
        [(text,)] = cursor.fetchall()

    assert "A" not in text
