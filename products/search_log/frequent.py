"""Which searches are the most frequent, and which find nothing."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import DEFAULT_DB_ALIAS

from products.search_log import period
from products.search_log.period import Period
from products.sql.statements import rows

BY_TEXT = """
SELECT lower(user_query) AS text,
       count(DISTINCT client_id) AS visitors,
       count(DISTINCT client_id) FILTER (WHERE filtered)
FROM (
    SELECT user_query, client_id, filtered
    FROM products_logged_query
    WHERE timestamp >= %s AND timestamp < %s AND (found = 0 OR NOT %s)
    ORDER BY timestamp DESC LIMIT %s
) latest
WHERE user_query <> ''
GROUP BY text ORDER BY visitors DESC, text LIMIT %s
"""
# The index holds all that this reads.
EMPTY = """
SELECT count(*),
       count(*) FILTER (WHERE found = 0),
       count(*) FILTER (WHERE found = 0 AND filtered)
FROM (
    SELECT found, filtered
    FROM products_logged_query
    WHERE timestamp >= %s AND timestamp < %s AND first_position = 1
    ORDER BY timestamp DESC LIMIT %s
) latest
"""


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
    within: Period, n: int, *, using: str | None = None
) -> list[FrequentQuery]:
    """Return the n searches of a period that most visitors made, as above."""
    return by_text(within, n, empty=False, using=using)


def empty_in(
    within: Period, n: int, *, using: str | None = None
) -> list[FrequentQuery]:
    """Return the n searches of a period that found nothing for most visitors."""
    return by_text(within, n, empty=True, using=using)


def by_text(
    within: Period, n: int, *, empty: bool, using: str | None
) -> list[FrequentQuery]:
    """Return the n texts with the most visitors, of all searches or of empty ones."""
    values = (within.start, within.end, empty, period.MOST_READ, n)
    found = rows(BY_TEXT, values, using=using or DEFAULT_DB_ALIAS)
    return [FrequentQuery(*row) for row in found]


def no_results(within: Period, *, using: str | None = None) -> NoResults:
    """Return how many searches of a period found nothing; one statement.

    The second page of a search is no search of its own.
    """
    values = (within.start, within.end, period.MOST_READ)
    [counts] = rows(EMPTY, values, using=using or DEFAULT_DB_ALIAS)
    return NoResults(*counts)
