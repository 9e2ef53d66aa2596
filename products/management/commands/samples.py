"""`manage.py samples`: load or remove a set of sample products."""

from __future__ import annotations

from typing import Any

from django.core.management import CommandError, CommandParser
from django.db import Error

from products import samples
from products.management.base import ShopCommand, database_problem

ABOUT = """
The sets: ten, the products of the lab; thousand, about 1,000 products of 14 categories;
new, the three products that the lab adds.

Loading puts back the values of sample products that were changed. Removing keeps those
that somebody changed.
"""


class Command(ShopCommand):
    help = "Load or remove a set of sample products, with their embeddings."
    about = ABOUT

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "action", choices=("load", "remove"), help="What to do with the set."
        )
        parser.add_argument(
            "set", choices=tuple(samples.SETS), help="Which set; see below."
        )

    def handle(self, *, action: str, set: str, **options: Any) -> None:
        try:
            (self.load if action == "load" else self.remove)(set)
        except Error as err:
            raise CommandError(database_problem(err)) from err

    def load(self, name: str) -> None:
        count = samples.load(name)
        self.stdout.write(self.style.SUCCESS(f"Loaded {count} sample products."))
        if not samples.fit_recipe(name):
            self.stdout.write(
                "Their embeddings are of the bundled model. "
                "Run manage.py embed_products for the recipe in force."
            )

    def remove(self, name: str) -> None:
        found = samples.remove(name)
        text = f"Removed {len(found.unchanged)} sample products."
        if found.changed:
            text += f" Kept {found.changed} that somebody changed."
        self.stdout.write(self.style.SUCCESS(text))
