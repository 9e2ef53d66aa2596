"""From when to when a report reads the log, and how much of it at most."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

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
