"""The words of a query, how common they are, and how well a product's words match."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from typing import NamedTuple

from django.core.cache import cache as django_cache
from django.db import connections

from products.search.accessories import accessory_of
from products.search.evidence import Evidence
from products.search.on_shards import term_rows
from products.search.scores import (
    SYNONYM_WEIGHT,
    inverse_document_frequency,
    name_score,
)
from products.search.written_words import WRITTEN, typed_word
from products.sql.prepared import fetch_prepared
from products.sql.sharding import is_sharded
from products.synonyms import note_synonyms

# More words of a query than these add work, not meaning.
MAX_TERMS = 32

# A word that more products have is common: not all of them are read. So many are ranked
# at most, see rank.KEYWORD_CANDIDATES, so that nothing chooses among fewer.
COMMON = 250

# Without statistics words are counted. One that more products have than this weighs
# next to nothing either way.
MAX_COUNTED = 10_000

# Reading what ANALYZE found out about common words takes a tenth of counting one.
# pg_class.reltuples is the planner's estimate; -1 before the first ANALYZE. See
# https://www.postgresql.org/docs/current/view-pg-stats.html
TERMS_SQL = r"""
    WITH class AS (
        SELECT reltuples, relnamespace::regnamespace::text AS schema
        FROM pg_class WHERE oid = (
            -- The table's own statistics, also where a view of its name stands before it:
            -- see products.quality.future.
            SELECT indrelid FROM pg_index
            WHERE indexrelid = 'products_sku_key'::regclass
        )
    ), common AS MATERIALIZED (
        SELECT word, share * reltuples AS count
        FROM class, pg_stats, unnest(
            most_common_elems::text::text[], most_common_elem_freqs
        ) AS known (word, share)
        WHERE (schemaname, tablename, attname) = (schema, 'products', 'search_vector')
            AND share * reltuples > %s
    )
    SELECT place, lexeme, quoted, whole, parts,
        coalesce(
            (SELECT round(count) FROM common WHERE word = lexeme AND parts IS NULL),
            (SELECT count(*) FROM (
                SELECT FROM products WHERE search_vector @@ quoted::tsquery LIMIT %s
            ) AS counted)
        ),
        (SELECT reltuples FROM class),
        EXISTS (SELECT FROM products_synonym)
    FROM products_terms(catalog_language(), %s, %s)
            AS term (place, lexeme, whole, parts),
        coalesce('(' || whole || ' | ' || parts || ')', whole) AS quoted
    ORDER BY place
"""

# What an accessory of the thing that is asked for gets of its score by words: see
# accessory_of(). Anything from 0 to 0.75 measures the same; a half keeps those with
# more words of the query first.
ACCESSORY_SHARE = 0.5

# The words of a large catalogue, and its categories, are counted only once in a while:
# counting those reads the whole index on category.
LARGE = 10_000  # products
COUNTS_SECONDS = 300

# A lexeme in a tsquery; those of a query are letters and digits.
LEXEME = re.compile(r"'[^']+'")


class Stem(NamedTuple):
    """A stem of a wording, and how far behind the first one it stands."""

    lexeme: str
    offset: int


@dataclass(frozen=True)
class Wording:
    """A word or several in a row, such as "usb-c cable", as the search reads them.

    stems: of each word as a whole ("usbc", "cabl"). spellings: a tsquery for each way a
    text may write it ("usbc cable", "usb c cable"). Two with the same stems are equal.
    """

    stems: tuple[Stem, ...]
    spellings: tuple[str, ...] = field(compare=False)

    @property
    def lexemes(self) -> tuple[str, ...]:
        """The lexemes of the words."""
        return tuple(stem.lexeme for stem in self.stems)

    @property
    def forms(self) -> tuple[tuple[str, ...], ...]:
        """The lexemes of each spelling, quoted."""
        return forms_of(self.spellings)

    @property
    def quoted(self) -> str:
        """The tsquery for a text that has the wording in any spelling."""
        return " | ".join(self.spellings)


@dataclass(frozen=True)
class Term:
    """A word of a query: its stem, the tsquery that finds it, and its weight.

    A word with parts is found in each spelling: "wi-fi" by ('wifi' | 'wi' <-> 'fi').
    count: how many products have it; above COMMON an estimate. word: as it was typed.
    forms: the lexemes of each spelling, quoted. place: where it stands in the query.
    synonyms: what may stand in its place, see products/search/synonyms.py; *quoted* is
    then a tsquery for any of them, *typed* that of the word alone, and weight and count
    are those of all together.
    """

    lexeme: str
    quoted: str
    weight: float  # inverse document frequency
    count: int
    word: str
    typed: str
    forms: tuple[tuple[str, ...], ...]
    place: int
    synonyms: tuple[Wording, ...] = ()


class Match(NamedTuple):
    """How a product's text answers a query."""

    words: tuple[str, ...]  # the stems of the query that the product has
    # The share of the query's words, plus the name's by BM25: 0 to 2. Of an accessory half.
    score: float
    accessory: bool = False  # see accessory_of()


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
    known: list[Term] | None = django_cache.get(key)
    if known is not None:
        return known
    if is_sharded(using):
        rows = term_rows(text, most=MAX_TERMS, common=COMMON, using=using)
    else:
        params = [COMMON, MAX_COUNTED, text, MAX_TERMS]
        rows = fetch_prepared(TERMS_SQL, params, connection=connections[using])
    typed = WRITTEN.findall(text)
    terms = [
        Term(
            lexeme,
            quoted,
            inverse_document_frequency(int(count), int(total)),
            int(count),
            typed_word(lexeme, typed),
            quoted,
            forms_of(filter(None, (whole, parts))),
            int(place),
        )
        for place, lexeme, quoted, whole, parts, count, total, _ in rows
    ]
    for row in rows[:1]:
        note_synonyms(row[-1], using=using)
    terms.sort(key=lambda term: not term.count)
    if all(term.count for term in terms) and any(row[6] > LARGE for row in rows):
        django_cache.set(key, terms, COUNTS_SECONDS)
    return terms


