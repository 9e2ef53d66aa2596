"""`manage.py build_index`: build the HNSW index while the shop serves."""

from __future__ import annotations

import time
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, CommandParser
from django.db import Error

from products.management.base import INTERRUPTED, ShopCommand
from products.quality.recall import IndexQuality, index_quality
from products.upkeep import vector_index
from products.upkeep.vector_index import (
    HALFVEC,
    VECTOR,
    IndexBuildError,
    IndexKind,
)


class Command(ShopCommand):
    expected = (IndexBuildError, ImproperlyConfigured, Error)
    help = (
        "Build the index of the embeddings anew, beside the old one, while the shop "
        "reads and writes; then put it in the old one's place."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--halfvec",
            action="store_true",
            help="Build an index of half precision (16 bits a number) and compare it "
            "with the one there is. Searches use it once HNSW_HALFVEC=true.",
        )
        parser.add_argument(
            "--drop-other",
            action="store_true",
            help="Drop the index that searches do not use by the setting HNSW_HALFVEC; "
            "build nothing.",
        )
        parser.add_argument(
            "--memory",
            type=int,
            metavar="MB",
            help="maintenance_work_mem of the build (default: what the graph needs, "
            "64 to 1024 MB, or more where the server is set to more).",
        )
        parser.add_argument(
            "--workers",
            type=int,
            help="Parallel workers besides the one process (default: the server's "
            "max_parallel_maintenance_workers).",
        )
        self.add_database_argument(parser, "The database to work in.")

    def handle(self, *, database: str, **options: Any) -> None:
        memory, workers = options["memory"], options["workers"]
        if memory is not None and not 1 <= memory <= 1_000_000:
            raise CommandError("--memory takes megabytes, from 1 to 1000000.")
        if workers is not None and not 0 <= workers <= 1024:
            raise CommandError("--workers takes a number from 0 to 1024.")
        try:
            if options["drop_other"]:
                self.drop_other(database)
                return
            kind = HALFVEC if options["halfvec"] else vector_index.configured_kind()
            self.build(kind, database, options)
            if kind is HALFVEC:
                self.compare(database)
        except KeyboardInterrupt as err:
            raise CommandError(
                "Stopped. The index there was is still there; run manage.py build_index "
                "again for the new one.",
                returncode=INTERRUPTED,
            ) from err

    def build(self, kind: IndexKind, database: str, options: dict[str, Any]) -> None:
        """Build one index, with a progress bar, and say how long it took."""
        started = time.monotonic()
        with self.index_bar() as show:
            vector_index.build_index(
                kind,
                using=database,
                memory_mb=options["memory"],
                workers=options["workers"],
                on_progress=show,
            )
        seconds = time.monotonic() - started
        self.stdout.write(
            self.style.SUCCESS(f"Built the index {kind.name} in {seconds:.1f} s.")
        )

    def drop_other(self, database: str) -> None:
        """Drop the index that the setting does not ask for, if the other is there."""
        used = vector_index.configured_kind()
        other = VECTOR if used is HALFVEC else HALFVEC
        if not vector_index.is_usable(used, using=database):
            raise CommandError(
                f"The index {used.name}, which searches use, is missing. Run manage.py "
                "build_index first. Nothing was dropped."
            )
        if not vector_index.drop_index(other, using=database):
            raise CommandError("The table is too busy. Try again in a quieter hour.")
        self.stdout.write(
            self.style.SUCCESS(f"Dropped {other.name}; searches use {used.name}.")
        )

    def compare(self, database: str) -> None:
        """Print the gain in size and the loss of recall of half precision."""
        half = index_quality(HALFVEC, using=database)
        self.stdout.write(f"{HALFVEC.name}: {describe(half)}")
        if not vector_index.is_usable(VECTOR, using=database):
            return
        full = index_quality(VECTOR, using=database)
        self.stdout.write(f"{VECTOR.name}: {describe(full)}")
        saved = 1 - half.size / full.size
        self.stdout.write(
            f"Half precision saves {saved:.0%} of the size and changes the recall by "
            f"{half.recall - full.recall:+.3f}. To use it set HNSW_HALFVEC=true, restart "
            "the shop and run manage.py build_index --drop-other."
        )


def describe(quality: IndexQuality) -> str:
    """Return the figures of an index as text."""
    return f"{quality.size / 2**20:.1f} MB, recall at 10: {quality.recall:.3f}"
