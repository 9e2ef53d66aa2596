"""What commands have alike that say how a change would reach the searches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from django.core.management import CommandError, CommandParser

from products.management.import_report import printable
from products.quality.impact import Found, Impact, Queries, queries_of

# Seconds after which no further search is looked at.
SECONDS = 120.0
SHOWN = 20  # searches; --verbosity 2 shows all


def add_queries_argument(parser: CommandParser) -> None:
    parser.add_argument(
        "--queries",
        type=Path,
        metavar="TSV",
        help="The searches to look at, as evaluate_search reads them: id, query. By "
        "default the 200 most frequent of the search log.",
    )


def impact_queries(options: Mapping[str, Any]) -> Queries | None:
    """Return the searches that --impact of an import looks at, None without it.

    Raises CommandError, and EvaluationError where there are no searches.
    """
    if not options["impact"]:
        if options["queries"]:
            raise CommandError("--queries is for --impact.", returncode=2)
        return None
    if not options["dry_run"]:
        raise CommandError(
            "--impact is for --dry-run: it says what would change.", returncode=2
        )
    return queries_of(options["queries"], using=options["database"])


def report(impact: Impact, verbosity: int) -> Iterator[str]:
    """Yield what changes, in lines: each search with its products before and after."""
    yield impact.sentence
    shown = len(impact.changed) if verbosity >= 2 else SHOWN
    for change in impact.changed[:shown]:
        yield f"  {printable(change.text)}"
        yield f"    now:  {names(change.before)}"
        yield f"    then: {names(change.after)}"
    if len(impact.changed) > shown:
        left = len(impact.changed) - shown
        yield f"... and {left:,} more (--verbosity 2 shows all)"
    if impact.left_out:
        yield impact.left_out


def names(found: Sequence[Found]) -> str:
    """Return the products in a line, each in quotes."""
    quoted = [f"“{printable(product.name)}”" for product in found]
    return ", ".join(quoted) or "nothing"
