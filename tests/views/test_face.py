"""What the pages are made of: numbers, addresses, choosing, neighbours, reasons."""

import itertools
from decimal import Decimal

import pytest
from django.core.management import call_command
from django.http import QueryDict
from django.template import engines
from django.template.defaultfilters import truncatechars
from django.utils import translation
from django.utils.formats import number_format
from django.utils.html import escape

from products.forms import changed_address
from products.insight.comparison import compare_with_exact, parts_of
from products.models import EmbeddingRecipe, Judgement, Product
from products.search import Filters, Mode, facets
from products.search.facets import category_counts
from products.templating.filters import (
    Numbers,
    formatted_sql,
    percent,
    readable_sql,
    shortened,
)
from products.views.typeahead import choose_by_name
from tests.backends import AXES, SECOND
from tests.factory import axis, make_product, near
from vectorshop.static import CollectedOrPlainStorage

HEADPHONES = "wireless-bluetooth-headphones"


def question(**changes):
    return {
        "text": "",
        "filters": Filters(),
        "mode": "hybrid",
        "like": (),
        "unlike": (),
        "diversity": 0.0,
        "sort": "name",
        "page": 1,
    } | changes


# Numbers


@pytest.mark.parametrize(
    ("language", "shown"), [("en", "$1,299.50"), ("de", "$1.299,50")]
)
def test_a_price_is_written_as_the_visitor_writes_numbers(language, shown):
    assert Numbers(language).price(Decimal("1299.5")) == shown


def test_the_currency_is_a_setting(settings):
    settings.CURRENCY = "€ "

    assert Numbers("en").price("3") == "€ 3.00"


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


@pytest.mark.parametrize(
    ("similarity", "length"), [(0.5, 50), (1.2, 100), (-0.3, 0), (None, 0)]
)
def test_a_bar_is_as_long_as_the_similarity(similarity, length):
    assert percent(similarity) == length


def test_long_lists_of_parameters_are_shortened():
    statement = "(%s, %s, %s, %s, %s)"

    assert readable_sql(statement) == "(%s, …, %s)"


def test_statements_that_differ_in_their_number_of_parameters_are_formatted_once():
    formatted_sql.cache_clear()

    for count in (5, 6, 1000):
        readable_sql(f"select {', '.join(['%s'] * count)}")

    assert formatted_sql.cache_info().misses == 1


@pytest.mark.parametrize("text", ["", "a" * 9, "a" * 10, "a" * 11, "ä€🎧" * 9])
def test_a_long_text_is_shortened_as_django_does(text):
    assert shortened(text, 10) == truncatechars(text, 10)


@pytest.mark.django_db
def test_the_page_tells_its_language(client, settings):
    settings.LANGUAGES = [("en", "English"), ("de", "Deutsch")]
    make_product(price="1234.50")

    page = client.get("/", headers={"accept-language": "de"}).content.decode()

    assert '<html lang="de">' in page
    assert "$1.234,50" in page


def test_a_statement_cannot_end_the_element_it_stands_in():
    statement = readable_sql("""SELECT '</code>' && "a" < 1""")

    assert statement == """SELECT '&lt;/code&gt;' &amp;&amp; "a" &lt; 1"""


def test_statements_that_are_sent_together_stand_below_each_other():
    assert readable_sql("set local a = 1; set local b = 2") == (
        "SET LOCAL a = 1;\nSET LOCAL b = 2"
    )


# Addresses


def test_an_address_changes_by_one_parameter_and_begins_anew():
    data = QueryDict("q=a+b&like=1&like=2&page=3")

    assert changed_address(data, add=[("like", 2)]) == "?q=a+b&like=1&like=2"
    assert changed_address(data, add=[("unlike", 7)]).endswith("&unlike=7")
    assert changed_address(data, drop="like=1") == "?q=a+b&like=2"
    assert changed_address(data, drop="q") == "?like=1&like=2"


# Choosing a product


@pytest.mark.usefixtures("samples")
@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("headph", "Wireless Bluetooth Headphones"),
        ("headphones", "Wireless Bluetooth Headphones"),
        ("RUNNING sh", "Running Shoes"),
        ("coffee", "Coffee Maker"),
    ],
)
def test_half_a_name_finds_the_product(typed, first):
    assert choose_by_name(typed)[0].name == first


@pytest.mark.django_db
@pytest.mark.parametrize("typed", ["", "  ", "'", "a' | 'b", "\\", ":*", "%", "🎧"])
def test_no_typed_text_is_a_failure(client, typed):
    make_product(name="a b")

    assert client.get("/similar/", {"q": typed}).status_code == 200


@pytest.mark.django_db
@pytest.mark.parametrize(("typed", "says"), [("\0", "NUL"), ("x" * 1001, "Shorten")])
def test_what_nobody_can_search_for_is_told(client, typed, says):
    response = client.get("/similar/", {"q": typed})

    assert response.status_code == 400
    assert says in response.content.decode()


