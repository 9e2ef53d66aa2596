"""Uploaded pictures: what is refused before it is decoded, and what is stored."""

import hashlib
from io import BytesIO
from types import SimpleNamespace

import pytest
from django.core.exceptions import ValidationError
from django.core.files.storage import default_storage
from PIL import Image, ImageCms

from products.pictures import uploads
from products.pictures.uploads import stored_name
from products.turns import Turns
from tests.pictures.files import (
    SVG,
    claims,
    moving,
    photo_with_place,
    picture,
    store_upload,
    upload,
)

pytestmark = pytest.mark.usefixtures("media")


def stored(data, width=960):
    """The stored picture of an upload, in one of its sizes."""
    digest = store_upload(upload(data)).removeprefix("upload:")
    with default_storage.open(stored_name(digest, width)) as file:
        image = Image.open(BytesIO(file.read()))
    image.load()
    return image


def refusal_of(data, name="lamp.png"):
    with pytest.raises(ValidationError) as caught:
        store_upload(upload(data, name))
    return caught.value.code


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize(
    ("width", "size"), [(160, (160, 120)), (480, (480, 360)), (960, (960, 720))]
)
def test_a_picture_is_stored_in_three_sizes(format, width, size):
    image = stored(picture(2000, 1500, format), width)

    assert (image.format, image.size) == ("WEBP", size)


def test_a_small_picture_is_not_enlarged():
    assert stored(picture(40, 30)).size == (40, 30)


def test_the_name_is_made_of_the_content_and_not_of_the_name(media):
    data = picture()

    reference = store_upload(upload(data, "../../evil.html"))

    digest = hashlib.sha256(data).hexdigest()[:32]
    assert reference == f"upload:{digest}"
    assert sorted(path.name for path in media.rglob("*.*")) == [
        f"{digest}-160.webp",
        f"{digest}-480.webp",
        f"{digest}-960.webp",
    ]


def test_the_same_file_is_stored_once(media, monkeypatch):
    first = store_upload(upload(picture()))
    monkeypatch.setattr(uploads, "redrawn", None)  # would fail, were it called

    assert store_upload(upload(picture(), "other.png")) == first
    assert len(list(media.rglob("*.webp"))) == 3


# What is refused


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"Not a picture at all.", "lamp.jpg"),
        (b"", "lamp.jpg"),
        (SVG, "lamp.png"),
        (SVG, "lamp.svg"),
        (b"<!doctype html><script>alert(1)</script>", "lamp.webp"),
        (picture(format="GIF"), "lamp.png"),
        (picture(format="TIFF"), "lamp.png"),
        (picture(format="BMP"), "lamp.png"),
        (picture(400, 300, "JPEG")[:700], "lamp.jpg"),
        (picture(400, 300, "PNG")[:100], "lamp.png"),
        (picture(400, 300, "WEBP")[:100], "lamp.webp"),
        (claims(300, 300), "lamp.png"),  # with pixels for one line
    ],
)
def test_what_is_no_whole_picture_is_refused_whatever_its_name(data, name, media):
    assert refusal_of(data, name) == "format"
    assert list(media.rglob("*.*")) == []


@pytest.mark.parametrize(
    ("width", "height"), [(30_000, 30_000), (12_000, 12_000), (5001, 5000), (10_001, 1)]
)
def test_a_picture_that_says_it_is_enormous_is_not_decoded(width, height, monkeypatch):
    monkeypatch.setattr(Image.Image, "load", None)  # would fail, were it called

    assert refusal_of(claims(width, height)) == "pixels"


def test_the_bomb_is_small_and_well_made():
    bomb = picture(5001, 5000, mode="1", color=0)

    assert len(bomb) < 10_000
    assert refusal_of(bomb) == "pixels"


@pytest.mark.parametrize("size", [(1, 5000), (15, 15), (161, 16), (16, 161)])
def test_a_sliver_is_refused(size):
    assert refusal_of(picture(*size)) == "shape"


