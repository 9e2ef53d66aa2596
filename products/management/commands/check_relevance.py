"""`manage.py check_relevance`: check that the search finds what the shop expects."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.core.management import CommandError, CommandParser

from products.management.base import ShopCommand
from products.quality.relevance import Answer, RelevanceError, ask, read_expectations

ABOUT = """
FILE is TOML. Each table is one expectation:

  [[search]]
  text = "earphones"
  first = 3                       # of the results (default 3)
  has = ["wireless-bluetooth-headphones"]
  not = ["gaming-laptop"]         # skus that must not be among them
  mode = "hybrid"                 # or semantic, keyword
  max_price = 100                 # also min_price, and categories = ["Home"]

  [[search]]
  text = "qwrtzp"
  nothing = true                  # no product may be found

  [[similar]]
  sku = "coffee-maker"
  has = ["espresso-machine"]

--json writes one object: expectations, failed, and answers, each with kind, asked, mode,
first, as_expected, found, missing, unwanted (skus) and notice.

Exit status: 0 all is as expected, 1 something is not, 2 the file cannot be asked.
"""


class Command(ShopCommand):
    expected = (RelevanceError,)
    failed = 2
    help = "Ask the search what a file expects of it, and report what came instead."
    about = ABOUT

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "file", type=Path, metavar="FILE", help="The expectations; see below."
        )
        self.add_json_argument(parser)
        self.add_database_argument(parser, "The database to search.")

    def handle(self, *, file: Path, database: str, **options: Any) -> None:
        expectations = read_expectations(file, using=database)
        answers = [ask(expected, using=database) for expected in expectations]
        failed = [answer for answer in answers if not answer.as_expected]
        if options["json"]:
            self.stdout.write(json.dumps(as_json(answers), indent=2))
        else:
            for answer in failed:
                self.stdout.write(line(answer))
        if failed:
            raise CommandError(
                f"{len(failed)} of {len(answers)} expectations are not met."
            )
        if not options["json"]:
            self.stdout.write(
                self.style.SUCCESS(f"All {len(answers)} expectations are met.")
            )


def line(answer: Answer) -> str:
    """Return what came instead of what was expected, in one line."""
    expected, faults = answer.expectation, []
    if answer.missing:
        faults.append(f"{', '.join(answer.missing)} not in the first {expected.first}")
    if expected.nothing:
        faults.append("something found")
    elif answer.unwanted:
        faults.append(f"{', '.join(answer.unwanted)} in the first {expected.first}")
    found = ", ".join(answer.found) or "nothing"
    notice = f" ({answer.notice})" if answer.notice else ""
    return f"{expected.kind} {expected.asked!r}: {'; '.join(faults)}. Found: {found}{notice}"


def as_json(answers: Sequence[Answer]) -> dict[str, Any]:
    """Return the answers as ABOUT describes them."""
    return {
        "expectations": len(answers),
        "failed": sum(not answer.as_expected for answer in answers),
        "answers": [
            {
                "kind": answer.expectation.kind,
                "asked": answer.expectation.asked,
                "mode": str(answer.expectation.mode),
                "first": answer.expectation.first,
                "as_expected": answer.as_expected,
                "found": answer.found,
                "missing": answer.missing,
                "unwanted": answer.unwanted,
                "notice": answer.notice,
            }
            for answer in answers
        ],
    }
