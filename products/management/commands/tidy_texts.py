"""`manage.py tidy_texts`: find stored texts with white space around them, or HTML."""

from __future__ import annotations

from typing import Any

from django.core.management import CommandError, CommandParser
from django.db import ProgrammingError

from products.catalog.untidy import Untidy, find_untidy, mend
from products.management.base import ShopCommand, database_problem
from products.management.import_report import SHOWN, printable


class Command(ShopCommand):
    help = (
        "Report products whose sku, name, category or description has white space "
        "around it, separate accents or HTML: they were stored before imports and forms "
        "tidied texts. Changes nothing without --apply. Exit status: 0 there are none "
        "left, 1 there are some."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--apply",
            action="store_true",
            help="Store the tidy texts of those reported.",
        )
        self.add_database_argument(parser, "The database with the products.")

    def handle(self, *, apply: bool, database: str, **options: Any) -> None:
        found = mended = problems = 0
        try:
            for product in find_untidy(database):
                found += 1
                done = apply and mend(product, database)
                mended += done
                problems += bool(product.problem)
                if options["verbosity"] > 1 or found <= SHOWN:
                    self.stdout.write(described(product, done))
        except ProgrammingError as err:
            raise CommandError(database_problem(err)) from err
        if found > SHOWN and options["verbosity"] < 2:
            self.stdout.write(f"... and more (--verbosity 2 shows all {found:,})")
        if mended:
            self.stdout.write(
                f"Mended {mended:,} products. Their new texts need a vector: run manage.py "
                "embed_products."
            )
        if left := found - mended:
            mendable = left - problems
            raise CommandError(
                f"{left:,} products have untidy texts."
                + (f" --apply mends {mendable:,} of them." if mendable else "")
                + (f" {problems:,} need a decision of yours." if problems else "")
            )
        self.stdout.write(self.style.SUCCESS("No product has an untidy text."))


def described(product: Untidy, done: bool) -> str:
    """Return one line about a product."""
    what = product.problem or ", ".join(product.tidy)
    if product.html and not (product.problem or done):
        what += f" (HTML in {', '.join(product.html)}, which may be meant)"
    state = "mended" if done else "untidy"
    return printable(f"{product.sku!r}: {state}  {what}")
