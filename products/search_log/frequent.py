"""Which searches are the most frequent, and which find nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Count, QuerySet
from django.db.models.functions import Lower
from django.utils import timezone

from products.logged import LoggedQuery

# So many searches are read at most, the latest ones.
MOST_READ = 200_000


@dataclass(frozen=True)
class FrequentQuery:
    """A text in small letters, and how many visitors searched for it.

    A visitor counts once a day, however often they repeat, filter or turn pages.
    """

    text: str
    visitors: int


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


def frequent_queries(
    n: int, *, days: int | None = None, using: str | None = None
) -> list[FrequentQuery]:
    """Return the n searches that most visitors made in the last *days*, most first.

    Searches in equal number come by the alphabet. days: None for all that is kept. One
    statement, which reads 200,000 searches at most. Empty while the log is off, or keeps
    no texts.
    """
    return frequent_in(Period.last(days), n, using=using)


def frequent_in(
    period: Period, n: int, *, using: str | None = None
) -> list[FrequentQuery]:
    """Return the n searches of a period that most visitors made, as above."""
    counted = by_text(searches_in(period, using=using))
    return [FrequentQuery(row["text"], row["visitors"]) for row in counted[:n]]


def searches_in(
    period: Period, *, using: str | None = None, **conditions: Any
) -> QuerySet[LoggedQuery]:
    """Return the latest searches of a period that fulfil the conditions, bounded."""
    latest = (
        LoggedQuery.objects.using(using)
        .filter(timestamp__gte=period.start, timestamp__lt=period.end, **conditions)
        .order_by("-timestamp")[:MOST_READ]
    )
    return LoggedQuery.objects.using(using).filter(pk__in=latest.values("pk"))


def by_text(searches: QuerySet[LoggedQuery]) -> QuerySet[LoggedQuery, Any]:
    """Return each text with the number of its visitors, the most frequent first."""
    return (
        searches.exclude(user_query="")
        .values(text=Lower("user_query"))
        .annotate(visitors=Count("client_id", distinct=True))
        .order_by("-visitors", "text")
    )
