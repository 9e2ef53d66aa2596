"""The words that the catalogue's names and categories are written in."""

from __future__ import annotations

import logging
import math
import time
from collections import Counter
from dataclasses import dataclass

from products.search.spelling import Vocabulary
from products.sql.sharding import estimated_rows, is_sharded
from products.sql.statements import TookTooLong, rows_within
from products.turns import BusyError, Turns

logger = logging.getLogger(__name__)

# In more words than these, one that stands once is often a typing error itself.
SMALL = 2_000  # words

# The most frequent words are kept, at most 10 MB of them. So many names are read that it
# takes less than a second; those of a larger catalogue are sampled.
MOST = 100_000  # words
READ = 50_000  # products

# The words are read again after a hundred times as long as reading them took, so that
# this takes a hundredth of a process's time, and at the latest after ten minutes.
KEPT_FACTOR = 100
KEPT_SECONDS = 600

# One thread of a process reads, and the database stops it after this time. Those that
# have no words yet wait as long for it.
TURNS = Turns(1)
WAIT_SECONDS = 2

# ts_stat() takes less than half the time of regular expressions, and the server's, not
# that of this process. Without slash and dot PostgreSQL's parser sees no file and no
# host. See
# https://www.postgresql.org/docs/current/textsearch-features.html#TEXTSEARCH-STATISTICS
# PostgreSQL lowers the letters of its locale, which may be those of ASCII alone; Python
# does the rest. 300,000: of so many words, some may differ in their capitals only.
WORDS_SQL = """
    SELECT word, ndoc
    FROM ts_stat(format(
        $$
            SELECT to_tsvector(
                'simple', translate(name || ' ' || category, '/.', '  ')
            )
            FROM products TABLESAMPLE SYSTEM (%%s)
        $$,
        {share}
    ))
    WHERE word ~ '^[^0-9]{{3,40}}$'
    ORDER BY ndoc DESC, word LIMIT 300000
"""
SHARE_SQL = """
        (SELECT least(100, 100.0 * %s / greatest(reltuples, 1))
        FROM pg_class WHERE oid = 'products'::regclass)
"""

NO_WORDS = Vocabulary({})


@dataclass(frozen=True)
class Kept:
    """Words that were read, and until when they are used: time.monotonic()."""

    words: Vocabulary
    until: float

    @property
    def is_fresh(self) -> bool:
        return time.monotonic() < self.until


# By the alias of the database.
KEPT: dict[str, Kept] = {}


def vocabulary(using: str) -> Vocabulary:
    """Return the words of the names and categories, with how many products have each.

    They are up to ten minutes old. Where they are outdated, one thread reads them again
    by one statement, and the others go on with the old ones. Nobody waits longer than
    two seconds: where reading takes longer, the old words come back, or none.
    """
    kept = KEPT.get(using)
    if kept and kept.is_fresh:
        return kept.words
    try:
        with TURNS.taken(seconds=0 if kept else WAIT_SECONDS):
            kept = KEPT.get(using)
            # The thread that had the turn before may have read them.
            if not kept or not kept.is_fresh:
                kept = KEPT[using] = read(using, kept.words if kept else NO_WORDS)
    except BusyError:
        pass
    return kept.words if kept else NO_WORDS


def read(using: str, known: Vocabulary) -> Kept:
    """Return the words as they are now, or those *known* if reading takes too long."""
    started = time.monotonic()
    try:
        found = rows_within(WAIT_SECONDS, *words_query(using), using=using)
        words = Vocabulary(most_frequent(found))
    except TookTooLong as err:
        logger.warning("Reading the catalogue's words took too long: %s", err)
        words = known
    now = time.monotonic()
    return Kept(words, until=now + min(KEPT_FACTOR * (now - started), KEPT_SECONDS))


def words_query(using: str) -> tuple[str, list[float]]:
    """Return the statement that reads the words, and its parameters."""
    if not is_sharded(using):
        return WORDS_SQL.format(share=SHARE_SQL), [READ]
    share = min(100, 100 * READ / max(estimated_rows(using), 1))
    return WORDS_SQL.format(share="%s::float8"), [share]


def most_frequent(found: list[tuple[str, int]]) -> dict[str, int]:
    """Return the words of letters alone in small letters, the most frequent ones."""
    counts: Counter[str] = Counter()
    for word, count in found:
        if word.isalpha():
            counts[word.lower()] += count
    least = 2 if len(counts) > SMALL else 1
    return {word: count for word, count in counts.most_common(MOST) if count >= least}


def lend(using: str, *, to: str) -> None:
    """Let another alias of a database use the words of this one, until forget(to)."""
    KEPT[to] = Kept(vocabulary(using), until=math.inf)


def forget(using: str | None = None) -> None:
    """Let the words be read anew when they are next asked for; None: of all aliases."""
    if using is None:
        KEPT.clear()
    else:
        KEPT.pop(using, None)
