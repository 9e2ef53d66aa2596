"""Synonyms from a CSV or TSV file, and to one."""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import BinaryIO

from django.core.exceptions import ValidationError
from django.db import DEFAULT_DB_ALIAS, transaction
from django.utils.translation import gettext as _

from products.catalog.exporting import write_table
from products.catalog.reading.record import Record, Refusal
from products.catalog.reading.source import Source, SourceError
from products.catalog.reading.tables import Table
from products.models import Synonym
from products.numbers import grouped
from products.search.question import SearchError, check_text
from products.search.synonym_entries import (
    Entry,
    Meaning,
    check,
    check_size,
    count_words,
    meaning,
    split_words,
    stored_entries,
    wordings,
)
from products.synonyms import MOST_WORDS, forget

COLUMNS = ("words", "finds")


@dataclass
class SynonymFile:
    """What a file says. new: the entries that are not there yet, in the file's order.

    unchanged: how many are there already; missing: the ids of stored entries that are
    not in the file. Nothing of a file with a refusal is to be stored.
    """

    new: list[Entry] = field(default_factory=list)
    unchanged: int = 0
    missing: list[int] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)


def read_synonyms(
    source: Source, *, delete_missing: bool = False, using: str = DEFAULT_DB_ALIAS
) -> SynonymFile:
    """Return what a file of synonyms says; writes nothing.

    Its first line names the columns: "words", and perhaps "finds", with commas between
    the words of each. delete_missing: those that are not in the file are to go. Raises
    SourceError when the file cannot be read, or there would be too many synonyms.
    """
    if not source.format.is_table:
        raise SourceError(
            _("Synonyms are read from CSV and TSV. Save the file as one of these."),
            choice="format",
        )
    table = Table(source, is_known=lambda header: "words" in header)
    check_header(source, table.header)
    found = SynonymFile()
    records: list[tuple[Record, Entry]] = []
    words = 0
    for record in table.records():
        if isinstance(record, Refusal):
            found.refused.append(record)
        elif refusal := unreadable(record):
            found.refused.append(refusal)
        else:
            sides = (split_words(record.fields.get(name, "")) for name in COLUMNS)
            records.append((record, Entry(*sides)))
            words += count_words([records[-1][1]])
        # All of them are checked by one statement.
        if words > MOST_WORDS:
            raise SourceError(
                _("%(name)s has more than %(most)s words. Leave some out.")
                % {"name": source.name, "most": grouped(MOST_WORDS)}
            )
    compare(found, records, using)
    check_total(source, found, delete_missing, using)
    found.refused.sort(key=lambda refusal: refusal.line)
    return found


def check_header(source: Source, header: list[str]) -> None:
    """Raise SourceError for a header without the column "words", or with a strange one."""
    strange = [name for name in header if name not in COLUMNS]
    if "words" not in header or strange:
        raise SourceError(
            _(
                "%(name)s needs the columns words and finds, named by its first line. "
                "It has: %(columns)s."
            )
            % {"name": source.name, "columns": ", ".join(header)[:200]}
        )


def check_total(
    source: Source, found: SynonymFile, delete_missing: bool, using: str
) -> None:
    """Raise SourceError if there would be too many synonyms with those of a file."""
    rows = Synonym.objects.using(using)
    if delete_missing:
        rows = rows.exclude(pk__in=found.missing)
    stored = [
        Entry(words, finds) for words, finds in rows.values_list("words", "finds")
    ]
    try:
        check_size([*stored, *found.new])
    except ValidationError as err:
        raise SourceError(f"{source.name}: {err.messages[0]}") from err


def unreadable(record: Record) -> Refusal | None:
    """Return the refusal of a record that PostgreSQL cannot hold, None for others."""
    try:
        for text in record.fields.values():
            check_text(text)
    except SearchError as err:
        return record.refuse(str(err))
    return None


def compare(
    found: SynonymFile, records: list[tuple[Record, Entry]], using: str
) -> None:
    """Sort the entries of a file into new, unchanged and refused ones."""
    stored = list(Synonym.objects.using(using).values_list("pk", "words", "finds"))
    entries = [
        *(Entry(words, finds) for _pk, words, finds in stored),
        *(entry for _record, entry in records),
    ]
    known = wordings(
        [word for entry in entries for side in entry for word in side], using
    )
    ids: dict[Meaning, list[int]] = {}
    for pk, words, finds in stored:
        ids.setdefault(meaning(Entry(words, finds), known), []).append(pk)
    lines: dict[Meaning, int] = {}
    for record, entry in records:
        try:
            check(entry, known)
        except ValidationError as err:
            found.refused.append(record.refuse(" ".join(err.messages)))
            continue
        same = meaning(entry, known)
        first = lines.setdefault(same, record.line)
        if first != record.line:
            text = _("the same synonyms are in line %(line)d")
            found.refused.append(record.refuse(text % {"line": first}))
        elif same in ids:
            found.unchanged += 1
        else:
            found.new.append(entry)
    found.missing = [
        pk for same, several in ids.items() if same not in lines for pk in several
    ]


def store(
    found: SynonymFile,
    *,
    delete_missing: bool = False,
    using: str = DEFAULT_DB_ALIAS,
) -> None:
    """Store the new entries of a file, all or none.

    delete_missing: also delete the stored ones that are not in the file. Raises
    ValueError for a file with a refusal.
    """
    if found.refused:
        raise ValueError("a file with refused lines must not be stored")
    synonyms = Synonym.objects.using(using)
    with transaction.atomic(using=using):
        synonyms.bulk_create(Synonym(words=e.words, finds=e.finds) for e in found.new)
        if delete_missing:
            synonyms.filter(pk__in=found.missing).delete()
        forget(using)  # bulk_create() sends no signal


def write_synonyms(entries: Iterable[Entry], file: BinaryIO) -> int:
    """Return how many entries were written to an open file, as CSV."""
    rows = [[", ".join(words), ", ".join(finds)] for words, finds in entries]
    # newline="": the csv module writes its own line ends.
    stream = io.TextIOWrapper(file, encoding="utf-8", newline="")
    try:
        write_table(stream, COLUMNS, rows, ",")
    finally:
        stream.detach()  # flushes; the file stays open
    return len(rows)


def export_synonyms(file: BinaryIO, *, using: str = DEFAULT_DB_ALIAS) -> int:
    """Return how many synonyms were written to an open file, as CSV.

    Importing the file again changes nothing.
    """
    return write_synonyms(stored_entries(using), file)
