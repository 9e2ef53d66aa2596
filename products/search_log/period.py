"""Which searches of the log a report reads: those of a period, and never too many."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone

from products.logged import LoggedQuery

# So many searches are read at most, the latest ones.
MOST_READ = 200_000
MOST_DAYS = 3650


@dataclass(frozen=True)
class Period:
    """From when to when the log is read; *end* itself is left out."""

    start: datetime
    end: datetime

    @classmethod
    def last(cls, days: int | None = None) -> Period:
        """Return the time of the last *days* until now; None: all that is kept."""
        end = timezone.now()
        return cls(end - timedelta(days=days or settings.SEARCH_LOG_DAYS), end)


def searches_in(
    period: Period, *, using: str | None = None, **conditions: Any
) -> QuerySet[LoggedQuery]:
    """Return the latest searches of a period that fulfil the conditions, bounded."""
    searches = LoggedQuery.objects.using(using)
    latest = searches.filter(
        timestamp__gte=period.start, timestamp__lt=period.end, **conditions
    ).order_by("-timestamp")
    return searches.filter(pk__in=latest.values("pk")[:MOST_READ])
