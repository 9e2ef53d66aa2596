"""The quick queries of a product's page: like the ORM's, planned once a connection."""

import pytest
from django.db import connection, transaction

from products.models import Product
from products.search.answer import product_and_similar
from products.sql.prepared import MAX_ID, Given, Prepared
from tests.factory import axis, make_product, near

KEPT = "SELECT generic_plans + custom_plans FROM pg_prepared_statements"


def with_similar(pk, limit):
    return product_and_similar(limit, 100, False).objects(pk, using="default")


@pytest.fixture
def own_connection(transactional_db):
    """A connection in which nothing was prepared before."""
    connection.close()
    yield
    connection.close()


def plans_used():
    """How often each statement that PostgreSQL keeps was run."""
    with connection.cursor() as cursor:
        cursor.execute(KEPT)
        return [count for (count,) in cursor.fetchall()]


@pytest.mark.django_db
def test_a_product_is_read_as_for_display():
    expected = make_product(name="Lamp", category="Home", price="12.50")
    make_product()

    [product, _] = with_similar(expected.pk, 5)

    assert product == expected
    assert (product.name, product.category) == ("Lamp", "Home")
    assert str(product.price) == "12.50"
    listed = Product.objects.for_display().get(pk=expected.pk)
    assert product.get_deferred_fields() == listed.get_deferred_fields()
    assert (product._state.adding, product._state.db) == (False, "default")


@pytest.mark.django_db
@pytest.mark.parametrize("pk", [0, -1, 2**31, MAX_ID, MAX_ID + 1, 10**30])
def test_no_product_has_another_number(pk):
    make_product()

    assert with_similar(pk, 5) == []


@pytest.mark.django_db
def test_similar_products_are_those_of_the_queryset():
    product = make_product(embedding=axis(0))
    far, close = make_product(embedding=near(0.5)), make_product(embedding=near(0.1))
    make_product(embedding=None)
    make_product(fingerprint="another/384/0")

    found = with_similar(product.pk, 5)

    assert found == [product, close, far]
    expected = Product.objects.for_display().similar_to(product)[:5]
    assert [p.distance for p in found] == [None, *(p.distance for p in expected)]
    assert with_similar(product.pk, 1) == [product, close]


@pytest.mark.django_db
def test_a_product_without_embedding_is_like_no_other():
    product = make_product(embedding=None)
    make_product()

    assert with_similar(product.pk, 5) == [product]


def test_postgresql_keeps_the_plan_of_a_statement(own_connection):
    products = [make_product() for _ in range(3)]

    for product in products:
        with_similar(product.pk, 5)
    kept = plans_used()
    connection.close()
    with_similar(products[0].pk, 5)

    assert kept == [3]
    assert plans_used() == [1]


def test_nothing_is_kept_where_the_settings_say_so(own_connection, monkeypatch):
    product = make_product()
    monkeypatch.delitem(connection.settings_dict["OPTIONS"], "prepare_threshold")
    connection.close()

    found = [with_similar(product.pk, 5) for _ in range(10)]

    assert found == [[product]] * 10
    assert plans_used() == []


def test_a_kept_plan_ends_with_the_type_of_a_column(own_connection):
    product = make_product(price="9.99")
    with_similar(product.pk, 5)

    def change(precision):
        other = connection.copy()
        with other.cursor() as cursor:
            cursor.execute(f"ALTER TABLE products ALTER price TYPE {precision}")
        other.close()

    change("numeric(11, 2)")
    try:
        found = with_similar(product.pk, 5)
    finally:
        change("numeric(10, 2)")

    assert found == [product]


def test_nothing_is_kept_in_a_transaction(own_connection):
    product = make_product()

    with transaction.atomic():
        found = with_similar(product.pk, 5)

    assert found == [product]
    assert plans_used() == []


@pytest.mark.django_db
def test_the_log_of_queries_shows_the_values(django_assert_num_queries):
    product = make_product()

    with django_assert_num_queries(1) as logged:
        with_similar(product.pk, 5)

    assert f'"products"."id" = {product.pk}' in logged[0]["sql"]


@pytest.mark.django_db
def test_a_query_takes_several_values_in_any_order():
    lamp = make_product(name="Lamp", category="Home")
    make_product(name="Home", category="Lamp")
    rows = Product.objects.filter(category=Given(1), name=Given(0), price__gte=Given(2))

    query = Prepared.of(rows.values_list("pk", "name"))

    assert query.rows("Lamp", "Home", 0, using="default") == [(lamp.pk, "Lamp")]
    assert query.rows("Lamp", "' OR 1=1 --", 0, using="default") == []
    assert query.rows("Lamp", "%s", 0, using="default") == []


@pytest.mark.django_db
def test_no_value_is_taken_for_the_place_of_another():
    """Texts that an earlier way of writing queries gave a meaning."""
    odd = make_product(name="\x01{0}", category="-1")
    rows = Product.objects.filter(name=Given(0), category="-1")

    assert Prepared.of(rows.values_list("pk")).rows("\x01{0}", using="default") == [
        (odd.pk,)
    ]
