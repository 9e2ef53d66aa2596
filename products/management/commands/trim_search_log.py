"""`manage.py trim_search_log`: make the search log forget."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management import CommandError, CommandParser
from django.db import ProgrammingError

from products.management.base import ShopCommand, database_problem
from products.search_log.keeping import forget_everything, forget_old, forget_text


class Command(ShopCommand):
    help = (
        "Delete what the search log kept for longer than SEARCH_LOG_DAYS, a text, or "
        "everything. The worker deletes what is old by itself."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        which = parser.add_mutually_exclusive_group()
        which.add_argument(
            "--text",
            help="Delete the searches for this text, in small or large letters.",
        )
        which.add_argument(
            "--containing",
            metavar="TEXT",
            help="Delete the searches that have this text in them.",
        )
        which.add_argument(
            "--all", action="store_true", help="Delete all searches and clicks."
        )
        self.add_database_argument(parser, "The database of the log.")

    def handle(
        self,
        *,
        text: str | None,
        containing: str | None,
        all: bool,
        database: str,
        **options: Any,
    ) -> None:
        try:
            if text is not None:
                count, what = forget_text(text, using=database), "searches"
            elif containing is not None:
                count = forget_text(containing, using=database, anywhere=True)
                what = "searches"
            elif all:
                count, what = forget_everything(using=database), "searches and clicks"
            else:
                count = forget_old(using=database)
                what = f"searches and clicks older than {settings.SEARCH_LOG_DAYS} days"
        except ValueError as err:
            raise CommandError(str(err)) from err
        except ProgrammingError as err:
            raise CommandError(database_problem(err)) from err
        self.stdout.write(self.style.SUCCESS(f"Deleted {count:,} {what}."))
