"""The import of a catalogue file: read, check, plan and write by chunks; then embed."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from typing import TypeVar

from django.db import DEFAULT_DB_ALIAS, DataError, IntegrityError, reset_queries
from django.utils.translation import gettext as _

from products.catalog import writing
from products.catalog.ahead import read_ahead
from products.catalog.bulk import BulkLoad
from products.catalog.changes import Change, Kind, SeenSkus, UntidySkus, plan
from products.catalog.checking import (
    COLUMNS,
    VECTOR_COLUMNS,
    Row,
    check_columns,
    check_record,
    make_row,
)
from products.catalog.embedding_rows import Embedder
from products.catalog.reading.notices import Notice, Notices
from products.catalog.reading.presets import PresetName, chosen
from products.catalog.reading.records import Record, Refusal, read_records
from products.catalog.reading.source import Source, SourceError
from products.catalog.reading.tables import Quoting, Table
from products.models import EmbeddingRecipe
from products.pictures.reference import is_elsewhere
from products.plain_text import tidy
from products.sql.own_session import own_session
from products.upkeep.vector_index import Progress

T = TypeVar("T", Row, Change)

# What spreadsheets make of a long number.
ROUNDED = re.compile(r"[0-9]([.,][0-9]+)?E\+[0-9]+", re.IGNORECASE)

# Rows of one transaction. A killed process loses them: less than a second's work.
CHUNK_ROWS = 2000

# Keys that are no columns: how many are kept, and how much of each.
MOST_IGNORED = 20
MAX_IGNORED = 100


@dataclass
class ImportResult:
    """How far an import has come, and what it did."""

    read: int = 0
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    refused: int = 0
    deleted: int = 0  # in a dry run: that would be
    missing: list[str] = field(default_factory=list)  # in a dry run: their skus
    embedded: int = 0  # texts
    vectors_from_file: int = 0
    foreign_vectors: int = 0  # in the file, of another recipe, not used
    without_vector: int = 0  # stored, though their text is not embedded (yet)
    embedding_problem: str = ""
    stopped: str = ""  # why the rest of the file was not read
    cut_short: bool = False  # the rest was not read, since that was asked for
    preset: str = ""  # whose export the file is
    notices: Notices = field(default_factory=Notices)
    ignored: list[str] = field(default_factory=list)  # keys of JSON that are no columns
    index_dropped: bool = False

    @property
    def is_complete(self) -> bool:
        """Whether all of a file was read, and all of it was good."""
        return bool(self.read) and not (self.refused or self.stopped or self.cut_short)

    @property
    def shows_what_is_missing(self) -> bool:
        """Whether a product that is not in the file may be deleted."""
        return self.is_complete and Notice.ROUNDED_SKU not in self.notices.found

    @property
    def stored(self) -> int:
        """How many records are in the catalogue as the file has them."""
        return self.new + self.changed + self.unchanged


@dataclass
class CatalogImport:
    """An import that can be watched and stopped; `run()` does it.

    columns: what the file calls each column that has another name there. A column that
    the file lacks keeps what is stored. delimiter, quoting: see tables.Table. preset: see
    presets.chosen(). max_rows, max_seconds: end the reading there. dry_run: store
    nothing, only report through `on_change` what would become of each row.
    most_missing: of how many products that would be deleted a dry run names the skus.
    embed: False leaves the embedding to `embed_products`. keep_index: insert into the
    HNSW index row by row, even when building it anew is faster.
    """

    source: Source
    columns: Mapping[str, str] = field(default_factory=dict)
    delimiter: str = ""
    quoting: Quoting = Quoting.AUTO
    preset: PresetName = PresetName.AUTO
    max_rows: int | None = None
    max_seconds: float = math.inf
    dry_run: bool = False
    delete_missing: bool = False
    most_missing: int = 0
    embed: bool = True
    keep_index: bool = False
    using: str = DEFAULT_DB_ALIAS
    on_change: Callable[[Change], None] = lambda change: None
    on_refusal: Callable[[Refusal], None] = lambda refusal: None
    on_progress: Callable[[ImportResult], None] = lambda result: None
    on_index_progress: Callable[[Progress], None] = lambda progress: None
    result: ImportResult = field(default_factory=ImportResult, init=False)

    def run(self) -> ImportResult:
        """Return what the import of the file did.

        Each chunk of rows is one transaction, and after all of them each batch of
        vectors: when the import is stopped at any point, what came before is stored
        and a second run does the rest. Three chunks are
        in memory at a time. Raises SourceError when nothing of the file can be read,
        DatabaseError when the database is gone, IndexBuildError when all rows are
        stored but the index is not built; `result` then says how far the import came.
        Raises OwnSessionError behind a pooler that cannot be passed by.
        """
        with own_session(self.using):  # its temporary tables live in a session
            return self.import_all()

    def import_all(self) -> ImportResult:
        """Return what the import of the file did, in a session of its own."""
        backend = EmbeddingRecipe.objects.current(self.using).embedder()
        self.fingerprint = backend.fingerprint
        self.embedder = Embedder(backend, self.using)
        self.seen = SeenSkus(self.using, unit=self.source.format.unit)
        self.untidy = UntidySkus(self.using)
        self.bulk = BulkLoad(self.using, self.source, keep_index=self.keep_index)
        with closing(read_ahead(self.chunks())) as chunks:
            for chunk in chunks:
                self.import_chunk(chunk)
                reset_queries()  # with DEBUG, Django keeps every statement
        if self.delete_missing and self.result.shows_what_is_missing:
            self.delete_what_is_missing()
        if not self.dry_run:
            self.finish()
        return self.result

    def finish(self) -> None:
        """Embed the texts, if that was asked for, and build the index."""
        if self.embed and self.result.without_vector:
            self.make_vectors()
        self.bulk.finish(self.on_index_progress)
        self.result.index_dropped = self.bulk.dropped

    def make_vectors(self) -> None:
        """Embed the texts of the file that have no vector yet, as far as possible."""
        result = self.result
        for count in self.embedder.embed(self.seen):
            result.embedded += count
            # Another process may have embedded some, or changed more.
            result.without_vector = max(result.without_vector - count, 0)
            self.on_progress(result)
        result.embedding_problem = self.embedder.problem
        if not result.embedding_problem:
            result.without_vector = 0

    # Reading

    def chunks(self) -> Iterator[list[Row | Refusal]]:
        """Yield the records of the file in chunks, checked.

        Runs in a thread of its own, one chunk ahead. Of `result` it sets only `preset`,
        `notices`, `ignored`, `stopped` and `cut_short`.
        """
        rows = map(self.checked, self.until_limit(self.records()))
        while chunk := list(islice(rows, CHUNK_ROWS)):
            yield chunk

    def checked(self, record: Record | Refusal) -> Row | Refusal:
        if isinstance(record, Refusal):
            return record
        row = make_row(record, self.names, fingerprint=self.fingerprint)
        if isinstance(row, Row) and ROUNDED.fullmatch(row.sku):
            self.result.notices.add(Notice.ROUNDED_SKU, record.line)
        if isinstance(row, Row) and is_elsewhere(row.image):
            self.result.notices.add(Notice.PICTURE_ELSEWHERE, record.line)
        return row

    def until_limit(
        self, records: Iterator[Record | Refusal]
    ) -> Iterator[Record | Refusal]:
        """Yield the records up to the limit of rows and of time."""
        end = time.monotonic() + self.max_seconds
        for number, record in enumerate(records):
            if number == self.max_rows or time.monotonic() > end:
                self.result.cut_short = True
                return
            yield record

    def records(self) -> Iterator[Record | Refusal]:
        """Yield the records as far as the file can be read."""
        read = False
        try:
            for record in self.opened():
                yield record
                read = True
        except SourceError as err:
            if not read:
                raise
            self.result.stopped = str(err)

    def opened(self) -> Iterator[Record | Refusal]:
        """Return the records of the file; set what it calls the columns."""
        self.names = {name: name for name in (*COLUMNS, *VECTOR_COLUMNS)}
        mapped = {
            column: tidy(name).casefold()  # as the names of the file are compared
            for column, name in self.columns.items()
        }
        if not self.source.format.is_table:
            if self.preset not in (PresetName.AUTO, PresetName.NONE):
                raise SourceError(
                    _("A preset is for the columns of CSV and TSV, not for JSON."),
                    choice="preset",
                )
            self.names |= mapped
            return self.json_records(mapped)
        table = Table(
            self.source,
            delimiter=self.delimiter,
            quoting=self.quoting,
            is_known=self.knows,
            notices=self.result.notices,
        )
        preset = chosen(self.preset, table.header, mapped=bool(mapped))
        if preset is None:
            self.names |= mapped
            check_columns(self.names, self.source.hints, table.header, mapped=mapped)
            return table.records()
        self.result.preset = preset.label
        rows = preset.rows(
            table.header,
            {**preset.columns, **{column: (mapped[column],) for column in mapped}},
            self.result.notices,
        )
        check_columns(
            rows.first_names(), self.source.hints, table.header, mapped=mapped
        )
        return rows.products(table.records())

    def json_records(self, mapped: Mapping[str, str]) -> Iterator[Record | Refusal]:
        """Yield the records of JSON, each of which has its own names of columns."""
        for record in read_records(self.source):
            if isinstance(record, Refusal):
                yield record
            else:
                self.note_ignored(record)
                yield check_record(record, self.names, mapped=mapped)

    def note_ignored(self, record: Record) -> None:
        """Keep the first keys that no column has: somebody may have mistyped one."""
        ignored = self.result.ignored
        for name in record.fields.keys() - self.names.values():
            if len(ignored) < MOST_IGNORED and name[:MAX_IGNORED] not in ignored:
                ignored.append(name[:MAX_IGNORED])

    def knows(self, header: list[str]) -> bool:
        """Return whether a header shows how to read the file."""
        preset = chosen(self.preset, header, mapped=bool(self.columns))
        return preset is not None and preset.fits(header)

    def refuse(self, refusal: Refusal) -> None:
        self.result.refused += 1
        self.on_refusal(refusal)

    def good(self, items: Iterable[T | Refusal], kind: type[T]) -> list[T]:
        """Return the items that are of a kind, and report the refusals among them."""
        found = []
        for item in items:
            if isinstance(item, Refusal):
                self.refuse(item)
            elif isinstance(item, kind):
                found.append(item)
        return found

    # Writing

    def import_chunk(self, chunk: list[Row | Refusal]) -> None:
        """Plan a chunk and, unless this is a dry run, store it."""
        self.result.read += len(chunk)
        rows = self.good(self.seen.add(self.good(chunk, Row)), Row)
        planned = plan(
            rows, fingerprint=self.fingerprint, untidy=self.untidy, using=self.using
        )
        changes = self.good(planned, Change)
        if not self.dry_run:
            changes = self.store(changes)
        for change in changes:
            self.count(change)
            self.on_change(change)
        self.on_progress(self.result)

    def store(self, changes: list[Change]) -> list[Change]:
        """Return the rows that were stored, after writing what changes."""
        from_file = sum(change.takes_vector for change in changes)
        to_make = sum(change.needs_embedding for change in changes) if self.embed else 0
        self.result.vectors_from_file += from_file
        self.bulk.before_chunk(from_file + to_make)
        self.result.index_dropped = self.bulk.dropped
        refused = set(self.write([change for change in changes if change.writes]))
        return [change for change in changes if change.line not in refused]

    def write(self, changes: list[Change]) -> Iterator[int]:
        """Write rows; yield the lines of those that the database refuses.

        When the database refuses some, halves are tried, down to the single row.
        """
        if not changes:
            return
        try:
            writing.write(changes, fingerprint=self.fingerprint, using=self.using)
        except (DataError, IntegrityError) as err:
            if len(changes) == 1:
                reason = str(err).strip().split("\n")[0]
                self.refuse(changes[0].row.record.refuse(reason))
                yield changes[0].line
                return
            middle = len(changes) // 2
            yield from self.write(changes[:middle])
            yield from self.write(changes[middle:])

    def count(self, change: Change) -> None:
        result = self.result
        match change.kind:
            case Kind.NEW:
                result.new += 1
            case Kind.CHANGED:
                result.changed += 1
            case Kind.UNCHANGED:
                result.unchanged += 1
        result.foreign_vectors += change.row.foreign_vector
        if change.needs_embedding:
            result.without_vector += 1

    def delete_what_is_missing(self) -> None:
        """Delete the products that are not in the file; in a dry run count them."""
        work = writing.count_missing if self.dry_run else writing.delete_missing
        before = self.seen.started_at
        self.result.deleted = work(before=before, using=self.using)
        if self.dry_run and self.most_missing:
            self.result.missing = writing.missing_skus(
                before=before, most=self.most_missing, using=self.using
            )
