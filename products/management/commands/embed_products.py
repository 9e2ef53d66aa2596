"""`manage.py embed_products`: bring the embeddings up to date."""

from __future__ import annotations

import threading
from functools import partial
from typing import Any

from django.core.management import CommandError, CommandParser
from django.db import DataError

from products.embeddings import EmbeddingError
from products.management.base import INTERRUPTED, ShopCommand
from products.models import Product
from products.quality.calibration import calibrated_line, keep_calibrated
from products.search_log.keeping import forget_old
from products.upkeep.pending import (
    Failures,
    count_pending,
    embed_pending,
    forget_unknown,
)
from products.upkeep.worker import Worker, stop_on_signals
from products.watching.rounds import go_round


class Command(ShopCommand):
    expected = (EmbeddingError,)
    help = (
        "Embed the products whose embedding is missing, stale or of another recipe. "
        "Can be stopped and run again at any time, also several at once. The exit "
        "status is 1 when a text could not be embedded."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        self.add_database_argument(parser, "The database to work in.")
        parser.add_argument(
            "--watch",
            action="store_true",
            help="Go on: embed what is added or changed until SIGTERM or Ctrl-C. "
            "Waits out a service or a database that does not answer.",
        )
        parser.add_argument(
            "--interval",
            type=float,
            default=10.0,
            metavar="SECONDS",
            help="How often --watch looks for changes, 0.1 to 3600 (default 10).",
        )

    def handle(
        self,
        *,
        database: str,
        watch: bool,
        interval: float,
        **options: Any,
    ) -> None:
        if not 0.1 <= interval <= 3600:
            raise CommandError("--interval takes a number of seconds, 0.1 to 3600.")
        with stop_on_signals() as stop:
            if watch:
                failures = self.watch(database, interval, stop)
            else:
                failures = self.embed_once(database, stop)
        if failures.reasons:
            raise CommandError(
                f"{len(failures.reasons)} texts could not be embedded; change them, or "
                "run manage.py embed_products again once the cause is gone."
            )

    def watch(self, database: str, interval: float, stop: threading.Event) -> Failures:
        """Embed until *stop* is set; return the texts that failed."""
        worker = Worker(
            database,
            interval,
            stop,
            report=self.say,
        )
        worker.upkeep = partial(self.look_after, worker)
        self.say(f"Watching for products to embed every {interval:g} s.")
        worker.run()
        self.say(f"Stopped. Embedded {worker.embedded} products.")
        return worker.failures

    def look_after(self, worker: Worker) -> str | None:
        """Do what is due besides embedding; return what came of it."""
        go_round(using=worker.using, failed=len(worker.failures.reasons))
        forgotten = forget_old(using=worker.using)
        lines = [
            f"Deleted {forgotten:,} old entries of the search log."
            if forgotten
            else None,
            self.calibrated(worker.using),
        ]
        return "\n".join(line for line in lines if line) or None

    def calibrated(self, database: str) -> str | None:
        """Measure the floor of a match if that is due; return what came of it."""
        calibration = keep_calibrated(using=database)
        return calibrated_line(calibration) if calibration else None

    def say(self, line: str) -> None:
        """Write a line at once, also into a pipe: a worker's log is read live."""
        self.stdout.write(line)
        self.stdout.flush()

    def embed_once(self, database: str, stop: threading.Event) -> Failures:
        """Embed what needs it now, with a progress bar; return the texts that failed."""
        failures = Failures()
        done = 0
        with self.bar(total=count_pending(database), unit=" texts") as bar:
            try:
                forgotten = forget_unknown(using=database)
                for count in embed_pending(using=database, failures=failures):
                    done += count
                    bar.update(count)
                    if stop.is_set():
                        raise CommandError(
                            f"Stopped. {done} products were embedded; run the command "
                            "again for the rest.",
                            returncode=INTERRUPTED,
                        )
            except EmbeddingError as err:
                raise CommandError(
                    f"{err} {done} products were embedded before."
                ) from err
            except DataError as err:
                raise CommandError(
                    f"The database refuses the vectors: {str(err).strip()}. Run "
                    "manage.py check --database default, which says what to do."
                ) from err
        for reason in failures.reasons.values():
            self.stderr.write(self.style.WARNING(f"Not embedded: {reason}"))
        self.stdout.write(self.style.SUCCESS(f"Embedded {done} products."))
        if line := self.calibrated(database):
            self.stdout.write(line)
        if forgotten:
            self.stdout.write(f"Took {forgotten} vectors away that said nothing.")
        if unknown := Product.objects.using(database).without_known_words().count():
            self.stdout.write(
                f"{unknown} products have no word that the model knows: they have no "
                "embedding, and are found by their words."
            )
        return failures
