"""The picture of what a page costs against the size of the catalogue, as SVG."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from products.quality.recall_plot import (
    HEIGHT,
    MARGIN,
    WIDTH,
    Plot,
    as_svg,
    make_line,
)


def plot(results: Sequence[dict[str, Any]], server: str, path: Path) -> None:
    """Draw the median time of each kind of page over the rows; both axes are powers."""
    series = {
        name: [
            (result["rows"], result["scenarios"][name][server]["p50"])
            for result in results
        ]
        for name, figures in results[0]["scenarios"].items()
        if server in figures
    }
    lab = [(r["rows"], r["lab"]["p50"]) for r in results if "lab" in r]
    if lab:
        series["the lab's approach"] = lab
    rows = [result["rows"] for result in results]
    times = [time for points in series.values() for _, time in points]
    column = scale(rows, MARGIN, WIDTH - MARGIN)
    level = scale(times, HEIGHT - MARGIN, MARGIN)
    lines = [
        make_line(number, name, [(column(x), level(y)) for x, y in points])
        for number, (name, points) in enumerate(series.items())
    ]
    picture = Plot(
        lines,
        marks=[(column(count), f"{count:,}") for count in rows],
        levels=[(level(power), f"{power / 1000:g}") for power in powers(times)],
        across="products",
        upwards="seconds",
        title="Median time of a page, 8 connections",
    )
    path.write_text(as_svg(picture), encoding="utf-8")


def scale(values: Sequence[float], start: int, end: int) -> Callable[[float], int]:
    """Return what gives the place of a value: powers of ten at equal distances."""
    low, *_, high = powers(values)
    span = math.log10(high / low)

    def place(value: float) -> int:
        return round(start + (end - start) * math.log10(value / low) / span)

    return place


def powers(values: Sequence[float]) -> list[float]:
    """Return the powers of ten from below the least value to above the largest."""
    first = math.floor(math.log10(min(values)))
    last = max(math.ceil(math.log10(max(values))), first + 1)
    return [10.0**power for power in range(first, last + 1)]
