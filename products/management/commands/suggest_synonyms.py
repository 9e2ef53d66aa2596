"""`manage.py suggest_synonyms`: list words of the catalogue that may be synonyms."""

from __future__ import annotations

from typing import Any

from django.core.management import CommandError, CommandParser
from django.db import ProgrammingError

from products.embeddings import EmbeddingError
from products.insight.neighbour_words import MOST_PAIRS, neighbour_words
from products.management.base import ShopCommand, database_problem


class Command(ShopCommand):
    expected = (EmbeddingError,)
    help = (
        "List pairs of words of the products' names that are near each other by their "
        "embeddings and stand in different names: similarity, how many products have "
        "each, and the words. Some of them mean the same. Writes nothing."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "-n",
            "--limit",
            type=int,
            default=20,
            choices=range(1, MOST_PAIRS + 1),
            metavar=f"1..{MOST_PAIRS}",
            help="How many pairs to list (default 20).",
        )
        self.add_database_argument(parser, "The database to read.")

    def handle(self, **options: Any) -> None:
        try:
            with self.bar(unit=" words") as bar:

                def show(done: int, total: int) -> None:
                    bar.total = total
                    bar.update(done - bar.n)

                found = neighbour_words(using=options["database"], on_progress=show)
        except ProgrammingError as err:
            raise CommandError(database_problem(err)) from err
        for pair in found[: options["limit"]]:
            counts = f"{pair.count:,}, {pair.other_count:,}"
            self.stdout.write(f"{pair.similarity:.3f}  {counts:>13}  {pair.words}")
        self.stdout.write(
            self.style.SUCCESS(f"{len(found):,} pairs found.")
            if found
            else "No pairs found: the names have too few words."
        )
