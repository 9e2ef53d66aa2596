"""`manage.py similar`: the products most like one of them."""

from __future__ import annotations

from typing import Any

from django.core.management import BaseCommand, CommandError, CommandParser
from django.db import DEFAULT_DB_ALIAS, DataError

from products.models import Product


class Command(BaseCommand):
    help = "List the products most like one, nearest first, with their cosine distance."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("sku", help="The sku of the product to compare with.")
        parser.add_argument(
            "-n",
            "--limit",
            type=int,
            default=5,
            help="How many to list, 1 to 200 (default 5).",
        )
        parser.add_argument(
            "--database", default=DEFAULT_DB_ALIAS, help="The database to search."
        )

    def handle(self, *, sku: str, limit: int, database: str, **options: Any) -> None:
        if not 1 <= limit <= 200:
            raise CommandError("--limit takes a whole number from 1 to 200.")
        products = Product.objects.using(database).for_display()
        try:
            product = products.filter(sku=sku).first()
        except (DataError, UnicodeEncodeError):  # no text PostgreSQL can hold
            product = None
        if not product:
            raise CommandError(
                f"There is no product with the sku {sku!r}. The page of products and "
                "the admin show the skus."
            )
        if products.missing_embedding().filter(pk=product.pk).exists():
            raise CommandError(
                f"{product.name} has no embedding yet. Run manage.py embed_products."
            )
        for similar in products.similar_to(product)[:limit]:
            self.stdout.write(
                f"{similar.distance:.4f}  {similar.name}  ({similar.sku})"
            )