@pytest.mark.usefixtures("samples")
@pytest.mark.parametrize("typed", ["Yoga Mat", " yoga-mat "])
def test_a_complete_name_or_number_leads_to_its_product(client, typed):
    response = client.get("/similar/", {"q": typed})

    assert response.url == Product.objects.get(sku="yoga-mat").get_absolute_url()


@pytest.mark.django_db
def test_a_name_of_two_products_leads_to_the_list(client):
    make_product(name="Lamp", sku="lamp-1")
    make_product(name="Lamp", sku="lamp-2")

    page = client.get("/similar/", {"q": "Lamp"}).content.decode()

    assert page.count('<li><a href="/products/') == 2


# Categories


@pytest.mark.django_db
def test_categories_are_counted_within_the_prices_largest_first():
    for cost, category in [(1, "B"), (1, "A"), (1, "B"), (9, "C")]:
        make_product(price=cost, category=category)

    counts = category_counts(Filters(max_price=Decimal(5), categories=("A",)))

    assert counts == [("B", 2), ("A", 1)]


@pytest.mark.django_db
def test_a_large_catalogue_is_counted_once(monkeypatch, django_assert_num_queries):
    monkeypatch.setattr(facets, "LARGE", 1)
    filters = Filters(max_price=Decimal("123.45"))
    for _ in range(2):
        make_product(category="A")
    category_counts(filters)

    with django_assert_num_queries(0):
        assert category_counts(filters) == [("A", 2)]


# Reasons


@pytest.mark.usefixtures("samples", "real_model")
def test_the_part_that_matters_is_the_one_whose_loss_costs_most():
    product = Product.objects.for_display().get(sku="coffee-maker")

    parts = parts_of(product, question(text="drip coffee"))

    assert {part.field for part in parts.parts} == {"name", "category", "description"}
    assert parts.best.loss == max(part.loss for part in parts.parts)
    assert parts.best.field in ("name", "description")
    for part in parts.parts:
        assert part.similarity + part.loss == pytest.approx(parts.similarity)


@pytest.mark.django_db
def test_a_product_that_is_only_a_name_loses_everything_without_it():
    product = make_product(name="Lamp")

    [part] = parts_of(product, question(text="Lamp")).parts

    assert (part.field, part.similarity) == ("name", None)
    assert part.loss == pytest.approx(1)


@pytest.fixture
def by_hand(db, settings):
    """Products "lamp", "home", and one of all three words, each word an axis."""
    settings.EMBEDDING_BACKEND = AXES
    products = [
        Product(name="Lamp", price=1),
        Product(name="Home", price=1),
        Product(name="Lamp", category="Home", description="Bright", price=1, sku="hit"),
    ]
    for product in products:
        product.save()
    return products


def test_the_parts_of_a_similar_product_can_be_reckoned_by_hand(by_hand):
    lamp, _, hit = by_hand

    parts = parts_of(hit, question(like=(lamp,)))

    # (1, 1, 1) against (1, 0, 0); without its name it is (0, 1, 1), and so on.
    assert parts.similarity == pytest.approx(1 / 3**0.5)
    assert {part.field: part.similarity for part in parts.parts} == pytest.approx(
        {"name": 0, "category": 1 / 2**0.5, "description": 1 / 2**0.5}, abs=1e-6
    )
    assert parts.best.field == "name"


def test_the_parts_of_a_result_of_several_examples_too(by_hand):
    lamp, home, hit = by_hand

    parts = parts_of(hit, question(like=(lamp,), unlike=(home,)))

    # Against (1, -1, 0): the name speaks for it, the category as much against it.
    assert parts.similarity == pytest.approx(0, abs=1e-6)
    assert {part.field: part.loss for part in parts.parts} == pytest.approx(
        {"name": 0.5, "category": -0.5, "description": 0}, abs=1e-6
    )


def test_the_similar_products_lead_to_their_parts_and_back(client, by_hand):
    lamp, _, hit = by_hand
    address = f"/products/{hit.pk}/why/?like={lamp.pk}"

    shown = client.get(lamp.get_absolute_url()).content.decode()
    page = client.get(address).content.decode()

    assert f'href="{address}"' in shown
    assert "The name matters most." in page
    assert "Similarity 0.58 for the whole text" in page
    assert f'href="{lamp.get_absolute_url()}#similar"' in page


@pytest.mark.parametrize("path", ["/products/{hit}/why/", "/exact/"])
def test_the_way_back_from_several_examples_is_to_their_results(client, by_hand, path):
    lamp, home, hit = by_hand
    query = f"?like={lamp.pk}&unlike={home.pk}"

    page = client.get(path.format(hit=hit.pk) + query).content.decode()

    assert f'href="/{escape(query)}"' in page


@pytest.mark.django_db
def test_reasons_are_given_by_the_recipe_in_force(settings, by_hand):
    lamp, _, hit = by_hand
    fingerprint = lamp.embedding_fingerprint
    EmbeddingRecipe.objects.create(backend=AXES, fingerprint=fingerprint)
    settings.EMBEDDING_BACKEND = SECOND

    asked = question(like=(Product.objects.get(pk=lamp.pk),))

    assert parts_of(hit, asked).best.field == "name"
    assert compare_with_exact(question(text="lamp")).compared == 3


