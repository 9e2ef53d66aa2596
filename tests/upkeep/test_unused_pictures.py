"""Files of pictures that no product shows any more."""

import io
import os
import time

import pytest
from django.core.management import call_command

from products.models import Product
from tests.factory import make_product
from tests.pictures.files import picture, store_upload, upload

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]

TWO_DAYS = 2 * 24 * 60 * 60


def run(*options):
    out = io.StringIO()
    call_command("tidy_pictures", *options, stdout=out)
    return out.getvalue()


def names(media):
    return sorted(path.name for path in media.rglob("*.webp"))


def stored(media, color, *, age=TWO_DAYS):
    """The reference of an upload, stored so many seconds ago."""
    image = store_upload(upload(picture(color=color)))
    for path in media.rglob(f"{image.removeprefix('upload:')}-*.webp"):
        os.utime(path, times=2 * (time.time() - age,))
    return image


def test_without_uploads_there_is_nothing_to_do(media):
    assert run() == "No product shows 0 files.\n"


def test_pictures_that_a_product_shows_stay(media):
    red, blue = stored(media, "red"), stored(media, "blue")
    for name in ("One", "Two"):
        make_product(name=name, image=red)
    Product.objects.filter(name="One").delete()
    before = names(media)

    listed = run()
    still_there = names(media)
    deleted = run("--apply")

    digest = blue.removeprefix("upload:")
    assert listed.count(f"pictures/{digest}-") == 3
    assert listed.endswith("No product shows 3 files. Delete them with --apply.\n")
    assert still_there == before
    assert deleted.endswith("Deleted 3 files.\n")
    assert {name.partition("-")[0] for name in names(media)} == {
        red.removeprefix("upload:")
    }


def test_a_picture_whose_product_is_about_to_be_saved_stays(media):
    stored(media, "red", age=60)

    assert run("--apply") == "Deleted 0 files.\n"
    assert len(names(media)) == 3
