"""The import of a catalogue file: read, check, plan, embed, write, chunk by chunk."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from itertools import islice

from django.db import DEFAULT_DB_ALIAS, DataError, IntegrityError, reset_queries

from products.catalog import writing
from products.catalog.ahead import read_ahead
from products.catalog.bulk import BulkLoad
from products.catalog.changes import Change, Kind, SeenSkus, plan
from products.catalog.embedding import Embedder
from products.catalog.records import Record, Refusal, read_records
from products.catalog.rows import (
    COLUMNS,
    VECTOR_COLUMNS,
    Row,
    check_columns,
    make_row,
)
from products.catalog.source import Source, SourceError
from products.models import EmbeddingRecipe
from products.sql.own_session import own_session
from products.upkeep.vector_index import Progress

# Rows of one transaction. A killed process loses them: about 20 s of embedding.
CHUNK_ROWS = 2000


@dataclass
class ImportResult:
    """How far an import has come, and what it did."""

    read: int = 0
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    refused: int = 0
    deleted: int = 0
    embedded: int = 0  # texts
    vectors_from_file: int = 0
    foreign_vectors: int = 0  # in the file, of another recipe, not used
    without_vector: int = 0  # stored, though their text is not embedded
    embedding_problem: str = ""
    stopped: str = ""  # why the rest of the file was not read
    index_dropped: bool = False

    @property
    def stored(self) -> int:
        """How many records are in the catalogue as the file has them."""
        return self.new + self.changed + self.unchanged


@dataclass
class CatalogImport:
    """An import that can be watched and stopped; `run()` does it.

    columns: what the file calls each column that has another name there. dry_run:
    store nothing, only report through `on_change` what would become of each row.
    embed: False leaves the embedding to `embed_products`. keep_index: insert into the
    HNSW index row by row, even when building it anew is faster.
    """

    source: Source
    columns: Mapping[str, str] = field(default_factory=dict)
    delimiter: str = ""
    dry_run: bool = False
    delete_missing: bool = False
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

        Each chunk of rows is one transaction: when the import is stopped at any point,
        the chunks before are stored and a second run does the rest. Three chunks are
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
        self.embedder = Embedder(backend)
        self.seen = SeenSkus(self.using, unit=self.source.format.unit)
        self.bulk = BulkLoad(self.using, self.source, keep_index=self.keep_index)
        with closing(read_ahead(self.chunks())) as chunks:
            for chunk in chunks:
                self.import_chunk(chunk)
                reset_queries()  # with DEBUG, Django keeps every statement
        if not self.dry_run:
            self.finish()
        return self.result

    def finish(self) -> None:
        """Delete what is missing, if that was asked for, and build the index."""
        if self.delete_missing:
            self.delete_what_is_missing()
        self.bulk.finish(self.on_index_progress)
        self.result.index_dropped = self.bulk.dropped

    # Reading

    def chunks(self) -> Iterator[list[Row | Refusal]]:
        """Yield the records of the file in chunks, checked.

        Runs in a thread of its own, one chunk ahead. Of `result` it sets only
        `stopped`.
        """
        columns = {name: name for name in (*COLUMNS, *VECTOR_COLUMNS)}
        columns |= self.columns
        if self.source.format.is_table:  # read_header() returns small letters
            columns = {column: name.casefold() for column, name in columns.items()}
        rows = (
            make_row(record, columns, fingerprint=self.fingerprint)
            if isinstance(record, Record)
            else record
            for record in self.records(columns)
        )
        while chunk := list(islice(rows, CHUNK_ROWS)):
            yield chunk

    def records(self, columns: Mapping[str, str]) -> Iterator[Record | Refusal]:
        """Yield the records as far as the file can be read."""
        records = read_records(
            self.source,
            delimiter=self.delimiter,
            check_header=partial(check_columns, columns, self.source.hints),
        )
        read = False
        try:
            for record in records:
                yield record
                read = True
        except SourceError as err:
            if not read:
                raise
            self.result.stopped = str(err)

    def refuse(self, refusal: Refusal) -> None:
        self.result.refused += 1
        self.on_refusal(refusal)

    def good_rows(self, chunk: list[Row | Refusal]) -> list[Row]:
        """Return the rows of a chunk, and report its refusals."""
        rows = []
        for row in chunk:
            if isinstance(row, Row):
                rows.append(row)
            else:
                self.refuse(row)
        return rows

    # Writing

    def import_chunk(self, chunk: list[Row | Refusal]) -> None:
        """Plan a chunk and, unless this is a dry run, store it."""
        self.result.read += len(chunk)
        rows = self.good_rows(self.seen.add(self.good_rows(chunk)))
        changes = plan(rows, fingerprint=self.fingerprint, using=self.using)
        if not self.dry_run:
            changes = self.store(changes)
        for change in changes:
            self.count(change)
            self.on_change(change)
        self.on_progress(self.result)

    def store(self, changes: list[Change]) -> list[Change]:
        """Return the rows that were stored, after embedding and writing what changes."""
        self.result.vectors_from_file += sum(change.takes_vector for change in changes)
        if self.embed:
            for count in self.embedder.embed(changes):
                self.result.embedded += count
                self.on_progress(self.result)
            self.result.embedding_problem = self.embedder.problem
        self.bulk.before_chunk(sum(change.takes_vector for change in changes))
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
        if change.embed and change.row.vector is None:
            result.without_vector += 1

    def delete_what_is_missing(self) -> None:
        """Delete the products that are not in the file, if the whole file was good."""
        result = self.result
        if not result.read or result.refused or result.stopped:
            return
        result.deleted = writing.delete_missing(
            before=self.seen.started_at, using=self.using
        )
