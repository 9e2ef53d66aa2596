"""`manage.py import_synonyms`: store the synonyms of a file."""

from __future__ import annotations

from typing import Any

from django.core.management import CommandError, CommandParser
from django.db import ProgrammingError

from products.catalog.reading.source import Format, SourceError, open_source
from products.catalog.synonym_files import SynonymFile, read_synonyms, store
from products.embeddings import EmbeddingError
from products.insight.before_after import preview
from products.management.base import ShopCommand, database_problem
from products.management.impact_report import SECONDS, add_queries_argument, report
from products.quality.impact import impact_of_synonyms, logged_queries, queries_of
from products.quality.judged import EvaluationError

FORMATS = [format.value for format in Format if format.is_table]


class Command(ShopCommand):
    expected = (SourceError, EmbeddingError, EvaluationError)
    help = (
        "Import synonyms from a CSV or TSV file. Those that are there already stay, all "
        "others are added. If a line is refused, nothing is imported."
    )
    about = (
        "The first line names the columns, words and finds; each has words or phrases\n"
        "with commas between them. With finds empty, all the words mean the same:\n"
        '  "sofa, couch, settee",\n'
        "Otherwise a search for any of the words also finds the others, and not the\n"
        "other way round:\n"
        "  tv,television"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", help="The file, or - for standard input.")
        parser.add_argument(
            "--dry-run",
            action="store_true",
            help="Show what would be new and refused, and what the first words would "
            "find; change nothing.",
        )
        add_queries_argument(parser)
        parser.add_argument(
            "--delete-missing",
            action="store_true",
            help="Delete the synonyms that are not in the file.",
        )
        parser.add_argument(
            "--format",
            choices=FORMATS,
            help="By default, by the ending of the file's name.",
        )
        parser.add_argument(
            "--encoding", default="utf-8", help="The file's encoding (default utf-8)."
        )
        self.add_database_argument(parser, "The database to import into.")

    def handle(self, *, file: str, **options: Any) -> None:
        using, format = options["database"], options["format"]
        if options["queries"] and not options["dry_run"]:
            raise CommandError("--queries is for --dry-run: it says what would change.")
        with open_source(
            file,
            format=Format(format) if format else None,
            encoding=options["encoding"],
        ) as source:
            try:
                found = read_synonyms(
                    source, delete_missing=options["delete_missing"], using=using
                )
            except ProgrammingError as err:
                raise CommandError(database_problem(err)) from err
        self.refuse(found)
        gone = len(found.missing) if options["delete_missing"] else 0
        counts = (
            f"{len(found.new):,} new, {found.unchanged:,} unchanged, {gone:,} deleted"
        )
        if options["dry_run"]:
            self.show_searches(found, using)
            self.show_impact(found, options)
            self.stdout.write(f"Would import {file}: {counts}.")
            return
        store(found, delete_missing=options["delete_missing"], using=using)
        self.stdout.write(self.style.SUCCESS(f"Imported {file}: {counts}."))

    def refuse(self, found: SynonymFile) -> None:
        """Raise CommandError if any line is refused, with the reasons by line."""
        for refusal in found.refused:
            self.stderr.write(f"line {refusal.line}: {refusal.reason}")
        if found.refused:
            raise CommandError(
                f"{len(found.refused):,} refused, so nothing was imported. Correct these "
                "lines and run the same command again."
            )

    def show_searches(self, found: SynonymFile, using: str) -> None:
        """Write what the first words find now, and what they would find then."""
        for word in preview(found.new, using=using).words:
            self.stdout.write(f"{word.word}: {word.now.count}; then {word.then.count}")

    def show_impact(self, found: SynonymFile, options: dict[str, Any]) -> None:
        """Write which searches change, of a file or, where it is kept, of the log."""
        using = options["database"]
        if not (options["queries"] or logged_queries(using)):
            return
        queries = queries_of(options["queries"], using=using)
        gone = found.missing if options["delete_missing"] else []
        with self.bar(total=len(queries.texts), unit=" searches") as bar:
            impact = impact_of_synonyms(
                found.new,
                queries,
                gone=gone,
                using=using,
                seconds=SECONDS,
                progress=bar.update,
            )
        for line in report(impact, options["verbosity"]):
            self.stdout.write(line)
