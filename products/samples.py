"""The lab's data: ten sample products, and three new ones to add."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.db import connection, transaction

from products.models import Product

SAMPLE_PRODUCTS = "sample_products"
NEW_PRODUCTS = "new_products"
LOADING = 0x5A3B1E5  # key of the advisory lock: any number that nothing else uses


def load_sample_products() -> int:
    """Return how many sample products were loaded into the catalogue.

    Runs `loaddata`: a product whose sku is there already gets the sample's values back
    and keeps its id. Raises CommandError when the database refuses them; nothing is
    changed then.
    """
    with loading_alone():
        call_command("loaddata", SAMPLE_PRODUCTS, verbosity=0)
    return len(fixture_products(SAMPLE_PRODUCTS))


def add_missing_samples() -> int:
    """Return how many sample products were added, because their sku was not there.

    Raises DatabaseError when the database refuses them; nothing is changed then.
    """
    samples = fixture_products(SAMPLE_PRODUCTS)
    with loading_alone():
        skus = [product.sku for product in samples]
        found = Product.objects.filter(sku__in=skus).values_list("sku", flat=True)
        present = set(found)
        missing = [product for product in samples if product.sku not in present]
        # An import may add one at this moment; it stays as it is.
        Product.objects.bulk_create(missing, ignore_conflicts=True)
    return len(missing)


@contextmanager
def loading_alone() -> Iterator[None]:
    """Run the block in a transaction; two visitors may load at the same time."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOADING])
        yield


def new_products() -> dict[str, Product]:
    """Return the prepared products that can be added, by sku, with their embeddings."""
    return {product.sku: product for product in fixture_products(NEW_PRODUCTS)}


def fixture_products(name: str) -> list[Product]:
    """Return the products of a fixture, not saved.

    Runs no statement, unlike Django's deserializer, which looks for each product by
    its natural key.
    """
    path = Path(settings.FIXTURE_DIRS[0]) / f"{name}.json"
    return [make_product(**fields) for fields in fixture_fields(path)]


@cache
def fixture_fields(path: Path) -> list[dict[str, Any]]:
    """Return the columns of each product in a fixture, read once."""
    items = json.loads(path.read_text(encoding="utf-8"))
    return [item["fields"] for item in items]


def make_product(*, price: str, **fields: Any) -> Product:
    """Return the product of a fixture's columns."""
    return Product(price=Decimal(price), **fields)
