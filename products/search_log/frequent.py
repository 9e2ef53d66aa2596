"""Which searches are the most frequent, and which find nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q, QuerySet
from django.db.models.functions import Lower

from products.logged import LoggedQuery
from products.search_log.period import Period, searches_in


@dataclass(frozen=True)
class FrequentQuery:
    """A text in small letters, and how many visitors searched for it.

    A visitor counts once a day, however often they repeat, filter or turn pages.
    filtered: how many of the visitors had set a filter.
    """

    text: str
    visitors: int
    filtered: int = 0


@dataclass(frozen=True)
class NoResults:
    """How many searches there were, how many found nothing, and of these with a filter."""

    searches: int
    empty: int
    filtered: int

    @property
    def share(self) -> float:
        """Which share of the searches found nothing, 0 to 1."""
        return self.empty / self.searches if self.searches else 0.0


def frequent_queries(
    n: int, *, days: int | None = None, using: str | None = None
) -> list[FrequentQuery]:
    """Return the n searches that most visitors made in the last *days*, most first.

    Searches in equal number come by the alphabet. days: None for all that is kept. One
    statement, which reads 200,000 searches at most. Empty while the log is empty, or
    keeps no texts.
    """
    return frequent_in(Period.last(days), n, using=using)


def frequent_in(
    period: Period, n: int, *, using: str | None = None
) -> list[FrequentQuery]:
    """Return the n searches of a period that most visitors made, as above."""
    return by_text(searches_in(period, using=using), n)


def empty_in(
    period: Period, n: int, *, using: str | None = None
) -> list[FrequentQuery]:
    """Return the n searches of a period that found nothing for most visitors."""
    return by_text(searches_in(period, using=using, found=0), n)


def by_text(searches: QuerySet[LoggedQuery], n: int) -> list[FrequentQuery]:
    """Return the n texts with the most visitors, most first."""
    visitors = Count("client_id", distinct=True)
    counted = (
        searches.exclude(user_query="")
        .values(text=Lower("user_query"))
        .annotate(
            visitors=visitors,
            with_filter=Count("client_id", distinct=True, filter=Q(filtered=True)),
        )
        .order_by("-visitors", "text")
    )
    return [
        FrequentQuery(row["text"], row["visitors"], row["with_filter"])
        for row in counted[:n]
    ]


def no_results(period: Period, *, using: str | None = None) -> NoResults:
    """Return how many searches of a period found nothing; one statement.

    The second page of a search is no search of its own.
    """
    empty = Q(found=0)
    counts: dict[str, Any] = searches_in(
        period, using=using, first_position=1
    ).aggregate(
        searches=Count("pk"),
        empty=Count("pk", filter=empty),
        filtered=Count("pk", filter=empty & Q(filtered=True)),
    )
    return NoResults(**counts)
