"""How often what stands in the first place is opened, and in the second, and so on."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from django.db import DEFAULT_DB_ALIAS

from products.search_log import period
from products.search_log.period import Period
from products.sql.statements import rows

# The latest searches of the pages, whose links alone tell of clicks. In the order by price, among filtered products or by examples a
# place says nothing about how well a product fits the text: *ranked* leaves those out.
SEARCHES = """
WITH searches AS (
    SELECT query_id, client_id, first_position, query_response_hit_ids,
           lower(user_query) AS text
    FROM products_logged_query
    WHERE timestamp >= %(start)s AND timestamp < %(end)s AND application = 'shop'
      AND (NOT %(ranked)s OR (
          NOT filtered
          AND coalesce(query_attributes ->> 'sort', 'relevance') = 'relevance'
          AND NOT query_attributes ?| array['like', 'unlike']
      ))
    ORDER BY timestamp DESC LIMIT %(most)s
)
"""
# A click counts where its search was made by the same visitor and showed the product in
# that place.
CLICKS = """,
clicks AS (
    SELECT query_id, client_id, text, object_id, position
    FROM searches
    JOIN products_logged_event event USING (query_id, client_id)
    WHERE event.action_name = 'click'
      AND query_response_hit_ids[event.position - first_position + 1]
          = event.object_id
)
"""
CLICKS_BY_POSITION = f"""
{SEARCHES} {CLICKS}
SELECT position, count(*) FROM clicks GROUP BY position
"""  # noqa: S608 - of constants
SHOWN_BY_POSITION = f"""
{SEARCHES}
SELECT first_position, cardinality(query_response_hit_ids), count(*)
FROM searches GROUP BY 1, 2
"""  # noqa: S608 - of constants
# Of the texts with a click, those of the most visitors.
SHOWN_BY_TEXT = f"""
{SEARCHES} {CLICKS},
texts AS (
    SELECT text FROM clicks WHERE text <> ''
    GROUP BY text ORDER BY count(DISTINCT client_id) DESC, text LIMIT %(texts)s
)
SELECT text, sku, position, count(*), count(clicks.query_id)
FROM searches
JOIN texts USING (text)
CROSS JOIN unnest(query_response_hit_ids) WITH ORDINALITY hits(sku, nth)
CROSS JOIN LATERAL (SELECT first_position + nth - 1 AS position) place
LEFT JOIN clicks USING (query_id, text, position)
GROUP BY text, sku, position
"""  # noqa: S608 - of constants


@dataclass(frozen=True)
class PositionClicks:
    """How often a product was shown in a place of the results, and opened there."""

    position: int
    shown: int
    clicks: int

    @property
    def rate(self) -> float:
        """Which share of what was shown there was opened, 0 to 1."""
        return self.clicks / self.shown


@dataclass(frozen=True)
class ProductClicks(PositionClicks):
    """The same of one product among the results for one text, in small letters."""

    text: str
    sku: str


def click_through(
    within: Period, *, ranked: bool = False, using: str = DEFAULT_DB_ALIAS
) -> list[PositionClicks]:
    """Return the clicks by position, the first one first; two statements.

    ranked: only of searches whose order goes by relevance alone.
    """
    values = parameters(within, ranked)
    clicks: Counter[int] = Counter(dict(rows(CLICKS_BY_POSITION, values, using=using)))
    shown: Counter[int] = Counter()
    for first, count, searches in rows(SHOWN_BY_POSITION, values, using=using):
        for position in range(first, first + count):
            shown[position] += searches
    return [
        PositionClicks(position, shown[position], clicks[position])
        for position in sorted(shown)
    ]


def clicks_by_text(
    within: Period, texts: int, *, using: str = DEFAULT_DB_ALIAS
) -> list[ProductClicks]:
    """Return the clicks on each product that a text found, in each place; one statement.

    Of the texts with a click, only so many, those of the most visitors. Only of searches
    whose order goes by relevance alone.
    """
    values = parameters(within, ranked=True) | {"texts": texts}
    return [
        ProductClicks(position, shown, clicks, text, sku)
        for text, sku, position, shown, clicks in rows(
            SHOWN_BY_TEXT, values, using=using
        )
    ]


def parameters(within: Period, ranked: bool) -> dict[str, object]:
    """Return what SEARCHES is asked with."""
    return {
        "start": within.start,
        "end": within.end,
        "most": period.MOST_READ,
        "ranked": ranked,
    }