@pytest.mark.django_db
def test_the_comparison_finds_what_another_plan_misses(monkeypatch):
    product = make_product()
    missed = make_product(name="Missed", embedding=near(0.1))
    for place in range(3):
        make_product(embedding=near(0.2 + 0.1 * place))
    real = Product.objects.all().nearest_to

    def without_one(self, vector, *, exact, **kwargs):
        found = real(vector, exact=exact, **kwargs).exclude(pk=product.pk)
        return found if exact else found.exclude(pk=missed.pk)

    monkeypatch.setattr("products.querysets.ProductQuerySet.nearest_to", without_one)

    comparison = compare_with_exact(question(like=(product,)))

    assert comparison.recall == 0.75
    assert [product.name for product in comparison.missed] == ["Missed"]


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/exact/", "/products/{pk}/why/"])
@pytest.mark.parametrize(
    ("query", "says"),
    [("", "Ask for something first"), ("?like=0", "no product number 0")],
)
def test_a_question_about_nothing_is_told(client, path, query, says):
    product = make_product(embedding=axis(2))

    response = client.get(path.format(pk=product.pk) + query)

    assert response.status_code == 400
    assert says in response.content.decode()


@pytest.mark.usefixtures("broken_model")
@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/exact/?q=x", "/products/{pk}/why/?q=x"])
def test_a_model_that_fails_is_told(client, path):
    product = make_product()

    response = client.get(path.format(pk=product.pk))

    assert response.status_code == 400
    assert "does not answer" in response.content.decode()


# Adding


@pytest.mark.usefixtures("broken_model")
@pytest.mark.django_db
def test_neighbours_are_no_reason_to_fail(client):
    response = client.post("/products/add/", {"preview": "1", "name": "x"})

    assert response.status_code == 200
    assert "does not answer" in response.content.decode()


@pytest.mark.django_db
def test_showing_the_neighbours_saves_nothing(client):
    client.post("/products/add/", {"preview": "1", "name": "Lamp", "price": "3"})

    assert not Product.objects.exists()


# Size and files


@pytest.fixture
def longest_products(db):
    """More than a page of products with the longest texts there may be."""
    return [
        make_product(
            pk=1_000_000 + n,
            name=f"Lamp {n:02} ".ljust(300, "x"),
            category=f"Light {n:02} ".ljust(200, "x"),
            description=f"A lamp {n:02} ".ljust(20_000, "x"),
            sku=f"lamp-{n:02}-".ljust(200, "x"),
            price="99999999.99",
            embedding=near(0.01 * n),
        )
        for n in range(30)
    ]


@pytest.mark.parametrize("staff", [False, True], ids=["shopper", "staff"])
def test_no_page_is_larger_than_50_kb(
    client, django_user_model, longest_products, staff
):
    if staff:
        client.force_login(
            django_user_model.objects.create(username="staff", is_staff=True)
        )
    first, second, *_ = longest_products
    Judgement.objects.create(query="lamp", product=first, grade=1)
    pages = [
        ("/", {}),
        ("/", {"category": first.category, "max_price": "99999999.99"}),
        *(("/", {"q": "lamp", "mode": mode}) for mode in Mode),
        ("/", {"q": "lamp", "category": [first.category, second.category]}),
        ("/", {"like": [product.pk for product in longest_products[:20]]}),
        ("/similar/", {"q": "lamp"}),
        (first.get_absolute_url(), {}),
        (f"{first.get_absolute_url()}why/", {"q": "lamp"}),
        ("/exact/", {"q": "lamp"}),
        ("/products/add/", {}),
        ("/map/", {}),
        *([("/quality/", {})] if staff else []),
    ]

    sizes = {}
    for path, query in pages:
        response = client.get(path, query)
        assert response.status_code == 200
        sizes[path, str(query)[:60]] = len(response.content)

    assert max(sizes.values()) < 50_000, sizes


def test_the_neighbours_of_the_longest_text_are_under_50_kb(client, longest_products):
    typed = {
        name: getattr(longest_products[0], name)
        for name in ("name", "category", "description")
    }

    response = client.post("/products/add/", {"preview": "1", **typed})

    assert "It would stand next to" in response.content.decode()
    assert len(response.content) < 50_000


def test_collected_files_have_hashed_names_that_pages_use(settings, tmp_path):
    settings.STATIC_ROOT = tmp_path
    template = engines["jinja2"].from_string("{{ static('products/shop.css') }}")
    plain = template.render()

    call_command("collectstatic", interactive=False, verbosity=0)

    storage = CollectedOrPlainStorage()

    assert plain == "/static/products/shop.css"
    assert storage.url("products/shop.css").startswith("/static/products/shop.")
    assert storage.url("products/shop.css") != plain
    assert (tmp_path / "staticfiles.json").exists()
