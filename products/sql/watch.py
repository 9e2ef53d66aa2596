"""Watches what runs: the statements and their time, and how PostgreSQL read rows."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from django.db import connections

TABLE = "products"
SHARD = re.compile(r"_[0-9]+$")  # what Citus adds to the names of a table's parts

Execute: TypeAlias = Callable[..., Any]


@dataclass(frozen=True)
class Scan:
    """How one statement read the products, as EXPLAIN (ANALYZE) says.

    node: such as "Index Scan" or "Seq Scan"; index: its name, "" without one; rows:
    how many it gave; removed: how many it read and threw away; milliseconds: the time
    of the whole statement.
    """

    node: str
    index: str
    rows: int
    removed: int
    milliseconds: float

    @property
    def read(self) -> int:
        """How many rows were read, whether they were given or thrown away."""
        return self.rows + self.removed

    def __str__(self) -> str:
        using = f" using {self.index}" if self.index else ""
        return (
            f"{self.node}{using}: {self.rows:,} rows read, {self.removed:,} more "
            f"removed by a filter, {self.milliseconds:.1f} ms"
        )


@dataclass(frozen=True)
class Statement:
    """A statement that ran.

    name: what named() calls it, "" if nothing does. scan: how PostgreSQL read the
    products, None where nobody asked it.
    """

    name: str
    sql: str
    params: Any
    scan: Scan | None = None


@dataclass
class Record:
    """The statements that ran, and how many milliseconds they took together.

    scans: to which Explanations add.
    """

    scans: list[Scan] = field(default_factory=list)
    statements: list[Statement] = field(default_factory=list)
    milliseconds: float = 0.0

    def __call__(
        self, execute: Execute, statement: str, params: Any, many: bool, context: Any
    ) -> Any:
        started, explained_before = time.perf_counter(), len(self.scans)
        try:
            return execute(statement, params, many, context)
        finally:
            self.milliseconds += (time.perf_counter() - started) * 1000
            scan = self.scans[-1] if len(self.scans) > explained_before else None
            self.statements.append(Statement(running.get(), statement, params, scan))


@dataclass
class Explanations:
    """The scan of each nearest-neighbour query that ran.

    Such a query runs twice: first under EXPLAIN (ANALYZE, FORMAT JSON), in the same
    transaction and so with the same settings. See
    https://www.postgresql.org/docs/current/sql-explain.html
    """

    scans: list[Scan] = field(default_factory=list)

    def __call__(
        self, execute: Execute, statement: str, params: Any, many: bool, context: Any
    ) -> Any:
        if " <=> " in statement and " LIMIT " in statement:
            # The driver's own cursor, so that EXPLAIN is not recorded as part of the search.
            cursor = context["cursor"].cursor
            cursor.execute("EXPLAIN (ANALYZE, FORMAT JSON) " + statement, params)
            self.scans.append(read_scan(cursor.fetchone()[0]))
        return execute(statement, params, many, context)


# What the statements that run now are for.
running: ContextVar[str] = ContextVar("running", default="")


@contextmanager
def named(name: str) -> Iterator[None]:
    """Name the statements that run inside; the innermost name counts.

    Also a decorator: all that the function runs is then named.
    """
    before = running.set(name)
    try:
        yield
    finally:
        running.reset(before)


@contextmanager
def recorded(*, using: str) -> Iterator[Record]:
    """Give the record to which each statement that runs is added."""
    record = Record()
    with connections[using].execute_wrapper(record):
        yield record


@contextmanager
def explained(*, using: str) -> Iterator[list[Scan]]:
    """Give the list to which the scan of each nearest-neighbour query is added."""
    explanations = Explanations()
    with connections[using].execute_wrapper(explanations):
        yield explanations.scans


@contextmanager
def watched(*, using: str) -> Iterator[Record]:
    """Give the record of the statements, with the scan of each nearest-neighbour query."""
    with recorded(using=using) as record, explained(using=using) as record.scans:
        yield record


def read_scan(output: str | list[dict[str, Any]]) -> Scan:
    """Return the scan of the table of products in EXPLAIN's JSON."""
    [explanation] = json.loads(output) if isinstance(output, str) else output
    plan = plan_of_shard(explanation["Plan"]) or explanation["Plan"]
    node = find_scan(plan) or plan
    loops = node["Actual Loops"]
    below = node.get("Plans", [])
    removed = sum(
        node.get(key, 0)
        for key in ("Rows Removed by Filter", "Rows Removed by Index Recheck")
    )
    return Scan(
        node=node["Node Type"],
        index=without_shard(
            node.get("Index Name") or (below[0].get("Index Name", "") if below else "")
        ),
        # EXPLAIN gives the mean of the loops; parallel workers are loops.
        rows=round(node["Actual Rows"] * loops),
        removed=round(removed * loops),
        milliseconds=explanation["Execution Time"],
    )


def find_scan(node: dict[str, Any]) -> dict[str, Any] | None:
    """Return the outermost scan of the products, without those of subqueries."""
    if without_shard(node.get("Relation Name", "")) == TABLE:
        return node
    # Of a union the last part: the first is the product itself.
    for below in reversed(node.get("Plans", [])):
        if below.get("Parent Relationship") not in ("InitPlan", "SubPlan"):
            found = find_scan(below)
            if found:
                return found
    return None


def plan_of_shard(node: dict[str, Any]) -> dict[str, Any] | None:
    """Return what a Citus cluster shows of its shards, the plan of one of them."""
    if job := node.get("Distributed Query", {}).get("Job"):
        [[explanation]] = job["Tasks"][0]["Remote Plan"]
        plan: dict[str, Any] = explanation["Plan"]
        return plan
    below = map(plan_of_shard, node.get("Plans", []))
    return next(filter(None, below), None)


def without_shard(name: str) -> str:
    """Return the name of a table or an index without the number of its shard."""
    return SHARD.sub("", name)
