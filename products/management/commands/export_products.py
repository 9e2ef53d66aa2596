"""`manage.py export_products`: write the catalogue into a file."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, cast

from django.core.management import CommandError, CommandParser
from django.db import ProgrammingError

from products.catalog.exporting import export, open_target
from products.catalog.feeds import (
    Feed,
    FeedError,
    address_at,
    export_feed,
    google_gaps,
)
from products.catalog.reading.source import Format, SourceError, format_of
from products.management.base import ShopCommand, database_problem
from products.models import Product
from products.querysets import ProductQuerySet

Writer = Callable[[BinaryIO, Callable[[int], None]], int]


class Command(ShopCommand):
    expected = (SourceError, FeedError)
    help = (
        "Export all products to a CSV, TSV, JSON or JSON Lines file, which an import "
        "reads back without a change; or to a feed for Google or for agents."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "file",
            help="The file; its ending shows the format, .gz packs it. - for standard "
            "output.",
        )
        parser.add_argument(
            "--format",
            choices=[*Format, *Feed.values],
            help="By default, by the ending of the file's name. google: a product feed "
            "for Google Merchant Center; acp: one of the Agentic Commerce Protocol.",
        )
        parser.add_argument(
            "--site",
            default="",
            help="For a feed: the shop's address, such as https://shop.example.",
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
        write = writer(products, file, **options)
        try:
            total = products.count()
        except ProgrammingError as err:  # the first statement, before any file is made
            raise CommandError(database_problem(err)) from err
        with self.bar(total=total, unit=" rows") as bar:

            def show(rows: int) -> None:
                bar.update(rows - bar.n)

            if file == "-":
                write(cast(BinaryIO, sys.stdout.buffer), show)
                return
            try:
                with open_target(Path(file), packed=file.endswith(".gz")) as target:
                    count = write(target, show)
            except OSError as err:
                raise CommandError(
                    f"{file} cannot be written: {err.strerror}. Nothing was exported."
                ) from err
        self.stdout.write(self.style.SUCCESS(f"Exported {count:,} products to {file}."))
        if options["format"] == Feed.GOOGLE:
            for gap in google_gaps(products):
                self.stdout.write(self.style.WARNING(gap))


def writer(
    products: ProductQuerySet,
    file: str,
    *,
    format: str | None,
    site: str,
    with_vectors: bool,
    **options: Any,
) -> Writer:
    """Return what writes the products to an open file, and tells their number.

    Raises CommandError and FeedError for options that do not go together.
    """
    if format in Feed.values:
        if with_vectors:
            raise CommandError("A feed has no embeddings. Leave --with-vectors out.")
        absolute = address_at(site)
        return lambda target, show: export_feed(
            products, target, Feed(format), absolute, on_progress=show
        )
    if site:
        raise CommandError("--site is for a feed. Pass --format google or acp with it.")
    chosen = Format(format or format_of(file))
    return lambda target, show: export(
        products, target, chosen, vectors=with_vectors, on_progress=show
    )
