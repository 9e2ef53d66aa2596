"""The eight figures that an operator looks at first, and what to do about each."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime

from django.utils.formats import number_format
from django.utils.functional import Promise, lazy
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _, ngettext

from products.numbers import grouped, percentage
from products.watching.counts import SLOW_SECONDS, Counts, read_counts
from products.watching.history import DAY, HOUR, WEEK, this_hour, values_of
from products.watching.recall_samples import sampled_recall
from products.watching.statistics import (
    read_backlog,
    read_connections,
    read_storage,
)

Text = str | Promise


@dataclass(frozen=True)
class Kind:
    """What a figure is, and which values ask for somebody.

    unit: "share", "seconds" or "count". limit: the last value that is fine; falling:
    whether small values are the bad ones. advice: what to do beyond it; unknown: what
    to do to know it.
    """

    name: str
    label: Text
    unit: str
    limit: float
    advice: Text
    unknown: Text
    falling: bool = False

    def is_fine(self, value: float) -> bool:
        """Return whether nobody needs to look."""
        return value >= self.limit if self.falling else value <= self.limit

    def written(self, value: float | None) -> str:
        """Return a value for people, a dash for none."""
        if value is None:
            return "–"
        if self.unit == "share":
            return percentage(value)
        return age(value) if self.unit == "seconds" else grouped(round(value))


NOT_COUNTED = _("Set METRICS_ADDRESS, so that the web processes count.")
NO_WORKER = _("Keep manage.py embed_products --watch running.")

KINDS = (
    Kind(
        "slow",
        format_lazy(
            _("Searches of over {seconds} s"),
            seconds=lazy(number_format, str)(SLOW_SECONDS),
        ),
        "share",
        0.05,
        _(
            "See in the metrics whether the model or the database takes the time, and "
            "docs/performance.md."
        ),
        NOT_COUNTED,
    ),
    Kind(
        "empty",
        _("Searches without a result"),
        "share",
        0.2,
        _("Add synonyms, or the products that are asked for."),
        NOT_COUNTED,
    ),
    Kind(
        "recall",
        _("Recall of searches"),
        "share",
        0.95,
        _("Run manage.py build_index, then manage.py tune_search."),
        _("Set RECALL_SAMPLE, and keep manage.py embed_products --watch running."),
        falling=True,
    ),
    Kind(
        "waiting",
        _("Products without a fresh vector"),
        "share",
        0.01,
        NO_WORKER,
        _("Counting takes too long here; see manage.py check --database default."),
    ),
    Kind(
        "lag",
        _("The oldest of them waits for"),
        "seconds",
        600,
        _("Look into the log of manage.py embed_products --watch."),
        _("Counting takes too long here; see manage.py check --database default."),
    ),
    Kind(
        "failed",
        _("Texts that could not be embedded"),
        "count",
        0,
        _("The worker's log names them and the reason: change their texts."),
        NO_WORKER,
    ),
    Kind(
        "dead_rows",
        _("Dead rows in the table"),
        "share",
        0.2,
        _("Run VACUUM ANALYZE products, and let autovacuum run more often."),
        "",
    ),
    Kind(
        "connections",
        _("Connections in use"),
        "share",
        0.8,
        _("Set DB_POOL, or raise max_connections."),
        "",
    ),
)


@dataclass(frozen=True)
class Figure:
    """A figure as it is now, a day ago and a week ago; None where it is not known."""

    kind: Kind
    value: float | None
    day_ago: float | None = None
    week_ago: float | None = None

    @property
    def label(self) -> str:
        return str(self.kind.label)

    @property
    def needs_attention(self) -> bool:
        """Whether somebody should do what `advice` says."""
        return self.value is not None and not self.kind.is_fine(self.value)

    @property
    def advice(self) -> str:
        """What to do, "" where nothing is to be done."""
        if self.value is None:
            return str(self.kind.unknown)
        return str(self.kind.advice) if self.needs_attention else ""

    @property
    def text(self) -> str:
        return self.kind.written(self.value)

    @property
    def day_ago_text(self) -> str:
        return self.kind.written(self.day_ago)

    @property
    def week_ago_text(self) -> str:
        return self.kind.written(self.week_ago)


@dataclass(frozen=True)
class Measured:
    """The values of the figures now, and what the web processes have counted so far."""

    values: dict[str, float | None]
    counts: Counts | None = None
    before: dict[datetime, dict[str, float]] = field(default_factory=dict)


def figures(*, using: str) -> list[Figure]:
    """Return the eight figures, in six statements at most, none of over a second."""
    measured = measure(using=using)
    hour = this_hour()
    day, week = measured.before[hour - DAY], measured.before[hour - WEEK]
    return [
        Figure(
            kind, measured.values[kind.name], day.get(kind.name), week.get(kind.name)
        )
        for kind in KINDS
    ]


def measure(*, using: str) -> Measured:
    """Return the values of the eight figures by their names."""
    hour = this_hour()
    before = values_of([hour, hour - HOUR, hour - DAY, hour - WEEK], using=using)
    reported = before[hour - HOUR] | before[hour]
    counts = read_counts()
    hour_ago = Counts.of_figures(before[hour - HOUR])
    recent = counts.since(hour_ago) if counts else Counts()
    backlog, storage = read_backlog(using=using), read_storage(using=using)
    connections = read_connections(using=using)
    values: dict[str, float | None] = {
        "slow": share(recent.slow, recent.all),
        "empty": share(recent.empty, recent.by_text),
        "recall": mean_recall(sampled_recall(using=using).values()),
        "waiting": backlog.share if backlog else None,
        "lag": backlog.seconds if backlog else None,
        "failed": reported.get("failed"),
        "dead_rows": storage.dead_share,
        "connections": connections.used / connections.most,
    }
    return Measured(values, counts, before)


def share(part: float, whole: float) -> float | None:
    """Return a share from 0 to 1; None of nothing."""
    return part / whole if whole else None


def mean_recall(pairs: Collection[tuple[float, int]]) -> float | None:
    """Return the mean of some means, each of so many samples; None without any."""
    asked = sum(count for _, count in pairs)
    return share(sum(recall * count for recall, count in pairs), asked)


def age(seconds: float) -> str:
    """Return a time in its largest unit: "40 s", "3 min", "2 h", "5 days"."""
    for size, unit in ((86_400, "day"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            number = round(seconds / size)
            if unit == "day":
                return ngettext("%(count)s day", "%(count)s days", number) % {
                    "count": number
                }
            return f"{number} {unit}"
    return f"{round(seconds)} s"
