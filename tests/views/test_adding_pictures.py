"""The picture of a product that somebody adds: from a file, or from an address."""

from html import unescape

import pytest
from django.core.files.storage import default_storage

from products.models import Product
from products.pictures.uploads import stored_name
from tests.factory import make_product
from tests.pictures.files import SVG, claims, picture, upload

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]

TYPED = {"name": "Lamp", "category": "Home", "description": "Bright", "price": "3"}


def post(client, **fields):
    return client.post("/products/add/", TYPED | fields)


def page_of(response):
    return unescape(response.content.decode())


def test_a_file_becomes_the_picture_of_the_product(client):
    response = post(client, image_file=upload(picture(800, 600)))

    product = Product.objects.get()
    digest = product.image.removeprefix("upload:")
    page = client.get(response.url)
    assert default_storage.exists(stored_name(digest, 480))
    assert f'src="/pictures/{digest}-480.webp"' in page.content.decode()


def test_without_a_picture_the_product_has_a_drawing(client):
    response = post(client)

    assert Product.objects.get().image == ""
    assert 'class="pic pic-page drawn' in client.get(response.url).content.decode()


@pytest.mark.parametrize(
    ("data", "name", "message"),
    [
        (b"Not a picture.", "lamp.jpg", "no JPEG, PNG or WebP picture"),
        (SVG, "lamp.png", "no JPEG, PNG or WebP picture"),
        (claims(30_000, 30_000), "lamp.png", "too many pixels"),
    ],
)
def test_a_file_that_is_refused_is_an_error_of_its_field(client, data, name, message):
    response = post(client, image_file=upload(data, name))

    page = page_of(response)
    assert response.status_code == 200
    assert message in page
    assert '<a href="#id_image_file">Picture from a file</a>' in page
    assert not Product.objects.exists()


def test_no_address_is_asked_for_where_none_would_be_shown(client, settings):
    without = page_of(client.get("/products/add/"))
    settings.IMAGE_HOSTS = ["cdn.example"]
    named = page_of(client.get("/products/add/"))

    assert '<input type="hidden" name="image"' in without
    assert '<input type="url" name="image"' in named


def test_an_address_must_be_one_that_is_shown(client, settings):
    settings.IMAGE_HOSTS = ["cdn.example"]

    elsewhere = post(client, image="https://other.example/a.jpg")
    script = post(client, image="javascript:alert(1)")
    post(client, image="https://cdn.example/a.jpg")

    assert "Pictures at other.example are not shown here." in page_of(elsewhere)
    assert "Write the whole address of a picture" in page_of(script)
    assert Product.objects.get().image == "https://cdn.example/a.jpg"


def test_a_file_counts_before_an_address(client, settings):
    settings.IMAGE_HOSTS = ["cdn.example"]

    post(client, image="https://cdn.example/a.jpg", image_file=upload(picture()))

    assert Product.objects.get().image.startswith("upload:")


# A file is stored with its product only, and a browser sends it once.

AGAIN = "Choose the picture again"


def test_a_file_of_a_refused_form_is_not_stored_but_asked_for_again(client, media):
    refused = post(client, price="", image_file=upload(picture()))
    without = post(client, price="")

    assert AGAIN in page_of(refused)
    assert AGAIN not in page_of(without)
    assert list(media.rglob("*.*")) == []


def test_a_file_is_asked_for_again_with_the_question_about_a_duplicate(
    client, by_hand, media
):
    like = TYPED | {"name": "Lamp lamp", "description": "", "category": ""}
    asked = post(client, **like, image_file=upload(picture()))
    stored = list(media.rglob("*.*"))
    post(client, **like, image_file=upload(picture()), confirmed="1")

    assert "Add it all the same" in page_of(asked)
    assert AGAIN in page_of(asked)
    assert stored == []
    assert Product.objects.get(name="Lamp lamp").image.startswith("upload:")


def test_a_look_at_the_neighbours_stores_no_file(client, media):
    make_product()

    looked = post(client, preview="1", image_file=upload(picture()))

    assert AGAIN in page_of(looked)
    assert 'value="Lamp"' in page_of(looked)
    assert "errorlist" not in page_of(looked)
    assert list(media.rglob("*.*")) == []


def test_who_may_not_add_products_stores_no_file(client, settings, media):
    settings.OPEN_CATALOG = False

    post(client, image_file=upload(picture()))

    assert list(media.rglob("*.*")) == []
