"""Product: its constraints, its sku, and when it is embedded."""

from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.db import DataError, IntegrityError, connection

from products.embeddings import EmbeddingError, get_backend
from products.models import Product, make_sku
from tests.factory import axis, make_product

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("name", "sku"),
    [
        ("Coffee Maker", "coffee-maker"),
        ("  COFFEE   maker! ", "coffee-maker"),
        ("Café Crème", "cafe-creme"),
        ("コーヒー", "コーヒー"),
        ("x" * 200, "x" * 200),
        ("", ""),
    ],
)
def test_a_sku_is_made_from_the_name(name, sku):
    assert make_sku(name) == sku


def test_names_without_letters_get_skus_of_their_own():
    assert make_sku("!!!").startswith("product-")
    assert make_sku("!!!") != make_sku("???")


def test_saving_makes_the_sku_only_when_there_is_none():
    assert make_product(name="Coffee Maker").sku == "coffee-maker"
    assert make_product(name="Coffee Maker", sku="CM-1").sku == "CM-1"


@pytest.mark.parametrize(
    ("field", "value", "constraint"),
    [
        ("price", Decimal("-0.01"), "products_price_range"),
        ("price", Decimal("NaN"), "products_price_range"),
        ("name", "", "products_name_filled"),
        ("sku", "", "products_sku_filled"),
        ("embedding", [0.0] * 384, "products_embedding_not_zero"),
    ],
    ids=["negative price", "NaN price", "no name", "no sku", "zero vector"],
)
def test_the_database_refuses_nonsense_from_raw_sql(field, value, constraint):
    product = make_product()
    value = str(value) if isinstance(value, list) else value

    with (
        pytest.raises(IntegrityError, match=constraint),
        connection.cursor() as cursor,
    ):
        cursor.execute(
            f"UPDATE products SET {field} = %s WHERE id = %s",  # noqa: S608
            [value, product.pk],
        )


@pytest.mark.parametrize(
    "vector",
    [[0.5] * 330, [float("nan")] * 384, [float("inf")] * 384],
    ids=["330 numbers", "NaN", "infinite"],
)
def test_the_database_refuses_what_is_no_vector_of_384_numbers(vector):
    with pytest.raises(DataError):
        make_product(embedding=vector)


def test_full_clean_names_every_wrong_field():
    product = Product(
        name="", category="x" * 201, description="x" * 20_001, price=Decimal("-1")
    )

    with pytest.raises(ValidationError) as raised:
        product.full_clean()

    assert set(raised.value.message_dict) >= {
        "name",
        "category",
        "description",
        "price",
    }


@pytest.mark.parametrize(
    "text",
    [
        ("Lamp", "Home", "Bright."),
        ("Lampe à café ☕", "", "Zwei\nZeilen\t"),
        ("a", "bc", ""),
        ("ab", "c", ""),
    ],
)
def test_python_and_postgresql_hash_a_text_alike(text):
    product = make_product(
        **dict(zip(("name", "category", "description"), text, strict=True))
    )

    assert product.text_hash == product.current_text_hash()


def test_the_hash_tells_where_a_column_ends():
    one = Product(name="a", category="bc", description="")
    other = Product(name="ab", category="c", description="")

    assert one.current_text_hash() != other.current_text_hash()


def test_the_embedded_text_joins_the_filled_columns():
    assert Product(name="Lamp", description="Bright.").embedding_text() == (
        "Lamp. Bright"
    )


def test_saving_embeds_a_new_product():
    product = Product(name="Lamp", price=1)

    product.save()

    product.refresh_from_db()
    [expected] = get_backend().embed(["Lamp"])
    assert product.embedding == pytest.approx(expected, abs=1e-6)
    assert product.embedding_fingerprint == get_backend().fingerprint
    assert product.embedded_hash == product.text_hash


def test_saving_embeds_again_when_the_text_changed():
    product = make_product(name="Lamp")
    product.description = "Bright"

    product.save()

    product.refresh_from_db()
    assert list(product.embedding) != axis(0)
    assert product.embedded_hash == product.text_hash


@pytest.mark.usefixtures("broken_model")
def test_saving_another_price_embeds_nothing():
    product = make_product()
    product.price = 2

    product.save()

    product.refresh_from_db()
    assert (product.price, list(product.embedding)) == (2, axis(0))


def test_saving_embeds_again_for_another_recipe():
    product = make_product(fingerprint="older-model/384/0")

    product.save()

    assert product.embedding_fingerprint == get_backend().fingerprint


def test_saving_embeds_where_the_vector_was_taken_away():
    product = make_product()
    Product.objects.update(embedding=None)
    product = Product.objects.get()

    product.save()

    product.refresh_from_db()
    assert product.embedding is not None


def test_saving_some_fields_embeds_only_when_the_text_is_among_them():
    product = make_product(embedding=None)

    product.save(update_fields=["price"])
    product.refresh_from_db()
    without_text = product.embedding
    product.save(update_fields=["name"])
    product.refresh_from_db()

    assert without_text is None
    assert product.embedding is not None


@pytest.mark.usefixtures("broken_model")
def test_nothing_is_written_when_the_embedder_fails():
    with pytest.raises(EmbeddingError):
        Product(name="Lamp", price=1).save()

    assert not Product.objects.exists()


@pytest.mark.usefixtures("broken_model")
def test_saving_without_embedding_needs_no_embedder():
    Product(name="Lamp", price=1).save(embed=False)

    assert Product.objects.get().embedding is None


def test_raw_sql_fills_every_column_it_leaves_out():
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO products (sku, name, category, description, price)"
            " VALUES ('lamp', 'Lamp', '', '', 1)"
        )

    product = Product.objects.get()
    assert product.created_at == product.updated_at
    assert product.embedding_fingerprint == product.embedded_hash == ""


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("C++", "C#"),
        ("Kettle 1.5 l", "Kettle 15 l"),
        ("ノート PC", "デスクトップ PC"),
        ("x" * 250 + "a", "x" * 250 + "b"),
    ],
)
def test_names_of_different_articles_give_different_skus(one: str, other: str) -> None:
    assert make_sku(one) != make_sku(other)
    assert len(make_sku(one)) <= 200


def test_spellings_of_one_article_give_one_sku() -> None:
    assert {make_sku("Dr. Müller's Kettle"), make_sku("dr mullers   kettle!")} == {
        "dr-mullers-kettle"
    }


def test_saving_and_cleaning_trim_texts_and_unite_their_letters():
    product = Product(
        sku=" S1\u00a0", name="Cafe\u0301\u200b", category="Lamps ", price="1"
    )

    product.full_clean(exclude=["embedding"])
    cleaned = (product.sku, product.name, product.category)
    Product(sku="S2 ", name="Mug", category="\u00a0Lamps", price="1").save(embed=False)

    assert cleaned == ("S1", "Caf\u00e9", "Lamps")
    assert Product.objects.get(sku="S2").category == "Lamps"


@pytest.mark.parametrize("blank", ["   ", "\u00a0", "\u200b"])
def test_a_name_of_blanks_is_refused(blank):
    with pytest.raises(ValidationError, match="name"):
        Product(sku="S1", name=blank, price="1").full_clean()
    with pytest.raises(IntegrityError, match="products_name_filled"):
        Product(sku="S1", name=blank, price="1").save(embed=False)


def test_saving_does_not_load_a_text_to_trim_it(django_assert_num_queries):
    Product(sku="S1", name="Mug", price="1").save(embed=False)
    product = Product.objects.defer("description").get()

    product.price = 2
    with django_assert_num_queries(1):
        product.save(update_fields=["price"])
