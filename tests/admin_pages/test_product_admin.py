"""The admin: list, search, filter, and a change page without the vector."""

import re

import pytest

from products.models import Product
from tests.factory import axis, make_product, near
from tests.reading import messages_of

LIST = "/admin/products/product/"
ADD = LIST + "add/"

pytestmark = pytest.mark.django_db


def form_data(**changes):
    return {
        "sku": "",
        "name": "Desk Lamp",
        "category": "Home",
        "description": "",
        "price": "19.90",
        **changes,
    }


def names(response):
    return [product.name for product in response.context["cl"].result_list]


def change_url(product):
    return f"{LIST}{product.pk}/change/"


def test_the_list_tells_what_is_embedded(admin_client):
    make_product(name="With")
    make_product(name="Without", embedding=None)

    page = admin_client.get(LIST)

    assert names(page) == ["With", "Without"]
    states = [product.embedding_state for product in page.context["cl"].result_list]
    assert states == ["fresh", "missing"]


@pytest.mark.parametrize(
    "query", ["lamp", "LAMP-1", "bright"], ids=["name", "sku", "description"]
)
def test_products_are_searched(admin_client, query):
    make_product(name="Desk Lamp", sku="lamp-1", description="Bright")
    make_product(name="Chair")

    assert names(admin_client.get(LIST, {"q": query})) == ["Desk Lamp"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"embedding_state": "fresh"}, ["Lamp"]),
        ({"embedding_state": "missing"}, ["Chair"]),
        ({"category": "Home"}, ["Chair"]),
        ({"category": "Nowhere"}, []),
        ({"o": "5"}, ["Lamp", "Chair"]),
    ],
)
def test_products_are_filtered_and_sorted(admin_client, query, expected):
    make_product(name="Lamp", category="Light")
    make_product(name="Chair", category="Home", embedding=None)

    assert names(admin_client.get(LIST, query)) == expected


@pytest.mark.parametrize(
    "query",
    [
        {"q": "\0"},
        {"q": "x" * 10_000},
        {"category": "a\0b"},
        {"category__in": "a\0b"},
        {"embedding_state": "\0"},
        {"p": "\0"},
        {"p": "9" * 30},
        {"o": "99"},
        {"id": "9" * 5000},
        {"nothing": "1"},
    ],
    ids=lambda query: "-".join(query),
)
def test_no_query_of_the_list_fails(admin_client, query):
    make_product()

    response = admin_client.get(LIST, query, follow=True)

    assert response.status_code == 200
    if "\0" in "".join(query.values()):
        assert "Null characters are not allowed" in response.content.decode()


@pytest.mark.parametrize("pk", ["0", "9" * 30, "abc", "a\0b", "_00"])
def test_a_product_that_does_not_exist_is_reported(admin_client, pk):
    response = admin_client.get(f"{LIST}{pk}/change/", follow=True)

    assert "doesn’t exist" in response.content.decode()


def test_the_vector_is_neither_shown_nor_editable(admin_client):
    product = make_product(embedding=axis(0))
    url = change_url(product)

    page = admin_client.get(url)
    admin_client.post(
        url,
        form_data(
            name=product.name,
            category="",
            embedding="[1]",
            embedding_fingerprint="forged",
            embedded_hash="forged",
        ),
    )

    assert "0.0, 0.0" not in page.content.decode()
    assert "0. 0. 0." not in page.content.decode()
    assert b'name="embedding' not in page.content
    product.refresh_from_db()
    assert list(product.embedding) == axis(0)
    assert product.embedding_fingerprint != "forged"


def test_no_embedding_is_selected_for_display(
    admin_client, django_assert_max_num_queries
):
    product = make_product()

    for url in (LIST, change_url(product)):
        with django_assert_max_num_queries(12) as queries:
            admin_client.get(url)

        for query in queries:
            assert '"products"."embedding",' not in query["sql"]


