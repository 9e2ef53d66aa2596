"""`manage.py search`: print the products that answer a text."""

from __future__ import annotations

from typing import Any

from django.core.management import CommandParser

from products.management.searching import (
    SearchCommand,
    add_example_arguments,
    add_text_arguments,
    read_examples,
)
from products.search.question import MAX_PAGE_SIZE


class Command(SearchCommand):
    help = (
        "List the products that answer a text, best first, with their similarity, cosine "
        "distance and price. Without a text, list the catalogue."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("text", nargs="?", default="", help="What to look for.")
        parser.add_argument(
            "-n",
            "--limit",
            type=int,
            default=10,
            help=f"How many a page has, 1 to {MAX_PAGE_SIZE} (default 10).",
        )
        add_text_arguments(parser)
        add_example_arguments(parser)
        super().add_arguments(parser)

    def handle(self, **options: Any) -> None:
        self.run(
            options,
            text=options["text"],
            mode=options["mode"],
            sort=options["sort"],
            literal=options["literal"],
            **read_examples(options),
        )