@pytest.mark.parametrize("size", [(16, 16), (160, 16)])
def test_a_small_or_long_picture_is_taken(size):
    assert stored(picture(*size)).size == size


@pytest.mark.parametrize("format", ["WEBP", "PNG"])
def test_pictures_that_move_are_refused(format):
    assert refusal_of(moving(format)) == "moves"


def test_a_file_of_too_many_bytes_is_refused_unread():
    file = SimpleNamespace(size=uploads.MAX_BYTES + 1)  # which cannot be read

    with pytest.raises(ValidationError) as caught:
        store_upload(file)

    assert caught.value.code == "bytes"
    assert "more than 10 MB" in caught.value.messages[0]


def test_who_waits_too_long_is_asked_to_come_again(monkeypatch):
    monkeypatch.setattr(uploads, "TURNS", Turns(1, waiting=0))

    with uploads.TURNS.taken(seconds=0):
        assert refusal_of(picture()) == "busy"


# What becomes of it


def test_a_photo_is_turned_upright_and_forgets_where_it_was_taken():
    data = photo_with_place()

    image = stored(data)

    assert b"Maker of phones" in data
    assert Image.open(BytesIO(data)).getexif().get_ifd(0x8825)[2] == (52, 31, 12)
    assert image.size == (20, 40)
    assert is_near(image.getpixel((10, 5)), (255, 0, 0))  # left has become the top
    assert is_near(image.getpixel((10, 35)), (0, 0, 255))
    assert dict(image.getexif()) == {}
    assert set(image.info) <= {"loop", "background", "timestamp", "duration"}


def test_nothing_that_was_hidden_behind_a_picture_is_stored(media):
    store_upload(upload(picture(format="JPEG") + b"<script>alert(1)</script>"))

    for path in media.rglob("*.webp"):
        assert b"script" not in path.read_bytes()
        assert path.read_bytes()[:4] == b"RIFF"


def test_what_is_transparent_stays_so():
    image = stored(picture(mode="RGBA", color=(0, 128, 0, 0)))

    assert image.mode == "RGBA"
    assert image.getpixel((5, 5))[3] == 0


@pytest.mark.parametrize(
    ("mode", "format", "color", "shown"),
    [
        ("L", "PNG", 128, (128, 128, 128)),
        ("I;16", "PNG", 128 * 256, (128, 128, 128)),
        ("1", "PNG", 1, (255, 255, 255)),
        ("P", "PNG", 0, (0, 0, 0)),
        ("CMYK", "JPEG", (0, 255, 255, 0), (255, 0, 0)),
    ],
)
def test_other_kinds_of_colours_become_those_of_a_screen(mode, format, color, shown):
    image = stored(picture(format=format, mode=mode, color=color))

    assert image.mode == "RGB"
    assert is_near(image.getpixel((5, 5)), shown)


def test_colours_are_those_of_the_pictures_own_profile():
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    # A profile that means green by what others call red.
    swapped = srgb.replace(b"rXYZ", b"????").replace(b"gXYZ", b"rXYZ")
    swapped = swapped.replace(b"????", b"gXYZ")
    xyz = ImageCms.ImageCmsProfile(ImageCms.createProfile("XYZ")).tobytes()

    same = stored(picture(color=(200, 100, 50), icc_profile=srgb))
    green = stored(picture(color=(255, 0, 0), icc_profile=swapped))
    broken = stored(picture(color=(200, 100, 50), icc_profile=b"no profile"))
    unfit = stored(picture(color=(200, 100, 50), icc_profile=xyz))

    assert is_near(same.getpixel((5, 5)), (200, 100, 50))
    assert is_near(green.getpixel((5, 5)), (0, 255, 0))
    assert is_near(broken.getpixel((5, 5)), (200, 100, 50))
    assert unfit.mode == "RGB"


def is_near(color, wanted):
    return all(abs(a - b) <= 8 for a, b in zip(color[:3], wanted, strict=True))
