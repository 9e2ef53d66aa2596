"""`manage.py project_products`: compute the second projection of the map."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

from django.core.management import CommandError, CommandParser
from django.db import Error

from products.insight.plane import neighbours_compared
from products.insight.projections import FEWEST, ProjectionError, project
from products.insight.sampling import MOST
from products.management.base import INTERRUPTED, ShopCommand, show_build
from products.models import Projection
from products.upkeep.vector_index import Progress


class Command(ShopCommand):
    expected = (ProjectionError, Error)
    help = (
        "Find a place for each product on the map so that neighbours lie beside each "
        "other (t-SNE, by the package openTSNE), and store it. The page of the map then "
        "offers it beside the principal components."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--count",
            type=int,
            default=MOST,
            help=f"How many products at most, {FEWEST} to {MOST} (default {MOST}). The "
            "map shows no more.",
        )
        self.add_database_argument(parser, "The database to work in.")

    def handle(self, *, count: int, database: str, **options: Any) -> None:
        if not FEWEST <= count <= MOST:
            raise CommandError(f"--count takes a number from {FEWEST} to {MOST}.")
        started = time.monotonic()
        try:
            with self.bar(unit=" steps") as bar:
                projection = project(
                    count=count, using=database, on_progress=partial(show, bar)
                )
        except KeyboardInterrupt as err:
            raise CommandError(
                "Stopped. The map shows the projection there was, if any.",
                returncode=INTERRUPTED,
            ) from err
        self.report(projection, time.monotonic() - started)

    def report(self, projection: Projection, seconds: float) -> None:
        """Print how many products have a place, and how true the picture is."""
        placed = projection.count
        self.stdout.write(
            self.style.SUCCESS(f"Placed {placed:,} products in {seconds:.0f} s.")
        )
        self.stdout.write(
            f"Of the {neighbours_compared(placed)} nearest of a product, t-SNE keeps "
            f"{projection.kept:.0%}, the principal components "
            f"{projection.principal_kept:.0%}. See /map/?projection=tsne."
        )


def show(bar: Any, phase: str, done: int, total: int) -> None:
    """Move a bar to where the projection is."""
    show_build(bar, Progress(phase, done, total))
