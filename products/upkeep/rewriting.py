"""Lets a migration write all products anew, and say how far it is."""

from __future__ import annotations

import sys
from typing import Any

from django.db import migrations

from products.numbers import grouped
from products.sql.statements import rows
from products.upkeep.vector_index import (
    Progress,
    configured_kind,
    graph_memory_mb,
    safe_workers,
    watched,
)

# Fewer products are written anew within seconds.
LARGE = 10_000

VECTOR_INDEXES = """
    SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid)
    FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
    JOIN pg_am ON pg_am.oid = relam
    WHERE indrelid = 'products'::regclass AND amname = 'hnsw' AND indisvalid
    ORDER BY 1
"""


class AddGeneratedColumn(migrations.AddField):
    """Adds a generated column to the products; shows its steps in a large catalogue.

    PostgreSQL writes all rows anew, and every index, without saying how far it is. So
    the vector indexes, which take longest, are dropped before and built afterwards,
    with the memory that they need. The table is locked until the migration is done. See
    https://www.postgresql.org/docs/current/sql-altertable.html
    """

    def database_forwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        using = schema_editor.connection.alias
        [(count,)] = rows("SELECT count(*) FROM products", using=using)
        say = Steps() if count > LARGE else lambda step: None
        indexes = rows(VECTOR_INDEXES, using=using)
        for name, _ in indexes:
            schema_editor.execute(f"DROP INDEX {name}")
        say(f"Writing all products anew: {grouped(count)}")
        super().database_forwards(app_label, schema_editor, from_state, to_state)
        allow_builds(using)
        for name, definition in indexes:
            say(f"Building {name}")
            with watched(using, lambda progress: say(step_of(progress))):
                schema_editor.execute(definition)


def allow_builds(using: str) -> None:
    """Give the rest of the transaction what build_index() gives a build."""
    set_option = "SELECT set_config(%s, %s, true)"
    memory_mb = graph_memory_mb(configured_kind(), using)
    rows(set_option, ["maintenance_work_mem", f"{memory_mb}MB"], using=using)
    if (workers := safe_workers(None, using)) is not None:
        option = "max_parallel_maintenance_workers"
        rows(set_option, [option, str(workers)], using=using)


def step_of(progress: Progress) -> str:
    """Return what a build does, and how much of it is done."""
    if not progress.total:
        return progress.phase
    return f"{progress.phase}, {10 * (10 * progress.done // progress.total)} %"


class Steps:
    """Writes each step on a line of its own, once."""

    def __init__(self) -> None:
        self.last = ""

    def __call__(self, step: str) -> None:
        if step != self.last:
            sys.stdout.write(f"\n    {step}")
            sys.stdout.flush()
            self.last = step
