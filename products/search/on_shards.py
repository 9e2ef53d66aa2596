"""How common words are where the products are on shards.

The coordinator has no statistics of its own, and a statement cannot count there for each
word of a query. So words are read first, then counted, each by one statement; what
ANALYZE found on the shards is asked for every five minutes.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.core.cache import cache
from django.db import connections

from products.sql.prepared import fetch_prepared
from products.sql.sharding import KEPT_SECONDS, estimated_rows, on_shards
from products.sql.statements import rows

TERMS_SQL = """
    SELECT place, lexeme, coalesce('(' || whole || ' | ' || parts || ')', whole),
        whole, parts, EXISTS (SELECT FROM products_synonym)
    FROM products_terms(catalog_language(), %s, %s)
    ORDER BY place
"""

# Each shard counts what its own index finds.
COUNT_SQL = "count(*) FILTER (WHERE search_vector @@ %s::tsquery)"
COUNTS_SQL = "SELECT {} FROM products WHERE search_vector @@ %s::tsquery"

# The array of the shares ends with three that are of no word.
COMMON_SQL = """
    WITH shard AS (
        SELECT reltuples, relname, relnamespace::regnamespace::text AS schema
        FROM pg_class WHERE oid = '%s'::regclass
    )
    SELECT json_build_object('rows', max(reltuples), 'counts', coalesce(
        json_object_agg(word, share * reltuples) FILTER (WHERE word IS NOT NULL), '{}'
    ))
    FROM shard LEFT JOIN (
        pg_stats CROSS JOIN unnest(
            most_common_elems::text::text[], most_common_elem_freqs
        ) AS known (word, share)
    ) ON (schemaname, tablename, attname) = (schema, relname, 'search_vector')
"""


@dataclass(frozen=True)
class Statistics:
    """What ANALYZE found: how many products there are, and about how many have a word.

    counts: of the commonest words alone.
    """

    total: float
    counts: dict[str, float]


def term_rows(
    text: str, *, most: int, common: int, using: str
) -> list[tuple[Any, ...]]:
    """Return the words of a text as rows like those of words.TERMS_SQL.

    most: how many words at most; common: of a word that more products have, the estimate
    is enough.
    """
    params = [text, most]
    terms = fetch_prepared(TERMS_SQL, params, connection=connections[using])
    known = statistics(using)
    estimates = [
        known.counts.get(lexeme, 0) if parts is None else 0
        for _, lexeme, _, _, parts, _ in terms
    ]
    asked = [
        term[2] for term, count in zip(terms, estimates, strict=True) if count <= common
    ]
    counted = iter(counts(asked, using=using))
    return [
        (*term[:5], count if count > common else next(counted), known.total, term[5])
        for term, count in zip(terms, estimates, strict=True)
    ]


def counts(tsqueries: Sequence[str], *, using: str) -> list[int]:
    """Return how many products match each tsquery; one statement."""
    if not tsqueries:
        return []
    sql = COUNTS_SQL.format(", ".join([COUNT_SQL] * len(tsqueries)))
    any_of = " | ".join(f"({tsquery})" for tsquery in tsqueries)
    [found] = rows(sql, [*tsqueries, any_of], using=using)
    return list(found)


def counts_and_total(
    tsqueries: Sequence[str], *, using: str
) -> list[tuple[int, float]]:
    """Return for each tsquery how many products match it, and how many there are."""
    total = estimated_rows(using)
    return [(count, total) for count in counts(tsqueries, using=using)]


def statistics(using: str) -> Statistics:
    """Return what the shards' last ANALYZE found, of at most five minutes ago."""
    key = f"shards-words-{using}"
    known: Statistics | None = cache.get(key)
    if known is None:
        shards = [json.loads(text) for text in on_shards(COMMON_SQL, using=using)]
        known = added_up(shards)
        if known.counts:
            cache.set(key, known, KEPT_SECONDS)
    return known


def added_up(shards: Sequence[dict[str, Any]]) -> Statistics:
    """Return the statistics of all shards together.

    A word that is common on some shards alone is taken to be as common on the others.
    """
    total = sum(max(shard["rows"], 0) for shard in shards)
    counts: Counter[str] = Counter()
    among: Counter[str] = Counter()
    for shard in shards:
        for word, count in shard["counts"].items():
            counts[word] += count
            among[word] += shard["rows"]
    return Statistics(
        total, {word: total * count / among[word] for word, count in counts.items()}
    )
