"""The admin's page of embeddings."""

import pytest
from django.contrib.auth.models import Permission, User
from django.urls import reverse
from pytest_django.asserts import assertContains, assertNotContains, assertRedirects

from products.admin_pages import embeddings
from products.models import EmbeddingRecipe, Product
from tests.backends import PICKY
from tests.factory import make_product

BUTTON = "Embed up to 500 products now"


@pytest.fixture
def url(db):
    return reverse("admin:products_product_embeddings")


def sign_in(client, *permissions):
    user = User.objects.create_user("clerk", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client.force_login(user)


def test_page_counts_states_and_recipes(admin_client, url):
    for _ in range(7):
        make_product()
    for _ in range(3):
        make_product(fingerprint="older/384/0")

    page = admin_client.get(url)

    assertContains(page, "<th scope='row'>Fresh</th><td>7</td>", html=True)
    assertContains(page, "<th scope='row'>older/384/0</th><td>3</td>", html=True)
    assertContains(page, "deterministic/384/")
    assertContains(page, "(in force)", count=1)
    assertContains(page, BUTTON)


def test_button_embeds_what_needs_it(admin_client, url):
    for _ in range(3):
        make_product(embedding=None)

    page = admin_client.post(url, follow=True)

    assertRedirects(page, url)
    assertContains(page, "Embedded 3 products.")
    assertNotContains(page, BUTTON)
    assert Product.objects.embedding_states()["fresh"] == 3


def test_button_stops_at_a_bound(admin_client, url, settings, monkeypatch):
    settings.EMBEDDING_BACKEND = PICKY  # batches of 4
    monkeypatch.setattr(embeddings, "MAX_PRODUCTS", 6)
    for _ in range(12):
        make_product(embedding=None)

    page = admin_client.post(url, follow=True)

    assertContains(page, "Embedded 8 products.")


def test_button_tells_which_text_failed(admin_client, url, settings):
    settings.EMBEDDING_BACKEND = PICKY
    make_product(embedding=None)
    make_product(name="poison", sku="poison", embedding=None)

    page = admin_client.post(url, follow=True)

    assertContains(page, "Embedded 1 product.")
    assertContains(page, "Not embedded: poison: This text cannot be read.")


@pytest.mark.usefixtures("broken_model")
def test_button_tells_that_the_model_is_broken(admin_client, url):
    make_product(embedding=None)

    page = admin_client.post(url, follow=True)

    assertContains(page, "Repair it.")
    assertContains(page, "Embedded 0 products.")


def test_viewer_sees_the_page_without_the_button(client, url):
    make_product(embedding=None)
    sign_in(client, "view_product")

    assertNotContains(client.get(url), BUTTON)
    assert client.post(url).status_code == 403
    assert Product.objects.embedding_states()["missing"] == 1


def test_others_see_nothing(client, url):
    assert client.get(url).status_code == 302

    sign_in(client)

    assert client.get(url).status_code == 403


def test_list_of_products_leads_to_the_page(admin_client, url):
    assertContains(
        admin_client.get(reverse("admin:products_product_changelist")), f'href="{url}"'
    )


def test_page_follows_the_recipe_of_the_database(admin_client, url):
    make_product()
    EmbeddingRecipe.objects.create(backend=PICKY, fingerprint="x/384/0")

    page = admin_client.get(url)

    assertContains(
        page, "<th scope='row'>Embedded by another recipe</th><td>1</td>", html=True
    )
