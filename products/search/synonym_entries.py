"""What the staff keeps as synonyms: entries of words, checked and read as the search does."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

from django.core.exceptions import ValidationError
from django.db import connections
from django.utils.translation import gettext as _, ngettext

from products.numbers import grouped
from products.plain_text import tidy
from products.search.words import Stem, Wording, quote
from products.sql.prepared import fetch_prepared
from products.synonyms import MAX_LENGTH, MAX_WORDS, MOST_WORDS, Synonym

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


def count_words(entries: Iterable[Entry]) -> int:
    """Return how many words some entries have; a phrase counts as one."""
    return sum(len(side) for entry in entries for side in entry)


def stored_entries(using: str, *, without: Collection[int] = ()) -> list[Entry]:
    """Return the entries of a database, but for those with the ids *without*."""
    rows = Synonym.objects.using(using).order_by("pk")
    return [
        Entry(words, finds)
        for pk, words, finds in rows.values_list("pk", "words", "finds")
        if pk not in without
    ]


def known_pairs(using: str) -> set[frozenset[str]]:
    """Return the pairs of words that are synonyms, one way or both, in small letters."""
    return {
        frozenset((word.casefold(), other.casefold()))
        for entry in stored_entries(using)
        for word, others in entry.sides()
        for other in others
    }


# How the search reads their words


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


def check_size(entries: Iterable[Entry]) -> None:
    """Raise ValidationError for more words than all synonyms together may have."""
    if (count := count_words(entries)) > MOST_WORDS:
        text = _(
            "All synonyms together may have %(most)s words; with these they would have "
            "%(count)s. Delete some that nobody searches for."
        )
        raise ValidationError(
            text % {"most": grouped(MOST_WORDS), "count": grouped(count)}
        )


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