def test_adding_embeds(admin_client):
    admin_client.post(ADD, form_data())

    product = Product.objects.get()
    assert product.sku == "desk-lamp"
    assert product.embedded_hash == product.text_hash
    assert product.embedding is not None


def test_changing_the_text_embeds_again_and_the_price_does_not(admin_client):
    product = make_product(name="Lamp", sku="lamp")
    data = form_data(sku="lamp", name="Lamp", category="", price="5")

    admin_client.post(change_url(product), data)
    product.refresh_from_db()
    after_price = list(product.embedding)
    admin_client.post(change_url(product), data | {"name": "Torch"})
    product.refresh_from_db()

    assert after_price == axis(0)
    assert (product.name, product.price, product.sku) == ("Torch", 5, "lamp")
    assert list(product.embedding) != axis(0)
    assert product.embedded_hash == product.text_hash


@pytest.mark.usefixtures("broken_model")
def test_a_product_is_saved_with_a_warning_when_it_cannot_be_embedded(admin_client):
    response = admin_client.post(ADD, form_data())

    said = messages_of(response)
    assert Product.objects.get().embedding is None
    assert "Saved, but not embedded: The model is broken. Repair it." in said


def test_the_form_of_a_new_product_has_no_field_that_the_database_fills(admin_client):
    page = admin_client.get(ADD).content.decode()

    assert 'name="price"' in page
    assert "DatabaseDefault" not in page


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"sku": "desk-lamp"}, "sku"),
        ({"sku": ""}, "sku"),
        ({"sku": "a\0b"}, "sku"),
        ({"sku": "x", "name": "a\0b"}, "name"),
        ({"sku": "x", "name": ""}, "name"),
        ({"sku": "x", "name": "x" * 10_000}, "name"),
        ({"sku": "x", "price": "-1"}, "price"),
        ({"sku": "x", "price": "NaN"}, "price"),
        ({"sku": "x", "description": "x" * 20_001}, "description"),
    ],
)
def test_a_wrong_form_tells_the_field(admin_client, changes, field):
    make_product(name="Desk Lamp")

    response = admin_client.post(ADD, form_data(**changes))

    assert response.status_code == 200
    assert field in response.context["adminform"].form.errors
    assert Product.objects.count() == 1


def test_the_list_fits_its_cells(admin_client):
    make_product(name="n" * 190, sku="s" * 190, category="c" * 190, price="1234.5")

    page = admin_client.get(LIST).content.decode()
    german = admin_client.get(LIST, headers={"accept-language": "de"})

    for letter, length in (("n", 70), ("s", 30), ("c", 30)):
        short = letter * (length - 1) + "…"
        assert f'<b title="{letter * 190}">{short}</b>' in page
    assert ">$1,234.50</td>" in page
    assert ">1.234,50\xa0$</td>" in german.content.decode()


def test_every_category_of_the_filter_can_be_read_and_chosen(admin_client):
    make_product(name="Lamp", category="")
    make_product(name="Chair", category="Seats")

    page = admin_client.get(LIST).content.decode()

    assert re.findall(r'<a href="\?category=[^"]*">\s*(.*?)\s*</a>', page) == [
        "No category",
        "Seats",
    ]
    assert names(admin_client.get(LIST, {"category": ""})) == ["Lamp"]


def test_numbers_of_a_product_say_what_they_are(admin_client, settings):
    settings.CURRENCY = "€"
    product = make_product(name="Lamp")
    make_product(name="Torch", embedding=near(0.125), price="3")

    page = admin_client.get(change_url(product)).content.decode()
    similar = admin_client.get(f"{LIST}{product.pk}/similar/").content.decode()

    assert "Price (€):" in page
    assert "Torch</a> (Distance 0.125)" in page
    assert "<td>€3.00</td>" in similar


def test_the_admin_is_for_staff(client):
    assert client.get(LIST).status_code == 302
