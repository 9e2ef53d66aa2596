"""Signing in and out in the shop, and what the header says of it."""

import pytest
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Permission
from django.test import Client

from products.models import Product
from tests.views.test_catalogue import form_data, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def writer(settings, django_user_model):
    """Somebody who may add products and is not of the staff, in a closed shop."""
    settings.OPEN_CATALOG = False
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    user = django_user_model.objects.create(
        username="writer", password=make_password("right")
    )
    user.user_permissions.add(Permission.objects.get(codename="add_product"))
    return user


def sign_in(client, url="/login/", **fields):
    data = {"username": "writer", "password": "right"} | fields
    return client.post(url, data)


def test_a_writer_signs_in_and_adds_a_product(client, writer):
    asked = client.get("/products/add/")
    page = client.get(asked.url)

    signed_in = sign_in(client, next=page.context["next"])
    added = client.post("/products/add/", form_data())

    assert asked.url == "/login/?next=/products/add/"
    assert page.status_code == 200
    assert signed_in.url == "/products/add/"
    assert added.status_code == 302
    assert Product.objects.count() == 1


def test_the_log_in_shows_what_is_wrong_in_the_shops_dress(client, writer):
    response = sign_in(client, password="wrong")

    page = text_of(response)
    assert response.status_code == 200
    assert "Please enter a correct username and password" in page
    assert "shop.css" in page
    assert 'value="writer"' in page


@pytest.mark.parametrize(
    "target",
    ["https://evil.example/", "//evil.example", "javascript:alert(1)", "/\\evil", ""],
)
@pytest.mark.parametrize("url", ["/login/", "/admin/login/"])
def test_an_unsafe_target_leads_to_a_page_that_is_there(
    client, writer, admin_user, url, target
):
    admin_user.set_password("right")
    admin_user.save()

    response = sign_in(client, url, username=admin_user.username, next=target)

    assert client.get(response.url).status_code == 200
    assert response.url in ("/", "/admin/")


@pytest.mark.parametrize(
    ("headers", "target"),
    [
        ({"referer": "http://testserver/?q=lamp"}, "http%3A//testserver/%3Fq%3Dlamp"),
        ({}, "/"),
    ],
    ids=["with the form's page", "without"],
)
def test_after_signing_in_for_a_form_its_page_comes_back(
    client, writer, headers, target
):
    response = client.post("/samples/load/", headers=headers)

    assert response.url == f"/login/?next={target}"
    landed = client.post(response.url, {"username": "writer", "password": "right"})
    assert client.get(landed.url).status_code == 200


def test_the_header_names_the_user_and_signs_out(client, writer):
    sign_in(client)
    page = text_of(client.get("/"))

    response = client.post("/logout/")

    assert "writer" in page
    assert 'action="/logout/"' in page
    assert response.url == "/"
    after = text_of(client.get("/"))
    assert "writer" not in after
    assert 'href="/login/"' in after


def test_signing_out_needs_the_forms_token(writer):
    client = Client(enforce_csrf_checks=True)
    client.force_login(writer)

    assert client.post("/logout/").status_code == 403
    assert client.get("/products/add/").status_code == 200


def test_the_address_for_signing_out_has_a_page_that_changes_nothing(client, writer):
    client.force_login(writer)

    page = text_of(client.get("/logout/"))

    assert "You are signed in as writer." in page
    assert client.get("/products/add/").status_code == 200
    client.logout()
    assert "You are not signed in." in text_of(client.get("/logout/"))


def test_the_log_in_speaks_german(client):
    page = client.get("/login/", headers={"accept-language": "de"}).content.decode()

    assert "<h1>Anmelden</h1>" in page
    assert "Passwort" in page
    assert "Sign in" not in page
