"""`manage.py export_search_log`: write the search log into files for other tools."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

from django.core.management import CommandError, CommandParser
from django.db import ProgrammingError

from products.catalog.exporting import open_target
from products.management.base import ShopCommand, database_problem
from products.search_log import ubi
from products.search_log.period import MOST_DAYS, Period


class Command(ShopCommand):
    help = (
        "Export the search log as JSON Lines in the shape of UBI 1.3 (User Behavior "
        "Insights): searches into one file, clicks into another."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        for name, what in (("queries", "searches"), ("events", "clicks")):
            parser.add_argument(
                f"--{name}",
                type=Path,
                metavar="FILE",
                help=f"The file for the {what}; the ending .gz packs it.",
            )
        parser.add_argument(
            "--impressions",
            action="store_true",
            help="Write an event for each product that was shown, too.",
        )
        parser.add_argument(
            "--bulk",
            action="store_true",
            help="Write what OpenSearch's bulk API reads, for the indexes "
            f"{ubi.QUERIES} and {ubi.EVENTS}.",
        )
        parser.add_argument(
            "--days",
            type=int,
            help="Export the searches of so many days (default: all that are kept).",
        )
        self.add_database_argument(parser, "The database of the log.")

    def handle(
        self,
        *,
        queries: Path | None,
        events: Path | None,
        impressions: bool,
        bulk: bool,
        days: int | None,
        database: str,
        **options: Any,
    ) -> None:
        if not queries and not events:
            raise CommandError("Name a file: --queries FILE, --events FILE, or both.")
        if days is not None and not 1 <= days <= MOST_DAYS:
            raise CommandError(f"--days takes a number from 1 to {MOST_DAYS}.")
        period = Period.last(days)
        write = partial(self.write, bulk=bulk)
        if queries:
            write(queries, ubi.queries(period, using=database), ubi.QUERIES)
        if events:
            found = ubi.events(period, impressions=impressions, using=database)
            write(events, found, ubi.EVENTS)

    def write(
        self, file: Path, records: Iterable[ubi.Record], index: str, *, bulk: bool
    ) -> None:
        """Write one of the files."""
        try:
            packed = file.suffix == ".gz"
            with open_target(file, packed=packed, private=True) as target:
                count = ubi.write_lines(records, target, index=index if bulk else None)
        except OSError as err:
            raise CommandError(
                f"{file} cannot be written: {err.strerror}. Choose another place."
            ) from err
        except ProgrammingError as err:
            raise CommandError(database_problem(err)) from err
        self.stdout.write(
            self.style.SUCCESS(f"Exported {count:,} records to {file}, for {index}.")
        )
