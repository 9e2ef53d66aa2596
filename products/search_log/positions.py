"""How often what stands in the first place is opened, and in the second, and so on."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from django.db import DEFAULT_DB_ALIAS

from products.search_log import period
from products.search_log.period import Period
from products.sql.statements import rows

# A click counts where its search was made by the same visitor and showed the product in
# that place.
CLICKS = """
WITH searches AS (
    SELECT query_id, client_id, first_position, query_response_hit_ids
    FROM products_logged_query
    WHERE timestamp >= %s AND timestamp < %s
    ORDER BY timestamp DESC LIMIT %s
)
SELECT event.position, count(*)
FROM searches
JOIN products_logged_event event USING (query_id, client_id)
WHERE event.action_name = 'click'
  AND query_response_hit_ids[event.position - first_position + 1] = event.object_id
GROUP BY event.position
"""
SHOWN = """
SELECT first_position, cardinality(query_response_hit_ids), count(*)
FROM (
    SELECT first_position, query_response_hit_ids
    FROM products_logged_query
    WHERE timestamp >= %s AND timestamp < %s
    ORDER BY timestamp DESC LIMIT %s
) searches
GROUP BY 1, 2
"""


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


def click_through(
    within: Period, *, using: str = DEFAULT_DB_ALIAS
) -> list[PositionClicks]:
    """Return the clicks by position, the first one first; two statements."""
    bounds = (within.start, within.end, period.MOST_READ)
    clicks: Counter[int] = Counter(dict(rows(CLICKS, bounds, using=using)))
    shown: Counter[int] = Counter()
    for first, count, searches in rows(SHOWN, bounds, using=using):
        for position in range(first, first + count):
            shown[position] += searches
    return [
        PositionClicks(position, shown[position], clicks[position])
        for position in sorted(shown)
    ]
