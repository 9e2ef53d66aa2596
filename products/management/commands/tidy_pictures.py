"""`manage.py tidy_pictures`: find uploaded pictures that no product shows any more."""

from __future__ import annotations

from typing import Any

from django.core.files.storage import default_storage
from django.core.management import CommandError, CommandParser

from products.management.base import ShopCommand
from products.upkeep.unused_pictures import unused_pictures


class Command(ShopCommand):
    help = "List uploaded pictures that no product shows; with --apply delete them."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--apply", action="store_true", help="Delete the files, not only list them."
        )
        self.add_database_argument(parser, "The database whose products count.")

    def handle(self, *, apply: bool, database: str, **options: Any) -> None:
        count = 0
        try:
            for name in unused_pictures(database):
                if apply:
                    default_storage.delete(name)
                self.stdout.write(name)
                count += 1
        except OSError as err:
            raise CommandError(f"The stored pictures cannot be read: {err}") from err
        if apply:
            self.stdout.write(f"Deleted {count} files.")
        else:
            hint = " Delete them with --apply." if count else ""
            self.stdout.write(f"No product shows {count} files.{hint}")
