"""`manage.py tune_search`: measure which ef_search and weights the catalogue needs."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management import CommandError, CommandParser

from products.embeddings import EmbeddingError
from products.management.base import ShopCommand
from products.models import Product
from products.quality.judged import EvaluationError, read_judged
from products.quality.recall_plot import as_svg, make_plot
from products.quality.tuning import SHARES, Bucket, Measurement, TuningError, tune
from products.quality.weights import Fit, apply_weights, fit_weights, reset_weights

ABOUT = """
Each question asks for the ten products most like a stored one, chosen at random, in a
random range of prices that keeps the given share of the products. Recall is the share
of the true ten nearest, known from an exact scan, that were found. "HNSW" is the index
with iterative scan at each ef_search, whether the search would use it or not; "planned"
is what the search does by itself. Times are medians, with the ORM.

--json writes one object: products, samples, target, and buckets, each with filter,
share, exact_ms, smallest_ef_search (null: none reaches the target), planned and hnsw
(a list), which have ef_search, method, recall, full (the share of full pages) and
milliseconds.

--weights fits the two weights of the hybrid score on one half of the judged queries and
measures them on the other. The files are those of evaluate_search. --apply puts the
weights in force if the 95 % bootstrap interval of the gain is above zero; --reset puts
the default ones in force again.
"""


OF_WEIGHTS = ("queries", "judgements", "apply", "reset")


class Command(ShopCommand):
    expected = (TuningError, EvaluationError, EmbeddingError)
    help = (
        "Measure recall@10 and latency of the HNSW index for a range of ef_search, with "
        "and without filters, and name the smallest setting that reaches the target."
    )
    about = ABOUT

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--target-recall",
            type=float,
            default=0.95,
            help="The recall@10 to reach, over 0 to 1 (default 0.95).",
        )
        parser.add_argument(
            "--filter",
            dest="shares",
            action="append",
            type=share,
            metavar="none|PERCENT",
            help="How many percent of the products a filter keeps; can be given "
            "several times (default none, 25, 10, 5 and 1).",
        )
        parser.add_argument(
            "--samples",
            type=int,
            default=50,
            help="How many questions are asked for each filter (default 50).",
        )
        parser.add_argument(
            "--plot",
            dest="picture",
            type=Path,
            metavar="FILE.svg",
            help="Draw the recall into an SVG file.",
        )
        parser.add_argument(
            "--weights",
            action="store_true",
            help="Fit the weights of the hybrid score instead; see below.",
        )
        for name in ("queries", "judgements"):
            parser.add_argument(
                f"--{name}", type=Path, metavar="TSV", help=f"With --weights: {name}."
            )
        action = parser.add_mutually_exclusive_group()
        action.add_argument(
            "--apply",
            action="store_true",
            help="With --weights: put the fitted weights in force if they are better.",
        )
        action.add_argument(
            "--reset",
            action="store_true",
            help="With --weights: put the default weights in force again.",
        )
        self.add_json_argument(parser)
        self.add_database_argument(parser, "The database to measure.")

    def handle(
        self,
        *,
        target_recall: float,
        shares: list[float] | None,
        samples: int,
        picture: Path | None,
        database: str,
        **options: Any,
    ) -> None:
        if options["weights"]:
            self.tune_weights(database, options)
            return
        if given := [name for name in OF_WEIGHTS if options[name]]:
            raise CommandError(f"--{given[0]} goes with --weights. Add --weights.")
        require_options(target_recall, samples, picture)
        wanted = list(dict.fromkeys(shares or SHARES))
        with self.bar(total=len(wanted), unit=" filters") as bar:
            buckets = tune(wanted, samples=samples, using=database, progress=bar.update)
        count = Product.objects.using(database).embedded().count()
        if picture:
            self.draw(buckets, picture, target=target_recall, count=count)
        report = {
            "products": count,
            "samples": min(samples, count),
            "target": target_recall,
            "buckets": [as_json(bucket, target_recall) for bucket in buckets],
        }
        if options["json"]:
            self.stdout.write(json.dumps(report, indent=2))
            return
        self.stdout.write(
            f"{count:,} embedded products, {report['samples']} questions a filter.\n"
        )
        for bucket in buckets:
            self.stdout.write("\n".join(table(bucket, target_recall)))
        if picture:
            self.stdout.write(self.style.SUCCESS(f"Drew {picture}."))

    def tune_weights(self, database: str, options: dict[str, Any]) -> None:
        """Fit the weights of the hybrid score, or put the default ones in force."""
        if options["reset"]:
            changed = reset_weights(using=database)
            self.stdout.write(
                "The default weights are in force again."
                if changed
                else "The default weights were in force already."
            )
            return
        if not (options["queries"] and options["judgements"]):
            raise CommandError(
                "--weights needs --queries FILE and --judgements FILE, as "
                "evaluate_search reads them."
            )
        judged = read_judged(options["queries"], options["judgements"], using=database)
        with self.bar(total=len(judged.grades), unit=" queries") as bar:
            fit = fit_weights(judged, using=database, progress=bar.update)
        self.stdout.write("\n".join(report_of(fit)))
        if not fit.is_better:
            self.stdout.write(
                "The interval is not above zero: this may be chance. Keep the weights "
                "as they are, or judge more queries."
            )
        elif options["apply"]:
            apply_weights(fit, using=database)
            self.stdout.write(
                self.style.SUCCESS(
                    "The fitted weights are in force. manage.py tune_search --weights "
                    "--reset goes back to the default ones."
                )
            )
        else:
            self.stdout.write(
                "Run the same command with --apply to put the fitted weights in force."
            )

    def draw(
        self, buckets: Sequence[Bucket], path: Path, *, target: float, count: int
    ) -> None:
        """Draw the picture. Raises CommandError when the file cannot be written."""
        title = f"Nearest neighbours among {count:,} products, by HNSW"
        plot = make_plot(buckets, title=title, target=target)
        try:
            path.write_text(as_svg(plot), encoding="utf-8")
        except OSError as err:
            raise CommandError(f"{path} cannot be written: {err.strerror}.") from err


def report_of(fit: Fit) -> list[str]:
    """Return what was fitted and how good it is, in lines."""
    old, new, gain = fit.in_force, fit.fitted, fit.difference
    return [
        f"Fitted on {fit.queries - fit.held_out} judged queries, measured on "
        f"{fit.held_out} others.",
        f"  {'':10}{'words':>7}{'rank':>7}{'nDCG@10':>10}",
        f"  {'in force':10}{old.keyword:>7g}{old.rank:>7g}{fit.before:>10.3f}",
        f"  {'fitted':10}{new.keyword:>7g}{new.rank:>7g}{fit.after:>10.3f}",
        f"  difference {gain.mean:+.3f} [{gain.low:+.3f}, {gain.high:+.3f}]",
    ]


def share(text: str) -> float:
    """Return the share of products that an option names: over 0, to 1."""
    if text == "none":
        return 1.0
    try:
        percent = float(text.removesuffix("%"))
    except ValueError:
        percent = 0.0
    if not 0 < percent < 100:
        raise argparse.ArgumentTypeError(
            f"{text!r} is neither none nor a percentage over 0 and under 100."
        )
    return percent / 100


def require_options(target: float, samples: int, path: Path | None) -> None:
    """Raise CommandError, before minutes of work, for what cannot be done."""
    if not 0 < target <= 1:
        raise CommandError("--target-recall takes a number over 0, up to 1.")
    if not 1 <= samples <= 10_000:
        raise CommandError("--samples takes a whole number from 1 to 10,000.")
    if path and path.suffix != ".svg":
        raise CommandError("--plot draws SVG: name a file that ends in .svg.")
    if path and not path.absolute().parent.is_dir():
        raise CommandError(f"There is no folder {path.parent} to draw into. Make it.")


def table(bucket: Bucket, target: float) -> list[str]:
    """Return the measurements of a bucket in lines."""
    smallest = bucket.smallest(target)
    answer = (
        f"ef_search {smallest} is the smallest that reaches recall {target:g}"
        if smallest
        else f"no ef_search reaches recall {target:g}"
    )
    kept = "" if bucket.wanted == 1 else f" (kept {bucket.share * 100:.2g} %)"
    return [
        f"Filter {bucket.title}{kept}: {answer}.",
        f"  {'':18}{'recall@10':>10}{'full pages':>12}{'median ms':>11}",
        *(row(f"HNSW {measured.ef_search}", measured) for measured in bucket.hnsw),
        row(f"planned: {bucket.planned.method}", bucket.planned),
        f"  {'exact scan':18}{1:>10.3f}{'':12}{bucket.exact_ms:>11.1f}",
        "",
    ]


def row(name: str, measured: Measurement) -> str:
    """Return one measurement as a line of the table."""
    return (
        f"  {name:18}{measured.recall:>10.3f}{measured.full:>12.0%}"
        f"{measured.milliseconds:>11.1f}"
    )


def as_json(bucket: Bucket, target: float) -> dict[str, Any]:
    """Return a bucket as ABOUT describes it."""
    return {
        "filter": bucket.title,
        "share": bucket.share,
        "exact_ms": bucket.exact_ms,
        "smallest_ef_search": bucket.smallest(target),
        "planned": asdict(bucket.planned),
        "hnsw": [asdict(measured) for measured in bucket.hnsw],
    }
