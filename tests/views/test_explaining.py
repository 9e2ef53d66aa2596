"""The pages that explain a result."""

import re

import pytest
from django.db import OperationalError
from django.utils.html import escape
from psycopg.errors import QueryCanceled

from products.insight import comparison, explanation
from products.models import Product
from products.search import query_vector
from products.sql.watch import Scan
from products.turns import Turns
from products.views import explaining
from tests.factory import axis, make_product


def test_the_similar_products_lead_to_their_parts_and_back(client, by_hand):
    lamp, _, hit = by_hand
    address = f"/products/{hit.pk}/why/?like={lamp.pk}"

    shown = client.get(f"/similar/?product={lamp.pk}").content.decode()
    page = client.get(address).content.decode()

    assert f'href="{address}"' in shown
    assert "The name matters most." in page
    assert "The whole text has a similarity of 0.58." in page
    rows = re.findall(r'width="(\d+)%".*?([+−]?\d\.\d\d)(?=<| <span)', page)
    assert rows == [("82", "+0.58"), ("18", "−0.13"), ("18", "−0.13")]
    assert f'href="{lamp.get_absolute_url()}#similar"' in page


@pytest.mark.parametrize("path", ["/products/{hit}/why/", "/exact/"])
def test_the_way_back_from_several_examples_is_to_their_results(client, by_hand, path):
    lamp, home, hit = by_hand
    query = f"?like={lamp.pk}&unlike={home.pk}"

    page = client.get(path.format(hit=hit.pk) + query).content.decode()

    assert f'href="/{escape(query)}"' in page


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/exact/", "/products/{pk}/why/"])
@pytest.mark.parametrize(
    ("query", "says"),
    [("", "Ask for something first"), ("?like=0", "no product number 0")],
)
def test_a_question_about_nothing_is_reported(client, path, query, says):
    product = make_product(embedding=axis(2))

    response = client.get(path.format(pk=product.pk) + query)

    assert response.status_code == 400
    assert says in response.content.decode()


@pytest.mark.usefixtures("broken_model")
@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/exact/?q=x", "/products/{pk}/why/?q=x"])
def test_a_model_that_fails_is_reported(client, path):
    product = make_product()

    response = client.get(path.format(pk=product.pk))

    assert response.status_code == 400
    assert "does not answer" in response.content.decode()


@pytest.mark.django_db
def test_who_compares_while_others_do_is_told_to_come_back(client, monkeypatch):
    product = make_product(embedding=axis(2))
    monkeypatch.setattr(comparison, "WAIT_SECONDS", 0.01)

    with comparison.TURNS.taken(seconds=0):
        response = client.get(f"/exact/?like={product.pk}")
    afterwards = client.get(f"/exact/?like={product.pk}")

    assert (response.status_code, response.headers["Retry-After"]) == (503, "5")
    assert "try again in a few seconds" in response.content.decode()
    assert afterwards.status_code == 200


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/exact/?q=lamp", "/products/{pk}/why/?q=lamp"])
def test_who_has_no_turn_for_a_text_is_told_to_come_back(client, monkeypatch, path):
    product = make_product()
    monkeypatch.setattr(query_vector, "WAIT_SECONDS", 0.01)

    with query_vector.TURNS.taken(seconds=0):
        response = client.get(path.format(pk=product.pk))

    assert response.status_code == 503
    assert "try again in a few seconds" in response.content.decode()


@pytest.mark.django_db
def test_what_postgresql_read_is_said_on_both_pages(client):
    product = make_product(embedding=axis(2))
    for _ in range(6):
        make_product(embedding=axis(2))

    shown = client.get(f"/lab/why/?like={product.pk}").content.decode()
    page = client.get(f"/exact/?like={product.pk}").content.decode()

    assert "HNSW index" not in shown
    assert "<strong>The nearest products:</strong> 7 rows, the whole table" in shown
    assert "7 rows, the whole table" in page
    assert "As planned (exact)" in page


def test_the_page_leads_to_the_parts_of_each_product_and_to_the_exact_answer(
    client, by_hand
):
    page = client.get("/lab/why/?q=lamp&mode=semantic").content.decode()

    for product in by_hand:
        if product.name == "Lamp":
            address = f"/products/{product.pk}/why/?q=lamp&amp;mode=semantic"
            assert f'href="{address}"' in page
    assert 'href="/exact/?q=lamp&amp;mode=semantic"' in page


def test_without_a_question_the_page_says_what_it_is_for(client, db):
    response = client.get("/lab/why/")

    assert response.status_code == 200
    assert "Ask something" in response.content.decode()


def test_a_statement_that_takes_too_long_is_reported(client, by_hand, monkeypatch):
    def slow(*args, **kwargs):
        raise OperationalError from QueryCanceled()

    monkeypatch.setattr(explaining, "explain", slow)

    response = client.get("/lab/why/?q=lamp")

    assert response.status_code == 400
    assert "more than 5 seconds" in response.content.decode()


