"""What the database says about itself: vectors, index, dead rows, connections."""

from __future__ import annotations

from dataclasses import dataclass

from django.core.cache import cache
from django.utils import timezone

from products.models import Product
from products.sql.statements import TookTooLong, at_most, rows
from products.upkeep.vector_index import configured_kind

# Counting what waits for a vector reads all rows: tenths of a second for 100,000.
COUNT_SECONDS = 1
KEPT_SECONDS = 60
BACKLOG_KEY = "watching-backlog"


@dataclass(frozen=True)
class Backlog:
    """The products that wait for a vector: of how many, and for how many seconds.

    seconds: since the oldest of them was last saved; 0 where none waits.
    """

    products: int
    waiting: int
    seconds: float

    @property
    def share(self) -> float:
        """Which share of the products waits, 0 to 1."""
        return self.waiting / self.products if self.products else 0.0


@dataclass(frozen=True)
class Storage:
    """The bytes of the table and of its vector index, and the rows that live and died.

    index: None where there is no valid index.
    """

    table: int
    index: int | None
    live: int
    dead: int

    @property
    def dead_share(self) -> float:
        """Which share of the rows is dead, 0 to 1."""
        return self.dead / (self.live + self.dead) if self.dead else 0.0


@dataclass(frozen=True)
class Connections:
    """How many connections the server has, and how many it takes."""

    used: int
    most: int


def read_backlog(*, using: str) -> Backlog | None:
    """Return what waits for a vector, None where counting takes over a second.

    The answer is kept for a minute, so that nobody can have all rows read again and
    again.
    """
    key = f"{BACKLOG_KEY}-{using}"
    kept: tuple[Backlog | None] | None = cache.get(key)
    if kept is None:
        kept = (counted_backlog(using),)
        cache.set(key, kept, KEPT_SECONDS)
    return kept[0]


def counted_backlog(using: str) -> Backlog | None:
    """Return the same, counted now."""
    try:
        with at_most(COUNT_SECONDS, using=using):
            found = Product.objects.using(using).backlog()
    except TookTooLong:
        return None
    since = found["since"]
    seconds = max(0.0, (timezone.now() - since).total_seconds()) if since else 0.0
    return Backlog(found["products"], found["waiting"], seconds)


def read_storage(*, using: str) -> Storage:
    """Return the sizes of the table and its index, by PostgreSQL's own statistics."""
    sql = """
        SELECT pg_table_size('products'),
               (SELECT pg_relation_size(indexrelid) FROM pg_index
                WHERE indexrelid = to_regclass(%s) AND indisvalid),
               n_live_tup, n_dead_tup
        FROM pg_stat_user_tables WHERE relid = 'products'::regclass
    """
    [found] = rows(sql, [configured_kind().name], using=using)
    return Storage(*found)


def read_connections(*, using: str) -> Connections:
    """Return how many connections clients have, and `max_connections`."""
    sql = """
        SELECT count(*) FILTER (WHERE backend_type = 'client backend'),
               current_setting('max_connections')::int
        FROM pg_stat_activity
    """
    [found] = rows(sql, using=using)
    return Connections(*found)
