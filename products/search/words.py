"""The words of a query, how common they are, and how well a product's words match."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from os.path import commonprefix
from typing import NamedTuple

from django.core.cache import cache as kept
from django.db import connections

from products.search.evidence import Evidence
from products.search.scores import inverse_document_frequency, name_score
from products.sql.prepared import fetch_prepared

# The text search configuration of the column search_vector.
CONFIG = "english"

# More words of a query than these add work, not meaning.
MAX_TERMS = 32

# A word that more products have is common: not all of them are read. Reading and
# ranking so many rows takes about 2 ms, which decided the number.
COMMON = 500

# Without statistics words are counted. One that more products have than this weighs
# next to nothing either way.
MAX_COUNTED = 10_000

# Reading what ANALYZE found out about common words takes a tenth of counting one.
# pg_class.reltuples is the planner's estimate; -1 before the first ANALYZE. See
# https://www.postgresql.org/docs/current/view-pg-stats.html
TERMS_SQL = r"""
    WITH class AS (
        SELECT reltuples, relnamespace::regnamespace::text AS schema
        FROM pg_class WHERE oid = 'products'::regclass
    ), common AS MATERIALIZED (
        SELECT word, share * reltuples AS count
        FROM class, pg_stats, unnest(
            most_common_elems::text::text[], most_common_elem_freqs
        ) AS known (word, share)
        WHERE (schemaname, tablename, attname) = (schema, 'products', 'search_vector')
            AND share * reltuples > %s
    )
    SELECT lexeme, quoted, whole, parts,
        coalesce(
            (SELECT round(count) FROM common WHERE word = lexeme AND parts IS NULL),
            (SELECT count(*) FROM (
                SELECT FROM products WHERE search_vector @@ quoted::tsquery LIMIT %s
            ) AS counted)
        ),
        (SELECT reltuples FROM class)
    FROM products_terms(%s::regconfig, %s, %s) AS term (place, lexeme, whole, parts),
        coalesce('(' || whole || ' | ' || parts || ')', whole) AS quoted
    ORDER BY place
