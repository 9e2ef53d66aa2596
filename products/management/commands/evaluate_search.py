"""`manage.py evaluate_search`: measure how good the search is, on judged queries."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management import CommandError, CommandParser

from products.management.base import ShopCommand
from products.models import Product
from products.quality.clicks import judged_by_clicks
from products.quality.evaluation import ModeMeasures, evaluate
from products.quality.judged import EvaluationError, JudgedQueries, read_judged
from products.search import Mode
from products.search_log.period import MOST_DAYS

MEASURES = {
    "ndcg": "nDCG@10",
    "judged_only": "judged-only",
    "recall": "recall@50",
    "judged": "judged@10",
}

ABOUT = """
The files have one line each, with tabs between the fields, with or without a header:
  queries      qid, query
  judgements   qid, sku, grade (a number from 0, not relevant, up)

--from-log asks the 200 most frequent searches of the search log with a click, and
grades each product by its clicks over those expected in its places: 0 to 4. Visitors
click on what they are shown, so the figures tell two ways of searching apart less well
than judgements of people do.

Queries without a relevant product of the catalogue are left out. The measures are
means over the others, with their 95 % bootstrap intervals:
  nDCG@10      of the first ten results, with gain 2^grade - 1; what nobody judged
               counts as not relevant
  judged-only  the same after what nobody judged is taken out of the ranking (all of
               the up to 300 products that a search ranks)
  recall@50    which share of the products with a grade over 0 is among the first 50
  judged@10    which share of the first ten results somebody judged
  empty        how many queries found nothing

--json writes one object: queries, evaluated, judgements, unknown_skus,
without_relevant and unasked (ids of queries), catalogue (products, with_description,
with_category), and modes, each with empty, the measures
ndcg, judged_only, recall and judged (mean, low, high), and per_query.
"""


class Command(ShopCommand):
    expected = (EvaluationError,)
    help = "Measure how well the search answers queries that people have judged."
    about = ABOUT

    def add_arguments(self, parser: CommandParser) -> None:
        for name in ("queries", "judgements"):
            parser.add_argument(
                f"--{name}",
                type=Path,
                metavar="TSV",
                help=f"The file of the {name}; see below.",
            )
        parser.add_argument(
            "--from-log",
            action="store_true",
            help="Take both from the clicks in the search log; see below.",
        )
        parser.add_argument(
            "--days",
            type=int,
            help="With --from-log: read so many days (default: all that are kept).",
        )
        parser.add_argument(
            "--mode",
            choices=["all", *Mode.values],
            default="all",
            help="Which search to measure (default all).",
        )
        self.add_json_argument(parser)
        self.add_database_argument(parser, "The database to search.")

    def handle(
        self,
        *,
        mode: str,
        database: str,
        **options: Any,
    ) -> None:
        modes = list(Mode) if mode == "all" else [Mode(mode)]
        judged = judged_queries(database, **options)
        with self.bar(total=len(modes) * len(judged.grades), unit=" queries") as bar:
            measured = [
                evaluate(judged, mode, using=database, progress=bar.update)
                for mode in modes
            ]
        shop = catalogue(database)
        if options["json"]:
            report = as_json(judged, measured) | {"catalogue": shop}
            self.stdout.write(json.dumps(report, indent=2))
        else:
            lines = [*introduction(judged), mapping(shop), "", *table(measured)]
            self.stdout.write("\n".join(lines))


def judged_queries(
    using: str,
    *,
    queries: Path | None,
    judgements: Path | None,
    from_log: bool,
    days: int | None,
    **options: Any,
) -> JudgedQueries:
    """Return the judged queries of the files, or of the log. Raises EvaluationError."""
    if days is not None and not (from_log and 1 <= days <= MOST_DAYS):
        raise CommandError(
            f"--days takes a number from 1 to {MOST_DAYS}, together with --from-log."
        )
    if from_log and not (queries or judgements):
        return judged_by_clicks(days, using=using)
    if queries and judgements and not from_log:
        return read_judged(queries, judgements, using=using)
    raise CommandError("Give both --queries and --judgements, or --from-log alone.")


def catalogue(using: str) -> dict[str, int]:
    """Return how many products there are, and how many have which text."""
    products = Product.objects.using(using)
    return {
        "products": products.count(),
        "with_description": products.exclude(description="").count(),
        "with_category": products.exclude(category="").count(),
    }


def mapping(shop: dict[str, int]) -> str:
    """Return which texts the products have: figures of other mappings differ."""
    return (
        f"{shop['products']:,} products, {shop['with_description']:,} with a "
        f"description, {shop['with_category']:,} with a category."
    )


def introduction(judged: JudgedQueries) -> list[str]:
    """Return what is evaluated, and what is left out, in lines."""
    lines = [
        f"{len(judged.grades)} of {len(judged.texts)} queries have a relevant product; "
        f"{judged.judgements:,} judgements."
    ]
    if judged.unknown:
        lines.append(
            f"Left out: {len(judged.unknown):,} judged skus that are not in the "
            f"catalogue, such as {', '.join(judged.unknown[:3])}."
        )
    if judged.unasked:
        lines.append(
            f"Left out: the judgements of {len(judged.unasked):,} queries that are "
            f"not asked, such as {', '.join(judged.unasked[:3])}."
        )
    return lines


def table(modes: Sequence[ModeMeasures]) -> list[str]:
    """Return a line for each mode, with the means and their intervals."""
    head = "".join(f"{title:22}" for title in MEASURES.values())
    lines = [f"{'mode':10}{head}empty"]
    for mode in modes:
        cells = []
        for measure in MEASURES:
            found = mode.interval(measure)
            cells.append(
                f"{found.mean:.3f} [{found.low:.3f}, {found.high:.3f}]"
                if found
                else "-"
            )
        row = "".join(f"{cell:22}" for cell in cells)
        lines.append(f"{mode.mode:10}{row}{mode.empty}")
    return lines


def as_json(judged: JudgedQueries, modes: Sequence[ModeMeasures]) -> dict[str, Any]:
    """Return what was measured as ABOUT describes it."""
    return {
        "queries": len(judged.texts),
        "evaluated": len(judged.grades),
        "judgements": judged.judgements,
        "unknown_skus": judged.unknown,
        "without_relevant": judged.without_relevant,
        "unasked": judged.unasked,
        "modes": {
            str(mode.mode): {
                "empty": mode.empty,
                **{
                    measure: asdict(interval) if interval else None
                    for measure in MEASURES
                    for interval in [mode.interval(measure)]
                },
                "per_query": [asdict(measured) for measured in mode.queries],
            }
            for mode in modes
        },
    }
