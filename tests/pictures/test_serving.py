"""Uploaded pictures, as a browser fetches them."""

import pytest

from products.pictures.shown import upload_address
from tests.pictures.files import picture, store_upload, upload

pytestmark = pytest.mark.usefixtures("media")


def test_an_upload_is_served_for_good_under_a_type_that_runs_nothing(client):
    image = store_upload(upload(picture(), "evil.html"))

    response = client.get(upload_address(image, 480))

    assert response.status_code == 200
    assert response.headers["Content-Type"] == "image/webp"
    assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.content[:4] == b"RIFF"


@pytest.mark.django_db
def test_who_is_signed_in_keeps_pictures_too(admin_client):
    address = upload_address(store_upload(upload(picture())), 160)

    response = admin_client.get(address)

    assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"


@pytest.mark.parametrize(
    "name",
    [
        f"{'0' * 32}-480.webp",
        "{digest}-481.webp",
        "{digest}-480.html",
        "{digest}-480.webp/",
        "../secret_key",
        "..%2Fsecret_key-480.webp",
        "%00-480.webp",
    ],
)
@pytest.mark.django_db
def test_nothing_else_is_served(client, name):
    digest = store_upload(upload(picture())).removeprefix("upload:")

    assert client.get(f"/pictures/{name.format(digest=digest)}").status_code == 404
