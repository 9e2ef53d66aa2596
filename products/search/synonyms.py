"""What may stand in the place of a query's words: the staff's synonyms, as read."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

from django.core.cache import cache as django_cache
from django.core.exceptions import ValidationError
from django.db import connections
from django.utils.translation import gettext as _, ngettext

from products.plain_text import tidy
from products.search.scores import inverse_document_frequency
from products.search.words import (
    COUNTS_SECONDS,
    LARGE,
    MAX_COUNTED,
    Stem,
    Term,
    Wording,
    quote,
)
from products.sql.prepared import fetch_prepared
from products.synonyms import MAX_LENGTH, MAX_WORDS, NONE, Synonym, version

# Synonyms of one query; more are left out. Their bits and those of 32 words are what a
# number of 64 bits has room for.
MAX_ALTERNATIVES = 30

# The stems of each text and their places, as those of a query and of a product; the
# phrase of a word's parts; the phrases of the text as it stands, and of all parts.
WORDINGS_SQL = """
    SELECT written.text, lexeme, place::integer, parts,
        products_phrase(catalog_language(), written.text)::text,
        phraseto_tsquery(
            catalog_language(),
            products_plain(products_parts(products_written(written.text)))
        )::text
    FROM unnest(%s::text[]) AS written (text),
        products_terms(catalog_language(), written.text, 32)
            AS term (place, lexeme, whole, parts)
    WHERE place = floor(place)  -- without what is part of the word before it
    ORDER BY written.text, place
"""

# How many products match each tsquery, and how many there are.
COUNTS_SQL = """
    SELECT
        (SELECT count(*) FROM (
            SELECT FROM products WHERE search_vector @@ quoted::tsquery LIMIT %s
        ) AS counted),
        (SELECT reltuples FROM pg_class WHERE oid = 'products'::regclass)
    FROM unnest(%s::text[]) WITH ORDINALITY AS term (quoted, place) ORDER BY place
