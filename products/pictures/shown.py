"""What a page shows for a product that has a picture: its addresses."""

from __future__ import annotations

from functools import lru_cache
from typing import Protocol

from django.templatetags.static import static
from django.urls import get_script_prefix, reverse

from products.pictures.reference import (
    SAMPLE,
    SAMPLES,
    SAMPLES_FOLDER,
    UPLOAD,
    host_of,
    is_elsewhere,
)

# The pixels to a side in which an uploaded picture is stored. A small one is shown with
# 64 of the page's pixels, a card's with up to 480, a product's page with up to 640; a
# display may have two or more for each.
WIDTHS = (160, 480, 960)


class HasPicture(Protocol):
    """A product, or what else says where its picture is."""

    image: str


def image_address(product: HasPicture, width: int = WIDTHS[-1]) -> str | None:
    """Return the address of a product's picture; None: it has none, so one is drawn.

    width: one of WIDTHS, which counts for uploads only. The address begins with "/"
    for a picture of the shop's own: request.build_absolute_uri() makes it whole.
    """
    image = product.image
    if image.startswith(UPLOAD):
        return upload_address(image, width)
    if image.startswith(SAMPLE):
        name = image.removeprefix(SAMPLE)
        return static(f"{SAMPLES_FOLDER}/{name}.svg") if name in SAMPLES else None
    return image if host_of(image) and not is_elsewhere(image) else None


def image_srcset(product: HasPicture) -> str:
    """Return the sizes to choose from, as srcset has them; "" when there is one."""
    if not product.image.startswith(UPLOAD):
        return ""
    return ", ".join(
        f"{upload_address(product.image, width)} {width}w" for width in WIDTHS[1:]
    )


def upload_address(image: str, width: int) -> str:
    """Return the address at which views.pictures serves an uploaded picture."""
    folder = uploads_folder(get_script_prefix())
    return f"{folder}{image.removeprefix(UPLOAD)}-{width}.webp"


@lru_cache(maxsize=32)
def uploads_folder(prefix: str) -> str:
    """Return where the addresses of uploads begin, below the *prefix* in force.

    Remembered, since reverse() takes longer than all else for a picture.
    """
    digest = 32 * "0"
    return reverse("products:picture", args=[digest, WIDTHS[0]]).partition(digest)[0]
