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


def measure(ask: Callable[[int], object], *, seconds: float, warm: int = 50) -> Figures:
    """Return how fast *ask*, called with 0, 1, 2 ..., is, after *warm* calls."""
    for number in range(warm):
        ask(number)
    times: list[float] = []
    number, started = warm, time.perf_counter()
    while time.perf_counter() - started < seconds or len(times) < 20:
        before = time.perf_counter()
        ask(number)
        times.append((time.perf_counter() - before) * 1000)
        number += 1
    return Figures(1000 * len(times) / sum(times), *percentiles(times))
