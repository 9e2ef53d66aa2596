"""The picture of a tuning: recall and latency over ef_search."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from products.quality.tuning import Bucket

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ENDINGS = (".svg", ".png")


def plot(buckets: Sequence[Bucket], path: Path, *, target: float, title: str) -> None:
    """Draw the measurements into a file, SVG or PNG by its ending.

    Raises OSError when the file cannot be written. Loads matplotlib, which takes a
    second, and no window.
    """
    from matplotlib.figure import Figure
    from matplotlib.ticker import LogLocator

    figure = Figure(figsize=(11, 5), layout="constrained")
    left, right = figure.subplots(1, 2)
    for number, bucket in enumerate(buckets):
        name = "no filter" if bucket.wanted == 1 else f"{bucket.title} kept"
        draw_bucket(left, right, bucket, color=f"C{number}", name=name)
    left.axhline(target, color="gray", linestyle="--", linewidth=1)
    left.annotate(
        f"target {target:g}",
        (1, target),
        xycoords=("axes fraction", "data"),
        ha="right",
        va="bottom",
        color="gray",
    )
    left.set_ylabel("recall@10 against the exact scan")
    left.set_title("What is found")
    right.set_ylabel("median time of a query in ms")
    right.set_yscale("log")
    # Times of one catalogue seldom span two powers of ten.
    right.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    right.yaxis.set_major_formatter("{x:g}")
    right.set_title("What it costs (dotted: what the search plans by itself)")
    names = [str(measured.ef_search) for measured in buckets[0].hnsw]
    for axes in (left, right):
        # At equal distances: to scale, the names of 80 and 100 lie on each other.
        axes.set_xticks(range(len(names)), names)
        axes.minorticks_off()
        axes.set_xlabel("hnsw.ef_search, with iterative scan")
        axes.grid(alpha=0.3)
    left.legend(title="filter")
    figure.suptitle(title)
    figure.savefig(path, dpi=150)


def draw_bucket(
    left: Axes, right: Axes, bucket: Bucket, *, color: str, name: str
) -> None:
    """Draw the lines of one bucket into both pictures."""
    settings = range(len(bucket.hnsw))
    left.plot(
        settings,
        [measured.recall for measured in bucket.hnsw],
        marker="o",
        color=color,
        label=name,
    )
    right.plot(
        settings,
        [measured.milliseconds for measured in bucket.hnsw],
        marker="o",
        color=color,
    )
    right.axhline(bucket.planned.milliseconds, color=color, linestyle=":")
