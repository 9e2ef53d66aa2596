"""What the commands share: options, progress bars, and errors turned into advice."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from django.core.management import BaseCommand, CommandError, CommandParser
from django.db import DEFAULT_DB_ALIAS, Error, connections
from psycopg import errors
from tqdm import tqdm

from products.sql.own_session import own_session
from products.upkeep.vector_index import Progress

INTERRUPTED = 130  # the exit status of a program that Ctrl-C ended


class ShopCommand(BaseCommand):
    """A command of the shop.

    about: shown below the options, line by line as it is written. expected: exceptions
    whose message is advice; they end the command with it, and with exit status
    *failed*. quiet: whether --verbosity 0 is given.
    """

    about = ""
    expected: tuple[type[Exception], ...] = ()
    failed = 1
    quiet = False

    def create_parser(
        self, prog_name: str, subcommand: str, **kwargs: Any
    ) -> CommandParser:
        return super().create_parser(
            prog_name,
            subcommand,
            epilog=self.about,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            **kwargs,
        )

    def add_database_argument(self, parser: CommandParser, help: str) -> None:
        """Add --database."""
        parser.add_argument(
            "--database",
            default=DEFAULT_DB_ALIAS,
            choices=tuple(connections),
            help=help,
        )

    def add_json_argument(self, parser: CommandParser) -> None:
        """Add --json, whose keys `about` explains."""
        parser.add_argument(
            "--json", action="store_true", help="Write JSON for programs; see below."
        )

    def execute(self, *args: Any, **options: Any) -> str | None:
        """Run the command; raise CommandError in place of the expected exceptions."""
        self.quiet = options["verbosity"] == 0
        try:
            # A command may keep a cursor, which a pooler would lose, for long.
            with own_session(options.get("database", DEFAULT_DB_ALIAS), needed=False):
                return super().execute(*args, **options)
        except self.expected as err:
            raise CommandError(str(err).strip(), returncode=self.failed) from err

    def bar(self, **options: Any) -> tqdm[Any]:
        """Return a progress bar that is shown on terminals only, as tqdm takes options."""
        return tqdm(disable=True if self.quiet else None, file=self.stderr, **options)

    @contextmanager
    def index_bar(self) -> Iterator[Callable[[Progress], None]]:
        """Give a function that shows how far the build of an index is."""
        with self.bar(unit=" blocks") as bar:
            yield partial(show_build, bar)


def show_build(bar: tqdm[Any], progress: Progress) -> None:
    """Move a bar to where the build of an index is."""
    bar.set_description_str(progress.phase, refresh=False)
    bar.total = progress.total
    bar.update(progress.done - bar.n)


def database_problem(err: Error) -> str:
    """Return what is wrong with the database, and what to do about it."""
    reason = str(err).strip().split("\n")[0]
    match err.__cause__:
        case errors.UndefinedTable():
            return "The catalogue has no tables yet. Run manage.py migrate first."
        case errors.DiskFull():
            return f"The disk of the database is full ({reason}). Make room."
        case _:
            return f"The database failed: {reason}."
