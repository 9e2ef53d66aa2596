"""The pages that explain a result."""

import re

import pytest
from django.utils.html import escape

from products.insight import comparison
from products.search import query_vector
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
def test_the_index_is_named_as_a_plan_and_what_was_read_as_done(client):
    product = make_product(embedding=axis(2))
    for _ in range(6):
        make_product(embedding=axis(2))

    shown = client.get(f"/lab/why/?like={product.pk}").content.decode()
    page = client.get(f"/exact/?like={product.pk}").content.decode()

    # Whether this session took the index is not known without asking once more.
    assert "<dt>Plan</dt>" in shown
    assert "<dd>HNSW index</dd>" not in shown
    assert "7 rows, the whole table" in page
    assert "As planned (exact)" in page
