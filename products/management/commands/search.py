"""`manage.py search`: the products that answer a text."""

from __future__ import annotations

from typing import Any

from django.core.management import CommandParser

from products.management.searching import SearchCommand
from products.search import Mode, Sort
from products.search.question import MAX_PAGE_SIZE


class Command(SearchCommand):
    help = (
        "List the products that answer a text, best first, with their similarity, cosine "
        "distance and price. Without a text, list the catalogue."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("text", nargs="?", default="", help="What to look for.")
        parser.add_argument(
            "--mode",
            choices=Mode.values,
            default=Mode.HYBRID,
            help="By meaning and words (hybrid, the default) or by one of them.",
        )
        parser.add_argument(
            "-n",
            "--limit",
            type=int,
            default=10,
            help=f"How many a page has, 1 to {MAX_PAGE_SIZE} (default 10).",
        )
        parser.add_argument(
            "--sort",
            choices=Sort.values,
            default=Sort.RELEVANCE,
            help="The order (default relevance; without a text by name), such as "
            "--sort=-price.",
        )
        parser.add_argument(
            "--embedded", action="store_true", help="Only products with an embedding."
        )
        parser.add_argument(
            "--literal",
            action="store_true",
            help="Search for the text as it is typed: correct no word.",
        )
        super().add_arguments(parser)

    def handle(self, **options: Any) -> None:
        self.run(
            options,
            text=options["text"],
            mode=options["mode"],
            sort=options["sort"],
            literal=options["literal"],
        )
