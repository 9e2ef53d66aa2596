"""A product's picture in the admin: looked at, sent as a file, or as an address."""

import pytest

from products.models import Product
from tests.factory import make_product
from tests.pictures.files import SVG, picture, upload

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]

ELSEWHERE = "https://other.example/a.jpg"


def url(product):
    return f"/admin/products/product/{product.pk}/change/"


def data(product, **changes):
    names = ("sku", "name", "category", "description", "price", "image")
    return {name: getattr(product, name) for name in names} | changes


def test_the_page_shows_the_picture_or_the_drawing(admin_client):
    mouse = make_product(name="Mouse", image="sample:mouse")
    lamp = make_product(name="Lamp")

    shown = admin_client.get(url(mouse)).content.decode()
    drawn = admin_client.get(url(lamp)).content.decode()

    assert 'src="/static/products/samples/mouse.svg"' in shown
    assert 'class="pic pic-card drawn' in drawn
    assert "products/picture.css" in drawn


def test_a_file_replaces_the_picture(admin_client):
    product = make_product(image="sample:mouse")

    admin_client.post(url(product), data(product, image_file=upload(picture())))

    assert Product.objects.get().image.startswith("upload:")


def test_a_product_is_added_with_a_file(admin_client):
    lamp = Product(sku="lamp", name="Lamp", price=1)
    admin_client.post(
        "/admin/products/product/add/", data(lamp, image_file=upload(picture()))
    )

    assert Product.objects.get(sku="lamp").image.startswith("upload:")


def test_a_file_of_a_refused_product_is_not_stored(admin_client, media):
    product = make_product()

    page = admin_client.post(
        url(product), data(product, name="", image_file=upload(picture()))
    )

    assert "Choose the picture again" in page.content.decode()
    assert list(media.rglob("*.*")) == []


def test_the_field_names_all_that_it_may_hold(admin_client):
    page = admin_client.get(url(make_product(image="sample:mouse"))).content.decode()

    assert "sample: and the name of a sample" in page


def test_a_file_that_is_no_picture_is_refused(admin_client):
    product = make_product(image="sample:mouse")

    page = admin_client.post(url(product), data(product, image_file=upload(SVG)))

    assert "no JPEG, PNG or WebP picture" in page.content.decode()
    assert Product.objects.get().image == "sample:mouse"


def test_an_imported_address_elsewhere_stays_but_no_new_one_comes(admin_client):
    product = make_product(image=ELSEWHERE)

    admin_client.post(url(product), data(product, name="New name"))
    page = admin_client.post(url(product), data(product, image=f"{ELSEWHERE}?2"))

    assert "Pictures at other.example are not shown here." in page.content.decode()
    assert Product.objects.values_list("name", "image").get() == ("New name", ELSEWHERE)


def test_who_may_only_look_sees_the_picture_and_no_field(log_in):
    product = make_product(image="sample:mouse")

    page = log_in("view").get(url(product)).content.decode()

    assert 'src="/static/products/samples/mouse.svg"' in page
    assert 'type="file"' not in page
