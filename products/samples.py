"""The lab's data: sets of sample products that are loaded and removed as one.

ten: the original samples. new: three prepared ones to add. thousand: about 1,000, which
fixtures/make_catalogue.py makes, so that index, filters and map have something to show.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.db import connection, transaction

from products.embeddings.text import text_hash
from products.models import EmbeddingRecipe, Product
from products.querysets import ProductQuerySet
from products.sql.sharding import locked

SAMPLE_PRODUCTS = "sample_products.json"
NEW_PRODUCTS = "new_products.json"
CATALOGUE_1000 = "catalogue_1000.json.gz"
SETS = {"ten": SAMPLE_PRODUCTS, "thousand": CATALOGUE_1000, "new": NEW_PRODUCTS}

LOADING = 0x5A3B1E5  # key of the advisory lock: any number that nothing else uses
BATCH = 200  # products that a statement writes


@dataclass(frozen=True)
class Sample:
    """What tells whether somebody changed a sample product, and who embedded it."""

    text_hash: str
    price: Decimal
    image: str
    fingerprint: str


@dataclass(frozen=True)
class Found:
    """The products of a set that are in the catalogue.

    unchanged: the ids of those that are as the set has them. changed: how many are not.
    """

    unchanged: list[int]
    changed: int

    @property
    def count(self) -> int:
        return len(self.unchanged) + self.changed


# Load


def load_sample_products() -> int:
    """Return how many of the ten sample products were loaded; see load()."""
    return load("ten")


def load(name: str, *, replace: bool = True) -> int:
    """Return how many products of a set were loaded into the catalogue.

    A product whose sku is there already gets the sample's values back and keeps its id;
    without *replace* it stays as it is and is not counted. Raises CommandError or
    DatabaseError when the database refuses a product; nothing is changed then.
    """
    with loading_alone():
        if replace:
            call_command("loaddata", SETS[name], verbosity=0)
            return size(name)
        products = sorted(products_of(name), key=lambda product: product.sku)
        present = set(of_set(name).values_list("sku", flat=True))
        missing = [product for product in products if product.sku not in present]
        # An import may add one at this moment; it stays as it is.
        Product.objects.bulk_create(missing, BATCH, ignore_conflicts=True)
    return len(missing)


@contextmanager
def loading_alone() -> Iterator[None]:
    """Run the block in a transaction; two visitors may load at the same time."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOADING])
        yield


# Remove


def remove(name: str) -> Found:
    """Remove the products of a set that nobody has changed; return what was found.

    One whose text, price or picture is no longer the sample's is somebody's work, and
    stays.
    """
    with loading_alone():
        found = find(name, for_update=True)
        Product.objects.filter(pk__in=found.unchanged).delete()
    return found


def find(name: str, *, for_update: bool = False) -> Found:
    """Return which products of a set are in the catalogue."""
    products = of_set(name).order_by("pk")
    samples, unchanged, changed = samples_of(name), [], 0
    columns = products.values_list("pk", "sku", "text_hash", "price", "image")
    for pk, sku, hash, price, image in locked(columns) if for_update else columns:
        sample = samples[sku]
        if (hash, price, image) == (sample.text_hash, sample.price, sample.image):
            unchanged.append(pk)
        else:
            changed += 1
    return Found(unchanged, changed)


# What is there


def counts() -> dict[str, int]:
    """Return how many products of each set are in the catalogue. One statement."""
    every = [sku for name in SETS for sku in samples_of(name)]
    products = Product.objects.filter(sku__in=every).order_by()
    present = set(products.values_list("sku", flat=True))
    return {name: len(present & samples_of(name).keys()) for name in SETS}


def size(name: str) -> int:
    """Return how many products a set has."""
    return len(samples_of(name))


def fit_recipe(name: str) -> bool:
    """Return whether the recipe in force made the embeddings of a set.

    Otherwise its products are loaded as such that have to be embedded.
    """
    recipe = EmbeddingRecipe.objects.current(None).fingerprint
    return {sample.fingerprint for sample in samples_of(name).values()} == {recipe}


def of_set(name: str) -> ProductQuerySet:
    """Return the products whose skus are those of a set."""
    return Product.objects.filter(sku__in=list(samples_of(name)))


# The files


@cache
def samples_of(name: str) -> dict[str, Sample]:
    """Return the samples of a set, by sku."""
    return {
        fields["sku"]: Sample(
            text_hash(fields["name"], fields["category"], fields["description"]),
            Decimal(fields["price"]),
            fields.get("image", ""),
            fields["embedding_fingerprint"],
        )
        for fields in read_fields(SETS[name])
    }


def products_of(name: str) -> list[Product]:
    """Return the products of a set, not saved. Those of the large one are read anew."""
    small = name != "thousand"
    return (fixture_products if small else read_products)(SETS[name])


def new_products() -> dict[str, Product]:
    """Return the prepared products that can be added, by sku, with their embeddings."""
    return {product.sku: product for product in fixture_products(NEW_PRODUCTS)}


def fixture_products(file: str) -> list[Product]:
    """Return the products of a small fixture, not saved.

    Runs no statement, unlike Django's deserializer, which looks for each product by
    its natural key.
    """
    return [make_product(**fields) for fields in fixture_fields(file)]


def read_products(file: str) -> list[Product]:
    """Return the products of a fixture, not saved, and remember nothing."""
    return [make_product(**fields) for fields in read_fields(file)]


@cache
def fixture_fields(file: str) -> list[dict[str, Any]]:
    """Return the columns of each product in a fixture, read once."""
    return read_fields(file)


def read_fields(file: str) -> list[dict[str, Any]]:
    """Return the columns of each product in a fixture."""
    path = Path(settings.FIXTURE_DIRS[0]) / file
    content = path.read_bytes()
    if path.suffix == ".gz":
        content = gzip.decompress(content)
    return [item["fields"] for item in json.loads(content)]


def make_product(*, price: str, **fields: Any) -> Product:
    """Return the product of a fixture's columns."""
    return Product(price=Decimal(price), **fields)
