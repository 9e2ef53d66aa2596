"""What the figures should reach, and whether they do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

MIDDLE, LARGE = 100_000, 1_000_000


@dataclass(frozen=True)
class Goal:
    """A figure and its bound, which is the least or the most that it may be."""

    what: str
    figure: float
    least: float | None = None
    most: float | None = None

    @property
    def reached(self) -> bool:
        return (self.least is None or self.figure >= self.least) and (
            self.most is None or self.figure <= self.most
        )

    def __str__(self) -> str:
        bound = f">= {self.least:g}" if self.least is not None else f"<= {self.most:g}"
        verdict = "reached" if self.reached else "MISSED"
        return f"{self.what:66}{self.figure:8,.2f}  ({bound})  {verdict}"


def goals(found: dict[str, Any]) -> Iterator[Goal]:
    """Yield the goals that the measured catalogues say something about."""
    catalogues = {result["rows"]: result for result in found["catalogues"]}
    server = found["server"]
    if middle := catalogues.get(MIDDLE):
        yield from goals_of_100_000(middle, server)
    for rows, least in ((MIDDLE, 500.0), (10, 1.0)):
        if "lab" in (result := catalogues.get(rows, {})):
            yield Goal(
                f"similar page, times the lab's approach, {rows:,} products",
                similar_page(result, server)["rate"] / result["lab"]["rate"],
                least=least,
            )
    if {MIDDLE, LARGE} <= catalogues.keys():
        medians = [
            similar_page(catalogues[rows], server)["p50"] for rows in (MIDDLE, LARGE)
        ]
        yield Goal(
            "similar page, p50 of 1,000,000 products to that of 100,000",
            medians[1] / medians[0],
            most=2.5,
        )


def similar_page(result: dict[str, Any], server: str) -> dict[str, float]:
    figures: dict[str, float] = result["scenarios"]["similar page"][server]
    return figures


def goals_of_100_000(result: dict[str, Any], server: str) -> Iterator[Goal]:
    """Yield what is asked of a catalogue of that size alone."""
    scenarios = result["scenarios"]
    page = similar_page(result, server)
    yield Goal("similar page, p99 to p50", page["p99"] / page["p50"], most=4)
    warm, cold = (
        {name: figures["p50"] for name, figures in scenarios[which].items()}
        for which in ("hybrid search, warm", "hybrid search, cold")
    )
    yield Goal(
        "hybrid search, warm: p50 to its SQL alone",
        warm["view alone"] / warm["SQL in this process"],
        most=1.5,
    )
    yield Goal(
        "hybrid search, cold: p50 less one embedding, to its SQL alone",
        (cold["view alone"] - cold["one embedding"]) / cold["SQL in this process"],
        most=1.5,
    )