"""

# The words of a large catalogue are counted only once in a while.
LARGE = 10_000  # products
COUNTS_SECONDS = 300

# A lexeme in a tsquery; those of a query are letters and digits.
LEXEME = re.compile(r"'[^']+'")

# A word with what joins its parts, such as "wi-fi", "don't", "HDMI/DVI" or "13.3".
JOINT = r"[-'’./_+&]|(?<=\d),(?=\d)"
WRITTEN = re.compile(rf"[^\W_]+(?:(?:{JOINT})[^\W_]+)*")

# A number and what may be its unit, such as "16 GB" or 17,3".
MEASURED = re.compile(r"""\d+(?:[.,]\d+)? ?(?:["”″]|[^\W\d_]{1,4}\b)""")

# How much of a description is read for words to show, and how many different words of
# a page of products are compared: as much as takes some 10 ms.
MAX_READ = 5_000  # characters
MAX_COMPARED = 2_000

# The stems of each word; several where a word has parts. Most words are plain, which
# takes a tenth of the time.
STEMS_SQL = """
    SELECT word, tsvector_to_array(
        CASE WHEN word ~ '^[A-Za-z][a-z]*$' THEN to_tsvector(config, word)
            ELSE products_words(config, word, 'A') END
    )
    FROM (SELECT %s::regconfig AS config) AS language,
        unnest(%s::text[]) AS written (word)
"""


@dataclass(frozen=True)
class Term:
    """A word of a query: its stem, the tsquery that finds it, and its weight.

    A word with parts is found in each spelling: "wi-fi" by ('wifi' | 'wi' <-> 'fi').
    count: how many products have it; above COMMON an estimate. word: as it was typed.
    forms: the lexemes of each spelling, quoted.
    """

    lexeme: str
    quoted: str
    weight: float  # inverse document frequency
    count: int
    word: str  # as it was typed
    forms: tuple[tuple[str, ...], ...]


class Match(NamedTuple):
    """How a product's text answers a query."""

    words: tuple[str, ...]  # the stems of the query that the product has
    score: float  # the share of the query's words, plus the name's by BM25: 0 to 2


def query_terms(text: str, *, using: str) -> list[Term]:
    """Return the words to search for, those that no product has last.

    Stop words and punctuation are dropped, the rest is stemmed as the products are;
    at most 32 words. Any text will do: the syntax of tsquery means nothing here. One
    statement; in a catalogue of more than 10,000 products one every five minutes, so
    that the counts may be as old. A word that no product has is looked for each time:
    a product that was just added may have it.
    """
    asked = hashlib.sha256(text.encode()).hexdigest()
    key = f"terms-{using}-{asked}"
    known: list[Term] | None = kept.get(key)
    if known is not None:
        return known
    params = [COMMON, MAX_COUNTED, CONFIG, text, MAX_TERMS]
    rows = fetch_prepared(TERMS_SQL, params, connection=connections[using])
    typed = WRITTEN.findall(text)
    terms = [
        Term(
            lexeme,
            quoted,
            inverse_document_frequency(int(count), int(total)),
            int(count),
            typed_word(lexeme, typed),
            tuple(tuple(LEXEME.findall(form)) for form in forms if form),
        )
        for lexeme, quoted, *forms, count, total in rows
    ]
    terms.sort(key=lambda term: not term.count)
    if all(term.count for term in terms) and any(row[-1] > LARGE for row in rows):
        kept.set(key, terms, COUNTS_SECONDS)
    return terms


def match_terms(terms: Sequence[Term], rows: Iterable[Evidence]) -> dict[int, Match]:
    """Return how the text of each product matches, by id."""
    match = cache(partial(match_of, terms))
    names = name_reader(terms)
    return {row.pk: match(row.bits, *names(row.name_lexemes)) for row in rows}


def match_of(
    terms: Sequence[Term], bits: int, frequencies: Sequence[int], length: int
) -> Match:
    """Return how a product matches.

    bits: its words, see term_bits(); frequencies: how often each of the terms stands in
    its name; length: how many words the name has.
    """
    words = tuple(term.lexeme for place, term in enumerate(terms) if bits >> place & 1)
    if not words:
        return Match((), 0.0)
    in_name = name_score(
        {
            term.lexeme: count
            for term, count in zip(terms, frequencies, strict=True)
            if count
        },
        length,
        {term.lexeme: term.weight for term in terms},
    )
    return Match(words, len(words) / len(terms) + in_name)


def name_reader(
    terms: Sequence[Term],
) -> Callable[[str], tuple[tuple[int, ...], int]]:
    """Return a function like frequencies() for terms; it remembers the names it read.

    Of the spellings of a term, the one that a name has most often counts.
    """
    lexemes = [lexeme for term in terms for form in term.forms for lexeme in form]
    if len(lexemes) == len(terms):  # as usual: a lexeme for each
        return cache(partial(frequencies, words=lexemes))

    def read(name: str) -> tuple[tuple[int, ...], int]:
        counts, length = frequencies(name, lexemes)
        count = dict(zip(lexemes, counts, strict=True))
        return tuple(
            max(min(count[lexeme] for lexeme in form) for form in term.forms)
            for term in terms
        ), length

    return cache(read)


def frequencies(name: str, words: Iterable[str]) -> tuple[tuple[int, ...], int]:
    """Return how often each of *words* stands in a name, and how many words it has.

    name: its tsvector as text, such as "'lamp':2A 'red':1A,4A". Each place in it has
    the weight A, and no lexeme a capital letter. words: quoted as there.
    """
    text, counts = f" {name}", []
    for word in words:
        start = text.find(f" {word}:")
        if start < 0:
            counts.append(0)
            continue
        end = text.find(" ", start + len(word) + 1)
        counts.append(text.count("A", start, end if end >= 0 else None))
    return tuple(counts), text.count("A")


# The words as somebody wrote them


def typed_word(lexeme: str, typed: Sequence[str]) -> str:
    """Return the typed word that begins most like a stem, or the stem if none does."""

    def alike(word: str) -> int:
        return len(commonprefix([lexeme, word.lower()]))

    best = max(typed, key=alike, default="")
    return best if alike(best) else lexeme


def written_words(
    stems: Mapping[int, Sequence[str]],
    texts: Mapping[int, str],
    asked: str,
    *,
    using: str,
) -> dict[int, tuple[str, ...]]:
    """Return the words with these stems as each text writes them, by id.

    stems, texts: by id; asked: the query, whose own words stand for those that are
    beyond the first 5,000 characters of a text. At most one statement.
    """
    if not any(stems.values()):
        return dict.fromkeys(stems, ())
    first = {stem[:1] for several in stems.values() for stem in several}
    own = pieces(asked, first)
    candidates = {
        pk: [*pieces(texts[pk][:MAX_READ], first), *own] for pk in stems if stems[pk]
    }
    # The query's own words come first, so that the limit never leaves them out.
    words = dict.fromkeys(own)
    words |= dict.fromkeys(word for found in candidates.values() for word in found)
    rows = fetch_prepared(
        STEMS_SQL,
        [CONFIG, list(words)[:MAX_COMPARED]],
        connection=connections[using],
    )
    stems_of = {word: set(found) for word, found in rows}
    return {
        pk: tuple(
            dict.fromkeys(
                as_written(stem, candidates[pk], stems_of) for stem in several
            )
        )
        if several
        else ()
        for pk, several in stems.items()
    }


def pieces(text: str, first: set[str]) -> list[str]:
    """Return the words of a text that may have a stem with one of these first letters.

    A joined word comes before its parts, a number with its unit after all words. An
    accented letter loses its accent in the stem, so words with a letter that is not
    ASCII are all kept.
    """
    found = []
    for word in dict.fromkeys(WRITTEN.findall(text)):
        parts = [word] if word.isalnum() else re.split(JOINT, word)
        begun = [p for p in parts if p[0].lower() in first or not p[0].isascii()]
        found += [word, *begun] if begun else []
    measured = MEASURED.findall(text) if any(map(str.isdigit, first)) else []
    return found + [word for word in measured if word[0] in first]


def as_written(
    stem: str, candidates: Sequence[str], stems_of: Mapping[str, set[str]]
) -> str:
    """Return the first of the words that has a stem, the stem itself if none has."""
    return next((word for word in candidates if stem in stems_of.get(word, ())), stem)
