"""What may stand in the place of a query's words: the staff's synonyms, as read."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate
from typing import Any

from django.core.cache import cache as django_cache
from django.db import connections

from products.search.on_shards import counts_and_total
from products.search.scores import inverse_document_frequency
from products.search.synonym_entries import Entry, wordings
from products.search.words import (
    COUNTS_SECONDS,
    LARGE,
    MAX_COUNTED,
    Term,
    Wording,
)
from products.sql.language import CatalogLanguage
from products.sql.prepared import fetch_prepared
from products.sql.sharding import is_sharded
from products.synonyms import MOST_WORDS, NONE, Synonym, version

# Synonyms of one query; more are left out. Their bits and those of 32 words are what a
# number of 64 bits has room for.
MAX_ALTERNATIVES = 30

# How many products match each tsquery, and how many there are.
COUNTS_SQL = """
    SELECT
        (SELECT count(*) FROM (
            SELECT FROM products WHERE search_vector @@ quoted::tsquery LIMIT %s
        ) AS counted),
        (SELECT reltuples FROM pg_class WHERE oid = (
            -- As in words.TERMS_SQL.
            SELECT indrelid FROM pg_index
            WHERE indexrelid = 'products_sku_key'::regclass
        ))
    FROM unnest(%s::text[]) WITH ORDINALITY AS term (quoted, place) ORDER BY place
"""


@dataclass(frozen=True)
class Thesaurus:
    """What each wording also finds, by its first lexeme."""

    rules: Mapping[str, Sequence[tuple[Wording, tuple[Wording, ...]]]] = field(
        default_factory=dict
    )


EMPTY = Thesaurus()

Rows = list[tuple[list[str], list[str], str]]


@dataclass(frozen=True)
class Read:
    """What this process has read of a database: which version, its rows, their sense."""

    version: str
    rows: Rows
    thesaurus: Thesaurus


# By the alias of the database.
_read: dict[str, Read] = {}


def stored(using: str) -> Thesaurus:
    """Return the synonyms of a database, of at most a minute ago.

    No statement where there are none. Once a minute one, and one more where they have
    changed. Of a table with more than 10,000 words, those that were added last are left
    out.
    """
    now = version(using)
    if now == NONE:
        return EMPTY
    read = _read.get(using)
    if read and read.version == now:
        return read.thesaurus
    rows = stored_rows(using)
    if read and read.rows == rows:
        known = read.thesaurus
    else:
        known = thesaurus(
            [Entry(words, finds) for words, finds, _ in rows], using=using
        )
    _read[using] = Read(now, rows, known)
    return known


def stored_rows(using: str) -> Rows:
    """Return the words of each synonym, and the language in which they are read."""
    rows = Synonym.objects.using(using).order_by("pk")
    # Each has at least one word.
    first = rows.values_list("words", "finds", CatalogLanguage())[:MOST_WORDS]
    totals = accumulate(len(words) + len(finds) for words, finds, _ in first)
    return [
        row for row, total in zip(first, totals, strict=True) if total <= MOST_WORDS
    ]


def thesaurus(entries: Iterable[Entry], *, using: str) -> Thesaurus:
    """Return what the words of some entries find, for search(synonyms=...)."""
    sides = [side for entry in entries for side in entry.sides()]
    texts = [text for word, others in sides for text in (word, *others)]
    known = wordings(texts, using)
    rules: dict[str, list[tuple[Wording, tuple[Wording, ...]]]] = {}
    for word, others in sides:
        # What the configuration has come to drop finds nothing any more.
        right = tuple(known[other] for other in others if other in known)
        if (left := known.get(word)) and right:
            rules.setdefault(left.lexemes[0], []).append((left, right))
    return Thesaurus(rules)


# In a query


def with_synonyms(
    terms: list[Term], given: Thesaurus | None, *, using: str
) -> list[Term]:
    """Return the terms of a query with their synonyms, those without a product last.

    given: what to use in place of the stored synonyms. Each word of "cell phone" may
    be replaced by "mobile" alone: a mobile then has both. A longer phrase goes before a
    shorter one, so that "hot dog" is no puppy. Synonyms of synonyms are left out. One
    statement counts the products where a word has synonyms.
    """
    if not terms:
        return terms
    found = alternatives(terms, stored(using) if given is None else given)
    if not found:
        return terms
    grouped = [
        replace(
            term,
            quoted=any_of(term.typed, found[term.lexeme]),
            synonyms=tuple(found[term.lexeme]),
        )
        for term in terms
        if term.lexeme in found
    ]
    counts = counts_of([term.quoted for term in grouped], using)
    by_lexeme = {
        term.lexeme: replace(
            term,
            count=max(term.count, count),
            weight=inverse_document_frequency(max(term.count, count), total),
        )
        for term, (count, total) in zip(grouped, counts, strict=True)
    }
    every = [by_lexeme.get(term.lexeme, term) for term in terms]
    return sorted(every, key=lambda term: not term.count)


def alternatives(
    terms: Sequence[Term], synonyms: Thesaurus
) -> dict[str, dict[Wording, None]]:
    """Return the wordings for each lexeme of a query that has any, in their order."""
    places = {term.lexeme: term.place for term in terms}
    applying = [
        (left, right)
        for lexeme in places
        for left, right in synonyms.rules.get(lexeme, ())
        if stands_in(left, places)
    ]
    applying.sort(key=lambda rule: -len(rule[0].stems))
    found: dict[str, dict[Wording, None]] = {}
    longest: dict[str, int] = {}
    room = MAX_ALTERNATIVES
    for left, right in applying:
        own = dict.fromkeys(left.lexemes)
        if any(longest.get(lexeme, 0) > len(left.stems) for lexeme in own):
            continue
        for lexeme in own:
            longest[lexeme] = len(left.stems)
            room -= lexeme not in found  # the bit of the word alone
            several = found.setdefault(lexeme, {})
            new = [other for other in right if other not in several][: max(room, 0)]
            several |= dict.fromkeys(new)
            room -= len(new)
    return {lexeme: several for lexeme, several in found.items() if several}


def stands_in(wording: Wording, places: Mapping[str, int]) -> bool:
    """Return whether a query has the words of a wording in a row."""
    start = places[wording.lexemes[0]]
    return all(places.get(lexeme) == start + offset for lexeme, offset in wording.stems)


def any_of(typed: str, wordings: Iterable[Wording]) -> str:
    """Return the tsquery for a word, given as its tsquery, or any of the wordings."""
    return f"({' | '.join([typed, *(wording.quoted for wording in wordings)])})"


def counts_of(tsqueries: list[str], using: str) -> list[tuple[int, int]]:
    """Return how many products match each tsquery, up to 10,000, and how many there are.

    One statement; in a catalogue of more than 10,000 products one every five minutes.
    """
    asked = hashlib.sha256("\n".join(tsqueries).encode()).hexdigest()
    cached = f"synonym-counts-{using}-{asked}"
    known: list[tuple[int, int]] | None = django_cache.get(cached)
    if known is not None:
        return known
    if is_sharded(using):
        rows: Sequence[tuple[Any, ...]] = counts_and_total(tsqueries, using=using)
    else:
        params = [MAX_COUNTED, tsqueries]
        rows = fetch_prepared(COUNTS_SQL, params, connection=connections[using])
    counts = [(int(count), int(total)) for count, total in rows]
    # Nothing is kept of what no product has: the next one may have it.
    if all(count for count, _ in counts) and any(total > LARGE for _, total in counts):
        django_cache.set(cached, counts, COUNTS_SECONDS)
    return counts
