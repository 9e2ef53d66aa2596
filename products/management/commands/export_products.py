"""`manage.py export_products`: the catalogue into a file."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, BinaryIO, cast

from django.core.management import CommandError, CommandParser
from django.db import ProgrammingError

from products.catalog.exporting import export, open_target
from products.catalog.reading.source import Format, SourceError, format_of
from products.management.base import ShopCommand, database_problem
from products.models import Product


class Command(ShopCommand):
    expected = (SourceError,)
    help = (
        "Export all products to a CSV, TSV, JSON or JSON Lines file. Importing it "
        "again changes nothing."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "file",
            help="The file; its ending shows the format, .gz packs it. - for standard "
            "output.",
        )
        parser.add_argument(
            "--format",
            choices=[format.value for format in Format],
            help="By default, by the ending of the file's name.",
        )
        parser.add_argument(
            "--with-vectors",
            action="store_true",
            help="With the embeddings, so that an import does not make them again.",
        )
        self.add_database_argument(parser, "The database to export.")

    def handle(self, *, file: str, **options: Any) -> None:
        products = Product.objects.using(options["database"])
        if file == "-" and not options["format"]:
            raise CommandError("Pass --format when writing to standard output.")
        format = Format(options["format"] or format_of(file))
        try:
            total = products.count()
        except ProgrammingError as err:  # the first statement, before any file is made
            raise CommandError(database_problem(err)) from err
        with self.bar(total=total, unit=" rows") as bar:

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
