"""What the web processes of this server have counted so far, read from their files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from django.conf import settings

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

# As products.watching.metrics names them; that module would count for this process too.
SEARCHES = "vectorshop_searches_total"
SEARCH_BUCKETS = "vectorshop_search_seconds_bucket"
BY_TEXT = ("hybrid", "semantic", "keyword")
SLOW_SECONDS = 0.25
SLOW = str(SLOW_SECONDS)


@dataclass(frozen=True)
class Counts:
    """Searches since the web server started.

    all, slow: of every kind, and those of over 0.25 s; by_text, empty: those for a text,
    and those that found nothing.
    """

    all: float = 0.0
    slow: float = 0.0
    by_text: float = 0.0
    empty: float = 0.0

    @classmethod
    def of_figures(cls, values: Mapping[str, float]) -> Counts:
        """Return the counts that figures() wrote down; 0 for what is not there."""
        names = [each.name for each in fields(cls)]
        return cls(*(values.get(f"count_{name}", 0.0) for name in names))

    def figures(self) -> dict[str, float]:
        """Return the counts by the names under which an hour keeps them."""
        return {f"count_{name}": value for name, value in vars(self).items()}

    def since(self, before: Counts) -> Counts:
        """Return what was counted since; all of it where the server began anew."""
        if self.all < before.all:
            return self
        return Counts(
            self.all - before.all,
            self.slow - before.slow,
            self.by_text - before.by_text,
            self.empty - before.empty,
        )


def read_metrics() -> list[Metric]:
    """Return what all web processes counted, added up."""
    from prometheus_client import CollectorRegistry
    from prometheus_client.multiprocess import MultiProcessCollector

    if not settings.METRICS_DIR.is_dir():
        return []
    collector = MultiProcessCollector(  # type: ignore[no-untyped-call]
        CollectorRegistry(), str(settings.METRICS_DIR)
    )
    return list(collector.collect())  # type: ignore[no-untyped-call]


def read_counts() -> Counts | None:
    """Return the counts of searches; None where nothing is counted."""
    if not settings.METRICS_ADDRESS:
        return None
    total = fast = by_text = empty = 0.0
    for metric in read_metrics():
        for sample in metric.samples:
            if sample.name == SEARCHES and sample.labels["mode"] in BY_TEXT:
                by_text += sample.value
                empty += sample.value * (sample.labels["outcome"] != "found")
            elif sample.name == SEARCH_BUCKETS:
                total += sample.value * (sample.labels["le"] == "+Inf")
                fast += sample.value * (sample.labels["le"] == SLOW)
    return Counts(total, total - fast, by_text, empty)
