"""The picture of a tuning, as SVG: recall over ef_search, for the page and for a file."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from django.template.loader import render_to_string
from django.utils.formats import number_format

from products.quality.tuning import Bucket

WIDTH, HEIGHT, MARGIN = 440, 280, 48  # about as wide as the page shows it
LEVELS = 5  # lines across

# The first three are those of shop.css in the light scheme.
COLOURS = ("#0072b2", "#c45500", "#00805d", "#a3408a", "#806600", "#444444")


@dataclass(frozen=True)
class Line:
    """One line of a plot: its title, its colour and its points, as SVG takes them."""

    title: str
    colour: str
    points: str


@dataclass(frozen=True)
class Plot:
    """Lines over two axes, in the units of the picture.

    marks: the places on the axis across, (x, text); levels: those on the axis upwards,
    (y, text). title: for a picture that stands alone, which then has a legend too.
    target: where a dashed line across shows the aim.
    """

    lines: list[Line]
    marks: list[tuple[int, str]]
    levels: list[tuple[int, str]]
    across: str = "ef_search"
    upwards: str = "recall@10"
    title: str = ""
    target: int | None = None
    width: int = WIDTH
    height: int = HEIGHT
    left: int = MARGIN
    right: int = WIDTH - MARGIN

    @property
    def head(self) -> int:
        """The height of the title and the legend above the picture."""
        return 34 + 18 * len(self.lines) if self.title else 0


def make_plot(
    buckets: Sequence[Bucket], *, title: str = "", target: float | None = None
) -> Plot:
    """Return the plot of the measurements: one line for each share of kept products.

    Recall goes up to 1, from the tenth below the lowest: an index misses little, and
    from 0 all lines would lie on each other.
    """
    settings = [measured.ef_search for measured in buckets[0].hnsw]
    # At equal distances: to scale, the texts of 80 and 100 would lie on each other.
    step = (WIDTH - 2 * MARGIN) // max(len(settings) - 1, 1)
    marks = [(MARGIN + step * place, str(ef)) for place, ef in enumerate(settings)]
    recalls = [measured.recall for bucket in buckets for measured in bucket.hnsw]
    lowest = min(recalls) if target is None else min(*recalls, target)
    bottom = min(math.floor(lowest * 10), 9) / 10

    def level(recall: float) -> int:
        share = (recall - bottom) / (1 - bottom)
        return round(HEIGHT - MARGIN - share * (HEIGHT - 2 * MARGIN))

    lines = [
        make_line(
            number,
            "no filter" if bucket.wanted == 1 else f"{bucket.title} kept",
            [
                (x, level(measured.recall))
                for (x, _), measured in zip(marks, bucket.hnsw, strict=True)
            ],
        )
        for number, bucket in enumerate(buckets)
    ]
    gap = (1 - bottom) / (LEVELS - 1)
    shown = [bottom + gap * place for place in range(LEVELS)]
    return Plot(
        lines,
        marks,
        [(level(recall), number_format(recall, 3)) for recall in shown],
        title=title,
        target=None if target is None else level(target),
    )


def make_line(number: int, title: str, points: Sequence[tuple[int, int]]) -> Line:
    """Return the line of this number, from 0, through some points."""
    text = " ".join(f"{x},{y}" for x, y in points)
    return Line(title, COLOURS[number % len(COLOURS)], text)


def as_svg(plot: Plot) -> str:
    """Return a plot as the text of an SVG file."""
    return render_to_string("products/recall_plot.svg", {"plot": plot})
