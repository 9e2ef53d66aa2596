"""How the nearest products are looked up: by an exact scan, or by the HNSW index."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from django.db import connections, transaction
from django.utils.formats import number_format
from django.utils.translation import gettext as _, ngettext
from psycopg import sql

from products.querysets import EF_SEARCH, ProductQuerySet

if TYPE_CHECKING:
    from products.models import Product

# Up to this many matching rows the exact scan is used: it takes about as long as the
# index then, and finds all. On 100,000 products, two busy cores, 201 results: 5,000
# matching rows 0.23 s exact and 0.15 s by HNSW, 2,000 rows 0.11 s and 0.19 s; for
# fewer results HNSW is the faster one from 2,000 rows up.
EXACT_BOUND = 4_000

# HNSW keeps this many candidates for each result that is asked for. Recall of all 201
# results without filter: 0.99. pgvector allows 1 to 1,000.
EF_SEARCH_FACTOR = 2
MAX_EF_SEARCH = 1_000
DEFAULT_EF_SEARCH = EF_SEARCH  # what nearest_to() sets by itself
# At 10 % the recall of ten results was 0.95 with 100 and 0.99 with 200, in equal time.
FILTERED_EF_SEARCH = 200

# With a filter the index is read on until enough rows pass, to this many at most. A
# filter that keeps more than EXACT_BOUND rows of a million keeps 0.4 %: 201 results
# take about 50,000.
MAX_SCAN_TUPLES = 100_000


@dataclass
class Plan:
    """What a search did, why, and how long it took.

    method: "exact", "hnsw", "keyword" or "listing". matching: how many rows pass the
    filters, counted up to a bound; None when nothing had to be counted. rows: how many
    rows were ranked. words: by which rules the products with a word were chosen, one
    after the other, until there were enough. Times are in milliseconds.
    """

    method: str
    reason: str
    words: list[str] = field(default_factory=list)
    matching: int | None = None
    ef_search: int | None = None
    rows: int = 0
    embedding_ms: float = 0.0
    sql_ms: float = 0.0
    statements: list[str] = field(default_factory=list)

    @property
    def exact(self) -> bool:
        """Whether every matching row was compared."""
        return self.method == "exact"

    @property
    def statements_title(self) -> str:
        """The heading above the statements."""
        count = len(self.statements)
        text = ngettext("The statement", "The %(count)s statements", count)
        return text % {"count": count}

    @property
    def partial(self) -> bool:
        """Whether more rows pass the filters than the index was read for."""
        return self.method == "hnsw" and self.matching is not None


def plan_neighbours(
    products: ProductQuerySet | None, *, limit: int, bound: int = EXACT_BOUND
) -> Plan:
    """Return how to find the *limit* nearest products.

    products: what a filter leaves of the embedded products; None without a filter.
    One statement counts them, up to *bound*: pgvector applies filters after the
    index scan, so that few matching rows would come back as too few, or as the wrong
    ones. See https://github.com/pgvector/pgvector#filtering
    """
    ef_search = min(max(DEFAULT_EF_SEARCH, EF_SEARCH_FACTOR * limit), MAX_EF_SEARCH)
    if products is None:
        # Short lists need no setting but nearest_to()'s, and so no second statement.
        short = ef_search == DEFAULT_EF_SEARCH
        return Plan(
            "hnsw",
            _(
                "nothing is filtered out: the index, or the whole table while it is "
                "small, whichever PostgreSQL finds cheaper"
            ),
            ef_search=None if short else ef_search,
        )
    matching = products.order_by().values("pk")[: bound + 1].count()
    if matching <= bound:
        return Plan(
            "exact",
            ngettext(
                "only %(count)s product to compare, few enough to read them all",
                "only %(count)s products to compare, few enough to read them all",
                matching,
            )
            % {"count": number_format(matching, force_grouping=True)},
            matching=matching,
        )
    return Plan(
        "hnsw",
        ngettext(
            "more than %(count)s product to compare; the index is read on until "
            "enough of them are found",
            "more than %(count)s products to compare; the index is read on until "
            "enough of them are found",
            bound,
        )
        % {"count": number_format(bound, force_grouping=True)},
        matching=matching,
        ef_search=max(ef_search, FILTERED_EF_SEARCH),
    )


@contextmanager
def index_settings(plan: Plan, *, using: str) -> Iterator[None]:
    """Set what the plan asks of pgvector while the query is evaluated."""
    if plan.ef_search is None:
        yield
        return
    with iterative_scan(plan.ef_search, using=using):
        yield


@contextmanager
def iterative_scan(ef_search: int, *, using: str) -> Iterator[None]:
    """Let the index be read on until enough rows pass, 100,000 at most.

    In a transaction, since SET LOCAL ends with it. SET LOCAL also reaches the shards
    of a Citus cluster; set_config() does not. See
    https://github.com/pgvector/pgvector#iterative-index-scans
    """
    with transaction.atomic(using=using, savepoint=False):
        with connections[using].cursor() as cursor:
            cursor.execute(iterative_scan_sql(ef_search))
        yield


@cache
def iterative_scan_sql(ef_search: int) -> str:
    """Return the statement that sets all of an iterative scan. SET takes no parameters."""
    statement = sql.SQL(
        "SET LOCAL hnsw.ef_search = {};"
        "SET LOCAL hnsw.iterative_scan = relaxed_order;"
        "SET LOCAL hnsw.max_scan_tuples = {}"
    )
    return statement.format(ef_search, MAX_SCAN_TUPLES).as_string()


def read_on(nearest: ProductQuerySet) -> list[Product]:
    """Return the rows of a sliced nearest_to(), read in an iterative scan.

    Else the nearest rows of the index may all be of another recipe, and too few or
    none would be left.
    """
    with iterative_scan(EF_SEARCH, using=nearest.db):
        return list(nearest)


@contextmanager
def recorded(plan: Plan, *, using: str) -> Iterator[None]:
    """Add the statements that run, and their time, to the plan."""

    def record(
        execute: Callable[..., Any],
        statement: str,
        params: Any,
        many: bool,
        context: Any,
    ) -> Any:
        started = time.perf_counter()
        try:
            return execute(statement, params, many, context)
        finally:
            plan.sql_ms += (time.perf_counter() - started) * 1000
            plan.statements.append(statement)

    with connections[using].execute_wrapper(record):
        yield