def test_a_database_that_fails_is_no_slow_statement(client, by_hand, monkeypatch):
    def broken(*args, **kwargs):
        raise OperationalError("gone")

    monkeypatch.setattr(explaining, "explain", broken)

    with pytest.raises(OperationalError, match="gone"):
        client.get("/lab/why/?q=lamp")


def test_who_has_a_search_explained_waits_for_a_turn(client, by_hand, monkeypatch):
    monkeypatch.setattr(explanation, "WAIT_SECONDS", 0.01)
    monkeypatch.setattr(explanation, "TURNS", Turns(1, waiting=0))

    with explanation.TURNS.taken(seconds=0):
        response = client.get("/lab/why/?q=lamp")

    assert response.status_code == 503


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("node", "index", "says"),
    [
        ("Seq Scan", "", "5 rows, the whole table"),
        ("Index Scan", "a_idx", "5 rows, by the index a_idx"),
        ("Bitmap Heap Scan", "a_idx", "5 rows, by the index a_idx"),
        ("Bitmap Heap Scan", "", "5 rows, by several indexes"),
    ],
)
def test_the_way_postgresql_read_is_named(client, monkeypatch, node, index, says):
    product = make_product(name="Lamp")
    make_product(name="Sofa")
    scan = Scan(node, index, rows=3, removed=2, milliseconds=1.0)
    monkeypatch.setattr("products.sql.watch.read_scan", lambda output: scan)

    shown = client.get(f"/lab/why/?like={product.pk}").content.decode()
    compared = client.get(f"/exact/?like={product.pk}").content.decode()

    assert f"The nearest products:</strong> {says} " in shown
    assert f"<dd>{says}</dd>" in compared


@pytest.mark.usefixtures("broken_model")
@pytest.mark.django_db
def test_where_the_model_fails_the_scores_are_those_of_words(client):
    make_product(name="Lamp")

    page = client.get("/lab/why/?q=lamp").content.decode()

    assert "VectorShop looked in the products for your words" in page
    assert "Searching by meaning is not possible just now" in page
    assert "The score is the share of the words" in page
    assert "Which part matters" not in page


@pytest.mark.django_db
def test_an_example_without_embedding_is_compared_with_nothing(client):
    bare, other = make_product(name="Lamp", embedding=None), make_product(name="Sofa")

    page = client.get(f"/lab/why/?like={bare.pk}&why_not={other.sku}").content.decode()

    assert "could compare no product with “Lamp” and found none to list" in page
    assert "<strong>Embedding:</strong> Lamp has no embedding" in page


# Why not this one?


@pytest.fixture
def shop(db):
    """A lamp, and a sofa that a search for lamps does not find."""
    products = [Product(name="Lamp", price=1), Product(name="Sofa", price=1)]
    for product in products:
        product.save()
    return products


def test_a_missing_product_is_explained_by_its_sku(client, shop):
    lamp, sofa = shop

    page = client.get(f"/lab/why/?q=lamp&why_not={sofa.sku}&page=1").content.decode()

    assert "“Sofa” is not in the results." in page
    assert "It has none of the words: “lamp”." in page
    # The question goes on without the product, and the product is kept in the box.
    assert 'href="/?q=lamp&amp;page=1"' in page
    assert f'value="{sofa.name}"' in page
    assert f"/products/{lamp.pk}/why/?q=lamp&amp;page=1" in page


def test_half_a_name_gives_products_to_choose_from(client, shop):
    page = client.get("/lab/why/?q=lamp&why_not=Sof").content.decode()

    assert 'href="/lab/why/?q=lamp&amp;why_not=sofa#why-not"' in page
    assert "is not in the results" not in page


def test_an_unknown_name_is_reported(client, shop):
    page = client.get("/lab/why/?q=lamp&why_not=zzzz").content.decode()

    assert "No product has a name like that." in page


@pytest.mark.parametrize("text", ["%00", "x" * 1_001], ids=["nul", "long"])
def test_a_name_that_is_no_text_is_refused(client, shop, text):
    response = client.get(f"/lab/why/?q=lamp&why_not={text}")

    assert response.status_code == 200
    assert '<ul class="errorlist">' in response.content.decode()


def test_while_a_name_is_typed_only_the_choices_come(client, shop, monkeypatch):
    monkeypatch.setattr(explaining, "explain", lambda *_: pytest.fail("Searched."))

    page = client.get(
        "/lab/why/?q=lamp&why_not=Sof", headers={"HX-Target": "why-not-choices"}
    ).content.decode()

    assert page.strip().startswith('<ul class="choices">')
    assert "Sofa" in page
