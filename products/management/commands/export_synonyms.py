"""`manage.py export_synonyms`: write the synonyms into a file."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, BinaryIO, cast

from django.core.management import CommandError, CommandParser
from django.db import ProgrammingError

from products.catalog.exporting import open_target
from products.catalog.synonym_files import write_synonyms
from products.management.base import ShopCommand, database_problem
from products.search.synonym_entries import stored_entries


class Command(ShopCommand):
    help = "Export all synonyms to a CSV file. Importing it again changes nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", help="The file, or - for standard output.")
        self.add_database_argument(parser, "The database to export.")

    def handle(self, *, file: str, **options: Any) -> None:
        try:  # before any file is made
            entries = stored_entries(options["database"])
        except ProgrammingError as err:
            raise CommandError(database_problem(err)) from err
        if file == "-":
            write_synonyms(entries, cast(BinaryIO, sys.stdout.buffer))
            return
        try:
            with open_target(Path(file), packed=file.endswith(".gz")) as target:
                count = write_synonyms(entries, target)
        except OSError as err:
            raise CommandError(
                f"{file} cannot be written: {err.strerror}. Nothing was exported."
            ) from err
        self.stdout.write(self.style.SUCCESS(f"Exported {count:,} synonyms to {file}."))
