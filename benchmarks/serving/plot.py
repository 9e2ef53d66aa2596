"""The picture of what a page costs against the size of the catalogue."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure


def plot(results: Sequence[dict[str, Any]], path: Path) -> None:
    """Draw the median time of each kind of page over the rows, SVG or PNG."""
    figure = Figure(figsize=(8, 5), layout="constrained")
    axes = figure.subplots()
    for name in results[0]["scenarios"]:
        axes.plot(
            [result["rows"] for result in results],
            [result["scenarios"][name]["gunicorn"]["p50"] for result in results],
            marker="o",
            label=name,
        )
    lab = [result for result in results if "lab" in result]
    axes.plot(
        [result["rows"] for result in lab],
        [result["lab"]["p50"] for result in lab],
        marker="o",
        linestyle="--",
        color="gray",
        label="the lab's approach",
    )
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("products")
    axes.set_ylabel("median time of a page in ms, 8 connections")
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(path, dpi=150)
