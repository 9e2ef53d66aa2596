"""A measurement, and how it is taken in this process."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Figures:
    """Requests per second, and milliseconds of the median and of the slowest of 100."""

    rate: float
    p50: float
    p99: float


def percentiles(milliseconds: Sequence[float]) -> tuple[float, float]:
    """Return the 50th and the 99th percentile."""
    cuts = statistics.quantiles(milliseconds, n=100, method="inclusive")
    return cuts[49], cuts[98]


def median(runs: Sequence[Figures]) -> Figures:
    """Return the median of each figure."""
    return Figures(
        statistics.median(run.rate for run in runs),
        statistics.median(run.p50 for run in runs),
        statistics.median(run.p99 for run in runs),
    )


def measure_in_turns(
    asks: dict[str, Callable[[int], object]],
    *,
    seconds: float,
    warm: int = 50,
    least: int = 20,
) -> dict[str, Figures]:
    """Return how fast each of *asks* is, called in turns, so that they can be compared.

    All find the machine in the same state, which is shared and changes. seconds: for
    each of them. warm: so many calls before. least: calls of each, however long they
    take.
    """
    for number in range(warm):
        for ask in asks.values():
            ask(number)
    times: dict[str, list[float]] = {name: [] for name in asks}
    number, started = warm, time.perf_counter()
    while time.perf_counter() - started < seconds * len(asks) or number < warm + least:
        for name, ask in asks.items():
            before = time.perf_counter()
            ask(number)
            times[name].append((time.perf_counter() - before) * 1000)
        number += 1
    return {
        name: Figures(1000 * len(found) / sum(found), *percentiles(found))
        for name, found in times.items()
    }