"""


class Entry(NamedTuple):
    """Words that mean the same, or whose search finds others too; see Synonym."""

    words: Sequence[str]
    finds: Sequence[str] = ()

    def sides(self) -> list[tuple[str, Sequence[str]]]:
        """Return each word whose search finds others, and these."""
        if self.finds:
            return [(word, self.finds) for word in self.words]
        return [
            (word, [other for other in self.words if other != word])
            for word in self.words
        ]


@dataclass(frozen=True)
class Thesaurus:
    """What each wording also finds, by its first lexeme."""

    rules: Mapping[str, Sequence[tuple[Wording, tuple[Wording, ...]]]] = field(
        default_factory=dict
    )


EMPTY = Thesaurus()

# What this process has read of each database, and which version that was.
_read: dict[str, tuple[str, Thesaurus]] = {}


def stored(using: str) -> Thesaurus:
    """Return the synonyms of a database, of at most a minute ago.

    Two statements where they are not read yet, none where there are none.
    """
    now = version(using)
    if now == NONE:
        return EMPTY
    known, read = _read.get(using, ("", EMPTY))
    if known != now:
        read = thesaurus(stored_entries(using), using=using)
        _read[using] = now, read
    return read


def stored_entries(using: str, *, without: int | None = None) -> list[Entry]:
    """Return the entries of a database, but for the one with the id *without*."""
    rows = Synonym.objects.using(using).order_by("pk")
    return [
        Entry(words, finds)
        for pk, words, finds in rows.values_list("pk", "words", "finds")
        if pk != without
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


def wordings(texts: Iterable[str], using: str) -> dict[str, Wording]:
    """Return the wording of each text; none for one without a word. One statement.

    The texts are folded as queries and products are, so that "Sofas" is "sofa".
    """
    params = [list(dict.fromkeys(texts))]
    if not params[0]:
        return {}
    rows = fetch_prepared(WORDINGS_SQL, params, connection=connections[using])
    return {
        text: wording_of([row[1:] for row in several])
        for text, several in groupby(rows, key=itemgetter(0))
    }


def wording_of(rows: Sequence[tuple[str, int, str | None, str, str]]) -> Wording:
    """Return the wording of a text, given what WORDINGS_SQL says of its words."""
    first = rows[0][1]
    stems = tuple(Stem(lexeme, place - first) for lexeme, place, *_ in rows)
    _lexeme, _place, parts, as_it_stands, parted = rows[0]
    # Of a single word, PostgreSQL says whether its parts are the word: the "shirt" of
    # "t-shirt", whose "t" is a stop word, is not.
    others = [as_it_stands, parted] if len(rows) > 1 else filter(None, [parts])
    return Wording(stems, tuple(dict.fromkeys([in_a_row(stems), *others])))


def in_a_row(stems: Iterable[Stem]) -> str:
    """Return the tsquery for stems at their distances, as PostgreSQL writes it."""
    text, before = "", 0
    for lexeme, offset in stems:
        if text:
            text += " <-> " if offset == before + 1 else f" <{offset - before}> "
        text += quote(lexeme)
        before = offset
    return text


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
    params = [MAX_COUNTED, tsqueries]
    rows = fetch_prepared(COUNTS_SQL, params, connection=connections[using])
    counts = [(int(count), int(total)) for count, total in rows]
    # Nothing is kept of what no product has: the next one may have it.
    if all(count for count, _ in counts) and any(total > LARGE for _, total in counts):
        django_cache.set(cached, counts, COUNTS_SECONDS)
    return counts


# What the staff types


def split_words(text: str) -> list[str]:
    """Return the words and phrases between the commas of a text, trimmed."""
    if not text.strip():
        return []
    return [" ".join(tidy(word).split()) for word in text.split(",")]


def check(entry: Entry, known: Mapping[str, Wording]) -> None:
    """Raise ValidationError, by the field, for an entry that cannot be used.

    known: the wordings() of its words.
    """
    for name, words in (("words", entry.words), ("finds", entry.finds)):
        if message := problem(words, known):
            raise ValidationError({name: message})
    if not entry.words:
        raise ValidationError({"words": _("Name at least one word.")})
    if not entry.finds and len(entry.words) < 2:
        raise ValidationError(
            {"words": _("Name at least two words, or what the word also finds.")}
        )
    left = {known[word] for word in entry.words}
    for word in entry.finds:
        if known[word] in left:
            message = _("“%(word)s” would find itself. Leave it out on one side.")
            raise ValidationError({"finds": message % {"word": word}})


def problem(words: Sequence[str], known: Mapping[str, Wording]) -> str:
    """Return what is wrong with the words of one side, "" if nothing is."""
    if len(words) > MAX_WORDS:
        text = _("At most %(most)d words can stand here; these are %(count)d.")
        return text % {"most": MAX_WORDS, "count": len(words)}
    seen: dict[Wording, str] = {}
    for word in words:
        if not word:
            return _("A word is missing: there is a comma too many.")
        if len(word) > MAX_LENGTH:
            text = ngettext(
                "A word has at most %(most)d character; this one has more: %(word)s…",
                "A word has at most %(most)d characters; this one has more: %(word)s…",
                MAX_LENGTH,
            )
            return text % {"most": MAX_LENGTH, "word": word[:30]}
        if word not in known:
            text = _("The search looks for no word of “%(word)s”. Name another one.")
            return text % {"word": word}
        if other := seen.get(known[word]):
            text = _(
                "“%(other)s” and “%(word)s” are the same to the search. Leave one out."
            )
            return text % {"other": other, "word": word}
        seen[known[word]] = word
    return ""


Meaning = tuple[frozenset[Wording], frozenset[Wording]]


def meaning(entry: Entry, known: Mapping[str, Wording]) -> Meaning:
    """Return what two entries have in common that say the same; see wordings()."""
    words, finds = (
        frozenset(known[word] for word in side if word in known) for side in entry
    )
    return words, finds
