"""`manage.py set_language`: choose the language of the catalogue's words."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management import CommandParser

from products.management.base import ShopCommand
from products.models import Product
from products.upkeep.language import LanguageError, change_language
from products.upkeep.vector_index import IndexBuildError


class Command(ShopCommand):
    expected = (LanguageError, IndexBuildError)
    help = (
        "Make the words of all products anew by PostgreSQL's text search configuration "
        "of a language: its stems and stop words. Searches go on meanwhile; whoever "
        "writes products waits."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "language",
            nargs="?",
            default=settings.CATALOG_LANGUAGE,
            help="A text search configuration, such as german, french or simple "
            "(default: the setting CATALOG_LANGUAGE).",
        )
        parser.add_argument(
            "--rebuild-index",
            action="store_true",
            help="Drop the index of the vectors before, and build it afterwards: faster, "
            "but meanwhile searches by meaning compare every product.",
        )
        self.add_database_argument(parser, "The database with the products.")

    def handle(self, *, language: str, database: str, **options: Any) -> None:
        count = Product.objects.using(database).count()
        with self.bar(total=count, unit=" products") as bar:
            changed = change_language(
                language,
                using=database,
                progress=bar.update,
                rebuild_index=options["rebuild_index"],
            )
        if not changed:
            self.stdout.write(f"The words of the catalogue are {language} already.")
            return
        self.stdout.write(
            self.style.SUCCESS(
                f"The words of all products are {language} now: {count:,}."
            )
        )
        if language != settings.CATALOG_LANGUAGE:
            self.stdout.write(
                f"Set CATALOG_LANGUAGE={language} too, for the checks and new databases."
            )
