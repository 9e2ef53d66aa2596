"""What the figures should reach, and whether they do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from serving.fusion import FUSION, SEARCH
from serving.measure import CHECKOUT
from serving.scenarios import OF_FASTAPI, SIMILAR

MIDDLE, LARGE = 100_000, 1_000_000
WORKER_MB = 250


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
    server = found["server"]
    catalogues = {result["rows"]: result for result in found["catalogues"]}
    for rows in (MIDDLE, LARGE):
        if result := catalogues.get(rows):
            for goal in goals_of_one(result, server):
                yield replace(goal, what=f"{rows:,}: {goal.what}")
    for rows, least in ((MIDDLE, 500.0), (10, 1.0)):
        if "lab" in (result := catalogues.get(rows, {})):
            yield Goal(
                f"{rows:,}: similar page, times the lab's approach",
                result["scenarios"][SIMILAR][server]["rate"] / result["lab"]["rate"],
                least=least,
            )
    if {MIDDLE, LARGE} <= catalogues.keys():
        middle, large = (catalogues[rows]["scenarios"] for rows in (MIDDLE, LARGE))
        for name, figures in middle.items():
            if server in figures:
                yield Goal(
                    f"{name}: p50 of 1,000,000 to p50 of 100,000",
                    large[name][server]["p50"] / figures[server]["p50"],
                    most=2.5,
                )


def goals_of_one(result: dict[str, Any], server: str) -> Iterator[Goal]:
    """Yield what is asked of each large catalogue."""
    scenarios = result["scenarios"]
    alone = scenarios["hybrid search alone"]
    yield Goal(
        "search(): p50 to that of plain fusion",
        alone[SEARCH]["p50"] / alone[FUSION]["p50"],
        most=2,
    )
    yield Goal(
        "search(): p99 to p50", alone[SEARCH]["p99"] / alone[SEARCH]["p50"], most=4
    )
    hybrid = scenarios["hybrid search, warm"]
    if CHECKOUT in hybrid:
        yield Goal(
            "hybrid page, times that of the other checkout",
            hybrid[server]["rate"] / hybrid[CHECKOUT]["rate"],
            least=3,
        )
    for name, least in (
        ("hybrid search, warm", 0.6),
        ("home page", 0.4),
        ("similar, same category", 0.4),
    ):
        figures = scenarios[name]
        yield Goal(
            f"{name}: of pgbench",
            figures[server]["rate"] / figures["pgbench, 8 clients"]["rate"],
            least=least,
        )
    for name in OF_FASTAPI:
        figures = scenarios[name]
        best = max(
            each["rate"] for who, each in figures.items() if who.startswith("FastAPI")
        )
        yield Goal(
            f"{name}: of the FastAPI page", figures[server]["rate"] / best, least=1
        )
    page = scenarios[SIMILAR][server]
    yield Goal("similar page: p99 to p50", page["p99"] / page["p50"], most=4)
    yield Goal("MB of a worker", result["workers"][server]["mb"], most=WORKER_MB)
