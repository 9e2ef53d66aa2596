"""Searches nobody should send: a clear message or an honest empty answer, never more."""

import math
from decimal import Decimal

import pytest

from products.models import Product
from products.search import Filters, SearchError, search, word_matches
from products.search.question import MAX_PAGE_SIZE
from products.search.rank import NEAREST_CANDIDATES
from products.search.words import MAX_TERMS, query_terms
from tests.factory import axis, make_product

pytestmark = pytest.mark.django_db

# What search() promises, and its two looks for a switch.
MAX_STATEMENTS = 11 + 2


@pytest.fixture
def shop():
    """One product, which no text of random characters is near to."""
    return make_product(name="Red shoe", category="Shoes", embedding=axis(0))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(100_000 * "a", "at most 1,000 characters", id="100,000 letters"),
        pytest.param(1_001 * "☕", "this one has 1,001", id="1,001 emoji"),
        pytest.param("shoe\0", "cannot contain a NUL", id="NUL byte"),
        pytest.param("shoe \ud800", "half a character", id="high surrogate"),
        pytest.param("\udfff", "half a character", id="low surrogate"),
    ],
)
@pytest.mark.parametrize("mode", ["hybrid", "semantic", "keyword"])
def test_a_text_nobody_types_is_refused(shop, text, message, mode):
    with pytest.raises(SearchError, match=message):
        search(text, mode=mode)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("?!... --- ,;", id="only punctuation"),
        pytest.param("a & | !", id="tsquery operators"),
        pytest.param("hat:* <-> (!'coat' | ) &", id="tsquery syntax"),
        pytest.param("'; DROP TABLE products; --", id="SQL"),
        pytest.param("' OR 1=1 --", id="SQL condition"),
        pytest.param("%s %(name)s {} %", id="placeholders"),
        pytest.param("\\ ' \\' '' \\\\", id="quotes and backslashes"),
        pytest.param("😀🎧👩‍👩‍👧‍👦", id="emoji"),
        pytest.param("खोज 検索 поиск بحث", id="other scripts"),
        pytest.param("\x01\x1b[31m\x7f", id="control characters"),
        pytest.param("\u202eeohs\u200b", id="invisible characters"),
        pytest.param("the of and", id="only stop words"),
        pytest.param("<script>alert(1)</script>", id="HTML"),
        pytest.param(1_000 * "x", id="one long word"),
        pytest.param(" ".join(f"w{n}" for n in range(190)), id="190 words"),
    ],
)
@pytest.mark.parametrize("mode", ["hybrid", "semantic", "keyword"])
def test_any_other_text_gets_an_honest_answer(
    shop, text, mode, django_assert_max_num_queries
):
    with django_assert_max_num_queries(MAX_STATEMENTS):
        results = search(text, Filters(categories=("Shoes",)), mode=mode)

    assert (list(results), results.total_text, results.pages) == ([], "0", 1)


def test_a_text_of_many_words_is_searched_by_the_first_of_them(db):
    text = " ".join(f"word{n}" for n in range(120))

    terms = query_terms(text, using="default")

    assert [term.lexeme for term in terms] == [f"word{n}" for n in range(MAX_TERMS)]


@pytest.mark.parametrize(
    "price",
    [
        "abc",
        "",
        "1,5",
        "9.99 €",
        "\0",
        "NaN",
        "sNaN",
        "Infinity",
        "-Infinity",
        "-0.01",
        math.nan,
        math.inf,
        (),
        Filters,
    ],
    ids=repr,
)
@pytest.mark.parametrize("name", ["min_price", "max_price"])
def test_what_is_no_price_is_refused(name, price):
    with pytest.raises(SearchError, match="number from 0 up, such as 9.99"):
        Filters(**{name: price})


@pytest.mark.parametrize(
    "price",
    ["1e1000000", "1e131072", "100000000", "99999999.991", 10**400],
    ids=lambda price: f"{price:.12}" if isinstance(price, str) else "10**400",
)
def test_a_huge_price_is_compared_all_the_same(shop, price):
    make_product(price="99999999.99")

    assert search(filters=Filters(max_price=price)).total == 2
    assert search(filters=Filters(min_price=price)).total == 0


@pytest.mark.parametrize("price", ["1e-1000000", "1e-20000", "0." + 50_000 * "0" + "1"])
def test_a_tiny_price_is_nothing(shop, price):
    assert search(filters=Filters(min_price=price)).total == 1
    assert search(filters=Filters(max_price=price)).total == 0


