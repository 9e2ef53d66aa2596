"""A search that goes on while somebody types is one search: its last one."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, connections

# Whoever pauses for longer has looked at what was found.
PAUSE_SECONDS = 10

# The later one may have been written before the earlier one, by another process. The
# texts of one series begin alike; "lamp", and then "sofa" in its place, are two searches.
# With the same text and another filter it is another search, too.
FORGET = """
DELETE FROM products_logged_query earlier
USING products_logged_query later
WHERE (later.query_id = ANY(%(ids)s) OR earlier.query_id = ANY(%(ids)s))
  AND later.client_id = earlier.client_id
  AND earlier.typed AND later.typed
  AND later.timestamp > earlier.timestamp
  AND later.timestamp <= earlier.timestamp + make_interval(secs => %(pause)s)
  AND CASE
          WHEN lower(later.user_query) = lower(earlier.user_query)
          THEN later.query_attributes = earlier.query_attributes
          ELSE starts_with(lower(later.user_query), lower(earlier.user_query))
               OR starts_with(lower(earlier.user_query), lower(later.user_query))
      END
  AND NOT EXISTS (
      SELECT FROM products_logged_event event WHERE event.query_id = earlier.query_id
  )
"""


def forget_half_typed(written: Iterable[UUID]) -> None:
    """Delete the searches that one of the *written* ones continues, or that go before.

    A search with a click stays: its visitor had found something.
    """
    if ids := list(written):
        with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
            cursor.execute(FORGET, {"ids": ids, "pause": PAUSE_SECONDS})
