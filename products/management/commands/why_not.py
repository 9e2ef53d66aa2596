"""`manage.py why_not`: say what keeps a product out of the results of a search."""

from __future__ import annotations

import json
from typing import Any

from django.core.management import CommandError, CommandParser
from django.db import OperationalError
from psycopg.errors import QueryCanceled

from products.insight.why_not import WhyNot, why_not
from products.management.base import ShopCommand
from products.management.searching import (
    add_example_arguments,
    add_filter_arguments,
    add_text_arguments,
    read_examples,
    read_filters,
    require_categories,
    require_products,
)
from products.search import PAGE_SIZE, SearchError
from products.search.question import MAX_PAGE_SIZE
from products.turns import BusyError

MARKS = {True: "passed", False: "stopped"}


class Command(ShopCommand):
    help = (
        "Say what keeps a product out of the results of a search: a filter, its "
        "similarity, its place, its words, its embedding. If it is in them, say where."
    )
    about = """
--json writes one object with these keys:
  sku, name, verdict, place, page (null if it is not in the results), total,
  stopped_by (the conditions that decided);
  gates: condition, passed, says, figures (by name).
"""
    expected = (SearchError,)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("text", help='What was searched for; may be "".')
        parser.add_argument("sku", help="The product that is missing.")
        parser.add_argument(
            "-n",
            "--limit",
            type=int,
            default=PAGE_SIZE,
            help=f"How many a page has, 1 to {MAX_PAGE_SIZE} (default {PAGE_SIZE}).",
        )
        parser.add_argument(
            "--page", type=int, default=1, help="The page that was looked at, from 1."
        )
        add_text_arguments(parser)
        add_filter_arguments(parser)
        add_example_arguments(parser)
        self.add_json_argument(parser)
        self.add_database_argument(parser, "The database to search.")

    def handle(self, **options: Any) -> None:
        database = options["database"]
        [product] = require_products([options["sku"]], using=database)
        filters = read_filters(options)
        require_categories(filters.categories, using=database)
        asked = {
            name: options[name]
            for name in ("text", "mode", "sort", "literal", "diversity", "page")
        }
        asked |= {name: tuple(found) for name, found in read_examples(options).items()}
        asked |= {"filters": filters, "page_size": options["limit"]}
        try:
            answer = why_not(product, asked, using=database)
        except BusyError as err:
            raise CommandError("Others compare just now. Try again.") from err
        except OperationalError as err:
            if not isinstance(err.__cause__, QueryCanceled):
                raise
            raise CommandError(
                "The catalogue is too large: comparing takes more than 5 seconds."
            ) from err
        if options["json"]:
            self.stdout.write(json.dumps(as_json(answer), indent=2))
        else:
            self.write(answer)

    def write(self, answer: WhyNot) -> None:
        """Write the verdict, then a line for each gate."""
        style = self.style.SUCCESS if answer.place else self.style.WARNING
        self.stdout.write(style(answer.verdict))
        for gate in answer.gates:
            mark = MARKS[gate.passed]
            self.stdout.write(f"{mark:8} {gate.condition.label}: {gate.says}")


def as_json(answer: WhyNot) -> dict[str, Any]:
    """Return an answer as the command's help describes it."""
    return {
        "sku": answer.product.sku,
        "name": answer.product.name,
        "verdict": answer.verdict,
        "place": answer.place,
        "page": answer.page,
        "total": answer.total,
        "stopped_by": [str(gate.condition) for gate in answer.stopped_by],
        "gates": [
            vars(gate) | {"condition": str(gate.condition)} for gate in answer.gates
        ],
    }
