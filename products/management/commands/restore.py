"""`manage.py restore FILE`: fill an empty database with a backup."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management import CommandParser
from django.db import connections

from products.management.base import ShopCommand
from products.models import Product
from vectorshop.db.backups import BackupError, restore


class Command(ShopCommand):
    help = "Fill an empty database with a backup, whole or not at all."
    about = (
        "Set DB_NAME to a database without tables; the embedded server makes it. Run\n"
        "`manage.py migrate` afterwards if the shop is newer than the backup."
    )
    expected = (BackupError,)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="What `manage.py backup` wrote.")
        self.add_database_argument(parser, "The database to fill.")

    def handle(self, *, file: Path, database: str, **options: Any) -> None:
        restore(connections[database], file)
        products = Product.objects.using(database).order_by().values("pk").count()
        self.stdout.write(f"Restored {file}: {products:,} products.")
