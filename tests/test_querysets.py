"""ProductQuerySet: order, what is left out, and what is selected."""

import pytest
from django.db import connection

from products.models import Product
from tests.factory import axis, make_product, near

pytestmark = pytest.mark.django_db


def names(products):
    return [product.name for product in products]


def test_nearest_to_orders_by_cosine_distance():
    make_product(name="opposite", embedding=[-1.0] + [0.0] * 383)
    make_product(name="far", embedding=axis(5))
    make_product(name="near", embedding=near(0.25))
    make_product(name="same", embedding=axis(0))

    products = list(Product.objects.nearest_to(axis(0)))

    assert names(products) == ["same", "near", "far", "opposite"]
    assert [product.distance for product in products] == pytest.approx(
        [0, 0.25, 1, 2], abs=1e-6
    )
    assert [product.similarity for product in products] == pytest.approx(
        [1, 0.75, 0, -1], abs=1e-6
    )


def test_the_length_of_a_vector_does_not_count():
    make_product(name="long", embedding=[7 * x for x in near(0.1)])
    make_product(name="short", embedding=near(0.2))

    assert names(Product.objects.nearest_to(axis(0))) == ["long", "short"]


def test_ties_are_broken_by_id():
    for name in ("c", "a", "b"):
        make_product(name=name)

    assert names(Product.objects.nearest_to(axis(0))) == ["c", "a", "b"]


@pytest.mark.parametrize("length", [0, 330, 385])
def test_nearest_to_refuses_a_vector_of_another_length(length):
    with pytest.raises(ValueError, match=f"384 numbers, not {length}"):
        Product.objects.nearest_to([0.1] * length)


def test_nearest_to_leaves_out_other_recipes_and_missing_vectors():
    make_product(name="here")
    make_product(name="elsewhere", fingerprint="other/384/0")
    make_product(name="nowhere", embedding=None)

    assert names(Product.objects.nearest_to(axis(0))) == ["here"]
    assert names(Product.objects.nearest_to(axis(0), fingerprint="other/384/0")) == [
        "elsewhere"
    ]


def test_similar_leaves_itself_out():
    product = make_product(embedding=axis(0))
    make_product(name="third", embedding=near(0.3))
    make_product(name="first", embedding=axis(0))
    make_product(name="second", embedding=near(0.1, towards=9))

    assert names(Product.objects.similar_to(product)) == ["first", "second", "third"]


def test_similar_compares_within_the_products_own_recipe():
    product = make_product(fingerprint="older/384/0")
    make_product(name="older", fingerprint="older/384/0")
    make_product(name="newer")

    assert names(Product.objects.similar_to(product)) == ["older"]


@pytest.mark.parametrize("fingerprint", ["", "older/384/0"])
def test_nothing_is_similar_to_a_product_without_vector(fingerprint):
    product = make_product(embedding=None, embedding_fingerprint=fingerprint)
    other = make_product()
    Product.objects.filter(pk=other.pk).update(embedding_fingerprint=fingerprint)

    assert names(Product.objects.similar_to(product)) == []


def test_similar_is_one_query_that_selects_no_embedding(django_assert_num_queries):
    product = make_product()
    make_product()

    with django_assert_num_queries(1) as queries:
        list(Product.objects.for_display().similar_to(product)[:5])

    selected = queries[0]["sql"].split(" FROM ")[0]
    assert '"products"."embedding",' not in selected
    assert '"products"."search_vector"' not in selected


def test_display_defers_what_no_page_shows():
    make_product()

    product = Product.objects.for_display().get()

    assert product.get_deferred_fields() == {
        "embedding",
        "search_vector",
        "text_hash",
        "embedded_hash",
        "created_at",
        "updated_at",
    }


def test_what_needs_embedding_is_missing_stale_or_of_another_recipe():
    make_product(name="fresh")
    make_product(name="missing", embedding=None)
    make_product(name="older", fingerprint="older/384/0")
    make_product(name="text")
    with connection.cursor() as cursor:  # no save() notices raw SQL
        cursor.execute("UPDATE products SET name = 'stale' WHERE name = 'text'")

    assert names(Product.objects.missing_embedding()) == ["missing"]
    assert names(Product.objects.stale()) == ["stale"]
    assert names(Product.objects.other_recipe()) == ["older"]
    assert names(Product.objects.needs_embedding()) == ["missing", "older", "stale"]


def ef_search_after(products):
    """The setting in the transaction in which *products* were read."""
    list(products)
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('hnsw.ef_search')")
        return cursor.fetchone()[0]


@pytest.mark.django_db
def test_the_index_is_searched_widely_unless_told_otherwise():
    product = make_product()

    nearest = Product.objects.nearest_to(axis(0), ef_search=None)[:1]
    assert ef_search_after(nearest) == "40"
    assert ef_search_after(Product.objects.similar_to(product)[:1]) == "100"


@pytest.mark.django_db
def test_a_wider_setting_is_kept():
    product = make_product()
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL hnsw.ef_search = 300")

    assert ef_search_after(Product.objects.similar_to(product)[:1]) == "300"


@pytest.mark.django_db
def test_products_with_every_word_keep_their_order():
    for number in range(12):
        description = "lamp " * (number % 4) + "red " * (number % 3)
        make_product(name=f"{number} red lamp"[: 5 + number], description=description)
    terms = ["'red'", "'lamp'"]

    every = list(Product.objects.matching(terms, every=True))

    assert 1 < len(every) < 12
    assert list(Product.objects.matching(terms))[: len(every)] == every
