"""The HNSW index in a bulk load: dropped before and built after, where that pays."""

from __future__ import annotations

from collections.abc import Callable

from django.db import connections

from products.catalog.reading.source import Source
from products.sql.statements import rows
from products.upkeep import vector_index
from products.upkeep.vector_index import Progress

# Inserting 2,000 products into the index took 4.3 s on two cores, building the index
# afterwards 1.4 s; 5,000 took 11.9 s and 3.3 s. Fewer products gain little.
BULK_ROWS = 2_000

# With more products the shop needs its index: an exact search of 5,000 took 26 ms.
SMALL_TABLE = 10_000


class BulkLoad:
    """Decides, as the chunks of a file come, what happens to the index.

    dropped: whether the index is to be built at the end; also True when it was missing
    at the start, such as after an import that was killed.
    """

    def __init__(self, using: str, source: Source, *, keep_index: bool) -> None:
        self.using = using
        self.source = source
        self.kind = vector_index.configured_kind()
        self.vectors = 0
        # In a transaction of the caller, nobody else would see the new index.
        self.may_change_index = not connections[using].in_atomic_block
        self.dropped = self.may_change_index and not vector_index.is_usable(
            self.kind, using=using
        )
        self.may_drop = self.may_change_index and not keep_index and not self.dropped

    def before_chunk(self, vectors: int) -> None:
        """Drop the index when many vectors are to come and the table is small."""
        self.vectors += vectors
        if not self.may_drop or self.expected() < BULK_ROWS:
            return
        self.may_drop = False  # decided once
        if self.is_small():
            self.dropped = vector_index.drop_index(self.kind, using=self.using)

    def expected(self) -> float:
        """Return how many vectors the file will bring, if it goes on as it began."""
        if self.source.size and (position := self.source.position):
            return self.vectors * self.source.size / position
        return self.vectors

    def is_small(self) -> bool:
        """Return whether the table is small enough to be searched without an index."""
        sql = (
            "SELECT count(*) FROM "
            "(SELECT id FROM products WHERE embedding IS NOT NULL LIMIT %s) AS embedded"
        )
        [(count,)] = rows(sql, [SMALL_TABLE + 1], using=self.using)
        return bool(count <= SMALL_TABLE)

    def finish(self, on_progress: Callable[[Progress], None]) -> None:
        """Build the index if it is missing."""
        if self.dropped:
            vector_index.build_index(
                self.kind, using=self.using, on_progress=on_progress
            )
            self.dropped = False
