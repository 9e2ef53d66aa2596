"""`manage.py export_products`: the catalogue into a file."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, BinaryIO, cast

from django.core.management import BaseCommand, CommandError, CommandParser
from django.db import DEFAULT_DB_ALIAS, ProgrammingError
from tqdm import tqdm

from products.catalog.exporting import export, open_target
from products.catalog.source import Format, SourceError, format_of
from products.management.failures import database_problem
from products.models import Product


class Command(BaseCommand):
    help = (
        "Export all products to a CSV, TSV, JSON or JSON Lines file. Importing it "
        "again changes nothing."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "file",
            help="The file; its ending tells the format, .gz packs it. - for standard "
            "output.",
        )
        parser.add_argument(
            "--format",
            choices=[format.value for format in Format],
            help="By default the ending of the file's name tells.",
        )
        parser.add_argument(
            "--with-vectors",
            action="store_true",
            help="With the embeddings, so that an import need not make them again.",
        )
        parser.add_argument(
            "--database", default=DEFAULT_DB_ALIAS, help="The database to export."
        )

    def handle(self, *, file: str, verbosity: int, **options: Any) -> None:
        products = Product.objects.using(options["database"])
        if file == "-" and not options["format"]:
            raise CommandError("Pass --format when writing to standard output.")
        try:
            format = Format(options["format"] or format_of(file))
        except SourceError as err:
            raise CommandError(str(err)) from err
        try:
            total = products.count()
        except ProgrammingError as err:  # the first statement, before any file is made
            raise CommandError(database_problem(err)) from err
        with tqdm(
            total=total,
            unit=" rows",
            disable=verbosity == 0 or None,
            file=self.stderr,
        ) as bar:

            def show(rows: int) -> None:
                bar.update(rows - bar.n)

            def write(target: BinaryIO) -> int:
                return export(
                    products,
                    target,
                    format,
                    vectors=options["with_vectors"],
                    on_progress=show,
                )

            if file == "-":
                write(cast(BinaryIO, sys.stdout.buffer))
                return
            try:
                with open_target(Path(file), packed=file.endswith(".gz")) as target:
                    count = write(target)
            except OSError as err:
                raise CommandError(
                    f"{file} cannot be written: {err.strerror}. Nothing was exported."
                ) from err
        self.stdout.write(self.style.SUCCESS(f"Exported {count:,} products to {file}."))
