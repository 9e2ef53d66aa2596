"""A command whose help explains its files and its JSON, and that can write JSON."""

from __future__ import annotations

import argparse
from typing import Any

from django.core.management import BaseCommand, CommandParser
from django.db import DEFAULT_DB_ALIAS, connections


class DocumentedCommand(BaseCommand):
    """Shows `about` below the options, line by line as it is written."""

    about = ""

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

    def add_output_arguments(self, parser: CommandParser, *, database: str) -> None:
        """Add --json, and --database with the help text *database*."""
        parser.add_argument(
            "--json", action="store_true", help="Write JSON for programs; see below."
        )
        parser.add_argument(
            "--database",
            default=DEFAULT_DB_ALIAS,
            choices=tuple(connections),
            help=database,
        )