def test_a_lowest_price_above_the_highest_is_refused():
    with pytest.raises(SearchError, match="5, is above the highest, 4. Exchange"):
        Filters(min_price=Decimal(5), max_price=Decimal(4))


@pytest.mark.parametrize(
    ("categories", "message"),
    [
        (("Shoes", "a\0"), "cannot contain a NUL"),
        (("\ud800",), "half a character"),
        (tuple(map(str, range(51))), "At most 50 categories"),
    ],
    ids=["NUL byte", "surrogate", "101 categories"],
)
def test_what_is_no_category_is_refused(categories, message):
    with pytest.raises(SearchError, match=message):
        Filters(categories=categories)


@pytest.mark.parametrize("category", ["Hats", 10_000 * "a", "☕", "' OR 1=1", "%"])
@pytest.mark.parametrize("text", ["", "red shoe"])
def test_an_unknown_category_has_no_products(shop, category, text):
    results = search(text, Filters(categories=(category,)))

    assert (list(results), results.total_text) == ([], "0")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mode": "psychic"}, "no mode 'psychic'. Choose one of: hybrid, semantic, k"),
        ({"mode": 10_000 * "x"}, "no mode"),
        ({"mode": "\ud800"}, "no mode"),
        ({"sort": "random"}, "no sort 'random'. Choose one of: relevance, name"),
        ({"page": 0}, "counted from 1"),
        ({"page": -1}, "counted from 1"),
        ({"page_size": 0}, f"1 to {MAX_PAGE_SIZE} products"),
        ({"page_size": -5}, f"1 to {MAX_PAGE_SIZE} products"),
        ({"page_size": 10**6}, f"1 to {MAX_PAGE_SIZE} products"),
        ({"diversity": -0.1}, "from 0 to 1"),
        ({"diversity": 1.1}, "from 0 to 1"),
        ({"diversity": math.nan}, "from 0 to 1"),
        ({"diversity": math.inf}, "from 0 to 1"),
    ],
    ids=lambda value: str(value)[:30] if isinstance(value, dict) else "",
)
def test_an_impossible_request_says_what_is_possible(shop, options, message):
    with pytest.raises(SearchError, match=message) as caught:
        search("shoe", **options)

    assert len(str(caught.value)) < 200
    str(caught.value).encode()


@pytest.mark.parametrize("text", ["", "shoe"])
@pytest.mark.parametrize("page", [2, 10**9, 10**30])
def test_a_page_after_the_last_is_the_last(shop, text, page):
    results = search(text, page=page)

    assert (results.page, results.pages, results.has_next) == (1, 1, False)
    assert [hit.product for hit in results] == [shop]
    assert search(like=[make_product()], page=page).page == 1


def test_too_many_examples_are_refused(shop):
    with pytest.raises(SearchError, match="At most 20 products"):
        search(like=[shop] * 15, unlike=[shop] * 6)


def test_a_usual_search_takes_six_statements(shop, django_assert_num_queries):
    Product.objects.bulk_create(
        Product(
            sku=f"sku-{number}",
            name="Red hat",
            price=1,
            embedding=axis(number),
            embedding_fingerprint=shop.embedding_fingerprint,
        )
        for number in range(1, 1 + NEAREST_CANDIDATES)
    )
    # The first search embeds the text, and reads the recipe once more, and the stems of
    # the words on the page.
    search("red shoe")

    # The words, products with a word, the nearest ones, the one whose sku it is, the
    # products of the page, the recipe.
    with django_assert_num_queries(6):
        assert search("red shoe").hits[0].product == shop


def test_the_longest_search_takes_a_bounded_number_of_statements(
    shop, django_assert_max_num_queries, monkeypatch
):
    # More than are looked at by their words, by every rule there is.
    monkeypatch.setattr(word_matches, "COMMON", 1)
    Product.objects.bulk_create(
        Product(sku=f"sku-{number}", name=("Red", "Shoe", "Lamp")[number % 3], price=1)
        for number in range(510)
    )

    with django_assert_max_num_queries(MAX_STATEMENTS) as queries:
        results = search("red shoe lamp", diversity=0.5)

    assert len(queries) == MAX_STATEMENTS
    assert (len(results.hits), results.total_text) == (24, "at least 249")
