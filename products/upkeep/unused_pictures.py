"""Uploaded pictures that no product shows any more."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from django.core.files.storage import default_storage
from django.utils import timezone

from products.models import Product
from products.pictures.reference import UPLOAD
from products.pictures.uploads import FOLDER

# A form stores the file just before its product is saved.
YOUNG = timedelta(days=1)
CHUNK_ROWS = 2_000


def unused_pictures(using: str) -> Iterator[str]:
    """Yield the names of the stored files that no product shows, a day old or more.

    A picture is not deleted with its product, since another may show the same. Reads
    the folder once, and the column `image` of all products.
    """
    names: dict[str, list[str]] = {}
    for name in stored_files():
        names.setdefault(UPLOAD + name.partition("-")[0], []).append(name)
    uploads = Product.objects.using(using).filter(image__startswith=UPLOAD)
    for image in uploads.values_list("image", flat=True).iterator(CHUNK_ROWS):
        names.pop(image, None)
    before = timezone.now() - YOUNG
    for files in names.values():
        for name in files:
            path = f"{FOLDER}/{name}"
            if default_storage.get_modified_time(path) < before:
                yield path


def stored_files() -> list[str]:
    """Return the names of all stored files, without their folder."""
    try:
        _folders, files = default_storage.listdir(FOLDER)
    except FileNotFoundError:  # nothing was uploaded yet
        return []
    return [name.rpartition("/")[2] for name in files]  # some name the folder, too
