"""`manage.py embed_products`: bring the embeddings up to date."""

from __future__ import annotations

from typing import Any

from django.core.management import BaseCommand, CommandError, CommandParser
from django.db import DEFAULT_DB_ALIAS
from tqdm import tqdm

from products.embeddings import EmbeddingError
from products.lifecycle import embed_pending
from products.models import Product


class Command(BaseCommand):
    help = (
        "Embed the products whose embedding is missing, stale or of another recipe. "
        "Can be stopped and run again at any time, also several at once."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--database", default=DEFAULT_DB_ALIAS, help="The database to work in."
        )

    def handle(self, *, database: str, verbosity: int, **options: Any) -> None:
        pending = Product.objects.using(database).needs_embedding().count()
        done = 0
        with tqdm(
            total=pending,
            unit=" texts",
            disable=verbosity == 0 or None,
            file=self.stderr,
        ) as bar:
            try:
                for count in embed_pending(using=database):
                    done += count
                    bar.update(count)
            except EmbeddingError as err:
                raise CommandError(
                    f"{err} {done} products were embedded before."
                ) from err
        self.stdout.write(self.style.SUCCESS(f"Embedded {done} products."))
