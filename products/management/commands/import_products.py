"""`manage.py import_products`: store the products of a file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, CommandParser
from django.db import Error

from products.catalog.checking import COLUMNS, VECTOR_COLUMNS
from products.catalog.impact import (
    MOST_CHANGED,
    MOST_MISSING,
    ChangedRows,
    impact_of_import,
)
from products.catalog.importing import CatalogImport, ImportResult
from products.catalog.reading.presets import PresetName
from products.catalog.reading.records import Refusal
from products.catalog.reading.source import Format, Source, SourceError, open_source
from products.catalog.reading.tables import Quoting
from products.catalog.rejects_file import Rejects, rejects_path
from products.embeddings import EmbeddingError
from products.management.base import INTERRUPTED, ShopCommand, database_problem
from products.management.impact_report import (
    SECONDS,
    add_queries_argument,
    impact_queries,
    report,
)
from products.management.import_report import ImportDisplay
from products.quality.calibration import calibrated_line, keep_calibrated
from products.quality.impact import Queries
from products.quality.judged import EvaluationError
from products.upkeep.vector_index import IndexBuildError

REFUSED, UNFINISHED = 1, 2

AGAIN = "Run the same command again to do the rest."


class Command(ShopCommand):
    expected = (SourceError, EmbeddingError, EvaluationError, ImproperlyConfigured)
    failed = UNFINISHED
    help = (
        "Import products from a CSV, TSV, JSON or JSON Lines file, also packed by gzip. "
        "A product whose sku is there already is changed, all others are added. Can be "
        "stopped and run again at any time. Exit status: 0 all was imported, 1 some rows "
        "were refused, 2 the end of the file was not reached."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", help="The file, or - for standard input.")
        parser.add_argument(
            "--dry-run",
            action="store_true",
            help="Show what would be new, changed and refused; change nothing.",
        )
        parser.add_argument(
            "--map",
            nargs="+",
            action="extend",
            default=[],
            metavar="COLUMN=NAME",
            help="The name in the file of a column, such as name=title.",
        )
        parser.add_argument(
            "--format",
            choices=[format.value for format in Format],
            help="By default, by the ending of the file's name.",
        )
        parser.add_argument(
            "--delimiter", default="", help="What separates the columns of a CSV file."
        )
        parser.add_argument(
            "--quoting",
            choices=[quoting.value for quoting in Quoting],
            default=Quoting.AUTO.value,
            help="Whether quotes enclose texts: auto (in CSV yes, in TSV only when the "
            "names of the columns are quoted), none, or csv.",
        )
        parser.add_argument(
            "--preset",
            choices=[preset.value for preset in PresetName],
            default=PresetName.AUTO.value,
            help="Whose export the file is; auto lets the header tell.",
        )
        parser.add_argument(
            "--encoding", default="utf-8", help="The file's encoding (default utf-8)."
        )
        parser.add_argument(
            "--rejects",
            type=Path,
            help="Where refused rows go (default FILE.rejects.csv).",
        )
        parser.add_argument(
            "--delete-missing",
            action="store_true",
            help="Delete the products that are not in the file, if all of it is good.",
        )
        parser.add_argument(
            "--impact",
            action="store_true",
            help="With --dry-run: show which searches would change, before and after.",
        )
        add_queries_argument(parser)
        parser.add_argument(
            "--no-embed",
            action="store_true",
            help="Leave the embedding of new texts to embed_products.",
        )
        parser.add_argument(
            "--keep-index",
            action="store_true",
            help="Never drop the HNSW index to build it again after a large import.",
        )
        self.add_database_argument(parser, "The database to import into.")

    def handle(self, *, file: str, **options: Any) -> None:
        format = Format(options["format"]) if options["format"] else None
        columns = column_map(options["map"])
        queries = impact_queries(options)
        with open_source(file, format=format, encoding=options["encoding"]) as source:
            self.import_source(source, columns, queries, options)

    def import_source(
        self,
        source: Source,
        columns: dict[str, str],
        queries: Queries | None,
        options: dict[str, Any],
    ) -> None:
        """Import the open file and show what came of it."""
        job = CatalogImport(
            source,
            columns=columns,
            delimiter=options["delimiter"],
            quoting=Quoting(options["quoting"]),
            preset=PresetName(options["preset"]),
            dry_run=options["dry_run"],
            delete_missing=options["delete_missing"],
            most_missing=MOST_MISSING if queries else 0,
            embed=not options["no_embed"],
            keep_index=options["keep_index"],
            using=options["database"],
        )
        rejects = Rejects(options["rejects"] or rejects_path(source))
        if is_same_file(rejects.path, Path(source.name)):
            raise SourceError(
                f"--rejects {rejects.path} would overwrite the catalogue."
            )
        changed = ChangedRows(MOST_CHANGED, embed=job.embed)
        display = ImportDisplay(self.stdout, source, options["verbosity"], self.bar)
        with failures_explained(job), display:
            if job.dry_run:
                job.on_change = changed.then(display.change)
                job.on_refusal = display.refusal
                job.on_progress = display.progress
                job.run()
            else:
                with rejects:
                    connect(job, rejects, display)
                    job.run()
        if queries:
            with failures_explained(job):
                self.show_impact(job, changed, queries, options["verbosity"])
        self.conclude(job, rejects)

    def show_impact(
        self, job: CatalogImport, changed: ChangedRows, queries: Queries, verbosity: int
    ) -> None:
        """Show which searches the rows of a dry run would change."""
        with self.bar(total=len(queries.texts), unit=" searches") as bar:
            impact = impact_of_import(
                changed,
                job.result,
                queries,
                using=job.using,
                seconds=SECONDS,
                progress=bar.update,
            )
        for line in [*report(impact, verbosity), *changed.remarks(job.result)]:
            self.stdout.write(line)

    def conclude(self, job: CatalogImport, rejects: Rejects) -> None:
        """Print what was done; raise CommandError when something was left out."""
        result = job.result
        self.stdout.write(self.style.SUCCESS(summary(job)))
        for warning in warnings(job):
            self.stdout.write(self.style.WARNING(warning))
        if not job.dry_run:
            self.calibrate(job.using)
        if result.stopped:
            raise CommandError(
                f"{result.stopped} {after_failure(job)}", returncode=UNFINISHED
            )
        if result.refused:
            where = (
                "" if job.dry_run else f" They are in {rejects.path}, with the reasons."
            )
            raise CommandError(
                f"{result.refused:,} of {result.read:,} rows were refused.{where}",
                returncode=REFUSED,
            )

    def calibrate(self, database: str) -> None:
        """Measure the floor of a match if that is due, and say what came of it."""
        try:
            calibration = keep_calibrated(using=database)
        except EmbeddingError as err:
            self.stdout.write(
                self.style.WARNING(
                    f"The floor of a match is as before: {err} Run manage.py calibrate "
                    "once the cause is gone."
                )
            )
            return
        if calibration:
            self.stdout.write(calibrated_line(calibration))


def is_same_file(one: Path, other: Path) -> bool:
    """Return whether two paths name one file, also through a link."""
    return one == other or (one.exists() and other.exists() and one.samefile(other))


def column_map(pairs: Sequence[str]) -> dict[str, str]:
    """Return the mapping of --map: column of the catalogue to column of the file."""
    columns = {}
    for pair in pairs:
        target, separator, name = pair.partition("=")
        if not separator or not name or target not in (*COLUMNS, *VECTOR_COLUMNS):
            raise CommandError(
                f"--map {pair} says nothing. Write COLUMN=NAME with one of the columns "
                f"{', '.join((*COLUMNS, *VECTOR_COLUMNS))}, such as --map name=title",
                returncode=UNFINISHED,
            )
        columns[target] = name
    return columns


def connect(job: CatalogImport, rejects: Rejects, display: ImportDisplay) -> None:
    """Let an import write its refused rows and show its progress."""

    def refuse(refusal: Refusal) -> None:
        rejects.add(refusal)
        display.refusal(refusal)

    def progress(result: ImportResult) -> None:
        rejects.flush()
        display.progress(result)

    job.on_refusal = refuse
    job.on_progress = progress
    job.on_index_progress = display.index


def summary(job: CatalogImport) -> str:
    """Return what was done, as one line."""
    result = job.result
    verb = "Would import" if job.dry_run else "Imported"
    line = (
        f"{verb} {result.stored:,} products: {result.new:,} new, "
        f"{result.changed:,} changed, {result.unchanged:,} unchanged"
    )
    if result.refused:
        line += f"; {result.refused:,} refused"
    if job.delete_missing:
        verb = "would be deleted" if job.dry_run else "deleted"
        line += f"; {result.deleted:,} {verb} that are not in the file"
    if result.embedded or result.vectors_from_file:
        line += (
            f". Embedded {result.embedded:,} texts, took "
            f"{result.vectors_from_file:,} vectors from the file"
        )
    return line + "."


def warnings(job: CatalogImport) -> Iterator[str]:
    """Yield what the operator should know although nothing failed."""
    result = job.result
    if result.preset:
        yield (
            f"The file was read as an export of {result.preset}. Pass --preset none to "
            "read it by its own names of columns."
        )
    yield from result.notices.sentences()
    if result.foreign_vectors:
        yield (
            f"{result.foreign_vectors:,} vectors in the file were not used: they are "
            f"not marked as made by {job.fingerprint} (column "
            "embedding_fingerprint)."
        )
    if job.delete_missing and not result.shows_what_is_missing:
        done = "would be" if job.dry_run else "was"
        reason = (
            "that needs a file that is read to its end, all good."
            if not result.is_complete
            else "a spreadsheet has rounded skus, so the file does not show which "
            "products are missing."
        )
        yield f"Nothing {done} deleted: {reason}"
    if result.embedding_problem:
        yield f"Some texts could not be embedded: {result.embedding_problem}"
    if result.without_vector and not job.dry_run:
        yield (
            f"{result.without_vector:,} products are stored without the vector of their "
            "text. Run manage.py embed_products."
        )


def after_failure(job: CatalogImport) -> str:
    """Return what is stored after an import that did not come to its end."""
    result = job.result
    if job.dry_run:
        return f"This was a dry run of {result.read:,} rows: nothing was changed."
    text = f"{result.stored:,} products of the file are in the catalogue. {AGAIN}"
    if result.index_dropped:
        text += (
            " The HNSW index is missing until then; manage.py build_index makes it at "
            "once."
        )
    return text


@contextmanager
def failures_explained(job: CatalogImport) -> Iterator[None]:
    """Turn what can end an import into a CommandError that says what to do."""
    try:
        yield
    except KeyboardInterrupt as err:
        raise CommandError(
            f"Stopped. {after_failure(job)}", returncode=INTERRUPTED
        ) from err
    except IndexBuildError as err:
        raise CommandError(
            f"All rows are imported. {err}", returncode=UNFINISHED
        ) from err
    except OSError as err:
        raise CommandError(
            f"The refused rows cannot be written: {err}. Name another file with "
            f"--rejects. {after_failure(job)}",
            returncode=UNFINISHED,
        ) from err
    except Error as err:
        raise CommandError(
            f"{database_problem(err)} {after_failure(job)}",
            returncode=UNFINISHED,
        ) from err
