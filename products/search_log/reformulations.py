"""Searches in whose place visitors made another one, and then found something.

Such pairs are good candidates for synonyms. Jones, Rey, Madani, Greiner: Generating Query
Substitutions, WWW 2006, doi 10.1145/1135777.1135835.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db import DEFAULT_DB_ALIAS

from products.search.synonym_entries import known_pairs
from products.search_log import period
from products.search_log.period import Period
from products.sql.statements import rows

MOST_PAIRS = 50
PAUSE_SECONDS = 300  # between the two searches
FEWEST_VISITORS = 2  # one visitor may change their mind

# The first search led to no click and the next one of the same visitor did. Where one
# text has all words of the other, or begins with it, it is a narrower or a wider search.
PAIRS = """
WITH searches AS (
    SELECT query_id, client_id, timestamp, lower(user_query) AS text,
           string_to_array(lower(user_query), ' ') AS words
    FROM products_logged_query
    WHERE timestamp >= %s AND timestamp < %s
      AND user_query <> '' AND first_position = 1
    ORDER BY timestamp DESC LIMIT %s
),
steps AS (
    SELECT *,
           EXISTS (
               SELECT FROM products_logged_event event
               WHERE event.query_id = searches.query_id
                 AND event.client_id = searches.client_id
                 AND event.action_name = 'click'
           ) AS clicked
    FROM searches
),
pairs AS (
    SELECT client_id, text, words, clicked,
           lead(text) OVER later AS next_text,
           lead(words) OVER later AS next_words,
           lead(clicked) OVER later AS next_clicked,
           lead(timestamp) OVER later - timestamp AS pause
    FROM steps
    WINDOW later AS (PARTITION BY client_id ORDER BY timestamp)
)
SELECT text, next_text, count(DISTINCT client_id) AS visitors
FROM pairs
WHERE next_clicked AND NOT clicked AND pause <= make_interval(secs => %s)
  AND NOT words <@ next_words AND NOT next_words <@ words
  AND NOT starts_with(text, next_text) AND NOT starts_with(next_text, text)
GROUP BY text, next_text HAVING count(DISTINCT client_id) >= %s
ORDER BY visitors DESC, text, next_text LIMIT %s
"""


@dataclass(frozen=True)
class Reformulation:
    """A text that visitors gave up for another, and how many of them."""

    text: str
    other: str
    visitors: int

    @property
    def words(self) -> str:
        """Both texts, as the form of a synonym takes them."""
        return f"{self.text}, {self.other}"


def reformulations(
    within: Period, *, using: str = DEFAULT_DB_ALIAS
) -> list[Reformulation]:
    """Return up to 50 pairs of texts of a period, those of most visitors first.

    Pairs that are synonyms already are left out, and so is what one visitor alone did.
    Two statements.
    """
    values = (
        within.start,
        within.end,
        period.MOST_READ,
        PAUSE_SECONDS,
        FEWEST_VISITORS,
        MOST_PAIRS,
    )
    known = known_pairs(using)
    return [
        Reformulation(text, other, visitors)
        for text, other, visitors in rows(PAIRS, values, using=using)
        if frozenset((text, other)) not in known
    ]