def evidence_words(terms: Sequence[Term]) -> list[str]:
    """Return the tsqueries whose bits match_terms() reads: see term_bits().

    First one for each term. Behind them, for each term with synonyms, one for the word
    alone and one for each synonym, which say by which of them a product was found.
    """
    words = [term.quoted for term in terms]
    for term in terms:
        if term.synonyms:
            words += [term.typed, *(wording.quoted for wording in term.synonyms)]
    return words


def quote(lexeme: str) -> str:
    """Return a lexeme as a tsquery."""
    escaped = lexeme.replace("\\", "\\\\").replace("'", "''")
    return f"'{escaped}'"


def unquoted(lexeme: str) -> str:
    """Return a lexeme as quote() got it."""
    return lexeme[1:-1].replace("''", "'").replace("\\\\", "\\")


def forms_of(tsqueries: Iterable[str]) -> tuple[tuple[str, ...], ...]:
    """Return the lexemes of each tsquery, quoted."""
    return tuple(tuple(LEXEME.findall(tsquery)) for tsquery in tsqueries)


def match_terms(terms: Sequence[Term], rows: Iterable[Evidence]) -> dict[int, Match]:
    """Return how the text of each product matches, by id.

    An accessory of the thing that is asked for gets half the score: see accessory_of().
    """
    lexemes = lexemes_of(terms)
    match = cache(partial(match_of, terms, lexemes))
    names = cache(partial(frequencies, words=lexemes))
    is_accessory = cache(accessory_of(unquoted(lexeme) for lexeme in lexemes))
    matches = {}
    for row in rows:
        found = match(row.bits, *names(row.name_lexemes))
        if found.words and is_accessory(row.name):
            found = Match(found.words, ACCESSORY_SHARE * found.score, accessory=True)
        matches[row.pk] = found
    return matches


def has_every_word(bits: int, terms: Sequence[Term]) -> bool:
    """Return whether a product has all words of a query; bits: see evidence_words()."""
    every = (1 << len(terms)) - 1
    return bool(terms) and bits & every == every


def trust_in_words(matches: Iterable[Match]) -> float:
    """Return how much a word of the query says about a product: 0 to 1.

    It says little where most products with the words are accessories: a shop that has
    bags for laptops and no product called "laptop" calls its laptops something else,
    which the vectors know. It is the third power of the share that are no accessories.
    """
    having = [match.accessory for match in matches if match.words]
    return (having.count(False) / len(having)) ** 3 if having else 1.0


def lexemes_of(terms: Sequence[Term]) -> list[str]:
    """Return the quoted lexemes of the terms' spellings, and those of their synonyms."""
    forms = [form for term in terms for form in term.forms]
    for term in terms:
        forms += [form for wording in term.synonyms for form in wording.forms]
    return list(dict.fromkeys(lexeme for form in forms for lexeme in form))


def match_of(
    terms: Sequence[Term],
    lexemes: Sequence[str],
    bits: int,
    frequencies: Sequence[int],
    length: int,
) -> Match:
    """Return how a product matches.

    lexemes: those of lexemes_of(); bits: the product's words, see evidence_words();
    frequencies: how often each of the lexemes stands in its name; length: how many
    words the name has.

    A synonym counts less than the word that was typed. A product that has
    both has one word of the query, not two. In a name they are as one word that stands
    there more often, as Lucene's SynonymQuery has it.
    """
    counts = dict(zip(lexemes, frequencies, strict=True))
    words: list[str] = []
    in_name: dict[str, float] = {}
    found, behind = 0.0, len(terms)
    for place, term in enumerate(terms):
        typed, synonyms = bits >> place & 1, []
        if term.synonyms:
            typed = bits >> behind & 1
            for number, wording in enumerate(term.synonyms, start=behind + 1):
                if bits >> number & 1:
                    synonyms.append(wording)
            behind += 1 + len(term.synonyms)
        if typed or synonyms:
            words += [term.lexeme] if typed else synonyms[0].lexemes
            found += 1 if typed else SYNONYM_WEIGHT
            others = sum(times_of(wording.forms, counts) for wording in synonyms)
            count = times_of(term.forms, counts) + SYNONYM_WEIGHT * others
            if count:
                in_name[term.lexeme] = count
    if not words:
        return Match((), 0.0)
    weights = {term.lexeme: term.weight for term in terms}
    score = found / len(terms) + name_score(in_name, length, weights)
    return Match(tuple(dict.fromkeys(words)), score)


def times_of(forms: Iterable[Iterable[str]], counts: Mapping[str, int]) -> int:
    """Return how often a name has the spelling of which it has most.

    counts: how often it has each lexeme.
    """
    return max(min(counts[lexeme] for lexeme in form) for form in forms)


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
