"""The HNSW index during a bulk load: dropped before and built after, where that pays."""

from __future__ import annotations

from collections.abc import Callable

from django.db import connections

from products.catalog.source import Source
from products.sql.statements import rows
from products.upkeep import vector_index
from products.upkeep.vector_index import Progress

# Measured on two cores, row by row against building after: 4.3 s and 1.4 s for 2,000
# products, 11.9 s and 3.3 s for 5,000. Below, there is little to gain.
BULK_ROWS = 2_000

# Above, the shop needs its index: an exact search took 26 ms in 5,000 products.
SMALL_TABLE = 10_000


class BulkLoad:
    """Decides, as the chunks of a file come, what happens to the index.

    dropped: whether it is to be built again at the end; also True when it was missing
    at the start, such as after an import that was killed.
    """

    def __init__(self, using: str, source: Source, *, keep_index: bool) -> None:
        self.using = using
        self.source = source
        self.kind = vector_index.configured_kind()
        self.vectors = 0
        # In a transaction of the caller, nobody else would see the new index.
        self.in_charge = not connections[using].in_atomic_block
        self.dropped = self.in_charge and not vector_index.is_usable(
            self.kind, using=using
        )
        self.may_drop = self.in_charge and not keep_index and not self.dropped

    def before_chunk(self, vectors: int) -> None:
        """Drop the index when many vectors are to come and the table is small."""
        self.vectors += vectors
        if not self.may_drop or self.expected() < BULK_ROWS:
            return
        self.may_drop = False  # decided once
        if self.is_small():
            self.dropped = vector_index.drop_index(self.kind, using=self.using)

    def expected(self) -> float:
        """Return how many vectors the file will bring, by what it brought so far."""
        if self.source.size and (position := self.source.position):
            return self.vectors * self.source.size / position
        return self.vectors

    def is_small(self) -> bool:
        """Return whether a search of the table as it is needs no index."""
        sql = (
            "SELECT count(*) FROM "
            "(SELECT FROM products WHERE embedding IS NOT NULL LIMIT %s) AS embedded"
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
