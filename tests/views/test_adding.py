"""The page that adds a product: the neighbours it would have."""

import re
from html import unescape

import pytest

from products.models import Product
from tests.factory import make_product

TYPED = {"name": "Lamp", "category": "Home", "description": "Bright", "price": "3"}


def text_of(response):
    return unescape(response.content.decode())


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


@pytest.mark.django_db
def test_who_only_looks_at_the_neighbours_is_not_scolded(client):
    make_product(name="Lamp")

    page = text_of(client.post("/products/add/", TYPED | {"preview": "1", "price": ""}))

    assert "errorlist" not in page
    assert "was not added" not in page
    assert 'value="Lamp"' in page
    assert re.search(r"<textarea[^>]*>\s*Bright</textarea>", page)


@pytest.mark.django_db
def test_after_a_refused_form_the_message_gets_the_focus(client):
    lamp = make_product(name="Lamp")

    page = text_of(client.post("/products/add/", TYPED | {"price": ""}))

    [focused] = re.findall(r"<div[^>]* autofocus>(.*?)</div>", page, re.DOTALL)
    assert "The product was not added." in focused
    assert '<a href="#id_name">Name</a>, <a href="#id_price">Price</a>' in focused
    assert f'<a href="{lamp.get_absolute_url()}">Show Lamp</a>' in focused
    assert page.count("Product 'Lamp' already exists") == 1


@pytest.mark.django_db
def test_the_warning_of_a_duplicate_is_one_link(client, by_hand):
    *_, hit = by_hand
    twin = TYPED | {"name": "Lamp lamp"}
    says = f'<a href="{hit.get_absolute_url()}">Looks like a duplicate of Lamp.</a>'

    while_typing = text_of(client.post("/products/add/", twin | {"preview": "1"}))
    refused = text_of(client.post("/products/add/", twin))
    warned_of = re.search(r'name="warned_of" value="(\d+)"', refused)[1]
    typed_on = text_of(
        client.post("/products/add/", twin | {"preview": "1", "warned_of": warned_of})
    )

    assert warned_of == str(hit.pk)
    assert while_typing.count("duplicate") == while_typing.count(says) == 1
    assert refused.count("duplicate") == refused.count(says) == 1
    assert says not in typed_on  # it still stands in the form
    assert Product.objects.count() == 3


@pytest.mark.django_db
@pytest.mark.parametrize(
    "address",
    ["/?page=abc", "/similar/?product=abc", "/similar/?product={pk}&diversity=2"],
)
def test_a_refused_question_gets_the_focus_unless_somebody_is_typing(client, address):
    path = address.format(pk=make_product().pk)

    loaded = text_of(client.get(path))
    typing = text_of(client.get(path, headers={"HX-Request": "true"}))

    assert loaded.count(" autofocus") == 1
    assert " autofocus" not in typing


# Loading the samples


@pytest.mark.parametrize(
    ("page", "leads_to"),
    [
        ("/map/?x=1", "/map/?x=1"),
        ("", "/"),
        ("list", "/"),
        ("https://elsewhere.example/", "/"),
        ("//elsewhere.example/", "/"),
        ("javascript:alert(1)", "/"),
    ],
)
@pytest.mark.django_db
def test_loading_the_samples_leads_back_to_the_page_of_the_button(
    client, page, leads_to
):
    response = client.post("/samples/load/", {"next": page})

    assert response.url == leads_to
    assert Product.objects.count() == 10


@pytest.mark.django_db
def test_the_button_names_its_page(client):
    assert 'name="next" value="/?q="' in client.get("/?q=").text
