"""The lab's data: ten sample products, and three new ones to add."""

from __future__ import annotations

import json
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
    with transaction.atomic(), connection.cursor() as cursor:
        # Two visitors may load them at the same time; the second waits, then updates.
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOADING])
        call_command("loaddata", SAMPLE_PRODUCTS, verbosity=0)
    return len(fixture_products(SAMPLE_PRODUCTS))


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
