"""The HNSW index over the embeddings: built and rebuilt while the shop serves."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.conf import settings
from django.db import OperationalError, connections
from django.utils.translation import gettext

from products.models import DIMENSIONS
from products.sql.locks import LockedError, keep_trying, try_once
from products.sql.own_session import own_session
from products.sql.pgvector_version import PARALLEL_BUILDS_WORK, installed_version
from products.sql.sharding import is_sharded
from products.sql.statements import rows

# On disk the index takes 2.05 kB a product (measured); in memory a quarter more is
# asked for. A graph larger than maintenance_work_mem is built on disk, far slower.
GRAPH_BYTES = 2600
MAX_MEMORY_MB = 1024

# Only one build runs at a time. Any number that nothing else in the database locks.
BUILD_LOCK = 5_384_384
POLL_SECONDS = 0.5
LOCK_TIMEOUT = "2s"
GIVE_UP_SECONDS = 25.0


class IndexBuildError(Exception):
    """The index cannot be built now; the message says why and what to do."""


class BuildRunningError(IndexBuildError):
    """Another process is building an index."""


@dataclass(frozen=True)
class IndexKind:
    """A way to index the embeddings; *expression* is what a search must order by."""

    column: str
    name: str
    expression: str
    operator_class: str


def vector_kind(column: str) -> IndexKind:
    return IndexKind(column, f"products_{column}_idx", column, "vector_cosine_ops")


def halfvec_kind(column: str) -> IndexKind:
    """See https://github.com/pgvector/pgvector#half-precision-indexing"""
    return IndexKind(
        column,
        f"products_{column}_halfvec_idx",
        f"({column}::halfvec({DIMENSIONS}))",
        "halfvec_cosine_ops",
    )


VECTOR, HALFVEC = vector_kind("embedding"), halfvec_kind("embedding")
# Of the column that `migrate_embeddings` fills.
SECOND_VECTOR = vector_kind("second_embedding")
SECOND_HALFVEC = halfvec_kind("second_embedding")


PROGRESS = """
    SELECT phase, blocks_done, blocks_total
    FROM pg_stat_progress_create_index WHERE pid = %(process)s
"""
# Of all parts of the table that are being indexed just then.
PROGRESS_ON_SHARDS = """
    SELECT 'building on the shards',
        sum(coalesce((result::json ->> 'done')::bigint, 0))::bigint,
        sum(coalesce((result::json ->> 'total')::bigint, 0))::bigint
    FROM run_command_on_all_nodes($$
        SELECT json_build_object('done', sum(blocks_done), 'total', sum(blocks_total))
        FROM pg_stat_progress_create_index WHERE datname = current_database()
    $$)
    WHERE success
"""


@dataclass(frozen=True)
class Progress:
    """How far a build is; *total* is 0 in the phases that do not report it."""

    phase: str
    done: int
    total: int


def configured_kind() -> IndexKind:
    """Return the kind of index that searches use, by the setting HNSW_HALFVEC."""
    return HALFVEC if settings.HNSW_HALFVEC else VECTOR


def configured_second_kind() -> IndexKind:
    """Return the kind that searches will use once the second column is switched to."""
    return SECOND_HALFVEC if settings.HNSW_HALFVEC else SECOND_VECTOR


def is_usable(kind: IndexKind, *, using: str) -> bool:
    """Return whether the index is there and was built to its end."""
    sql = "SELECT 1 FROM pg_index WHERE indexrelid = to_regclass(%s) AND indisvalid"
    return bool(rows(sql, [kind.name], using=using))


def drop_index(kind: IndexKind, *, using: str) -> bool:
    """Drop the index and return whether that was done.

    False when the table is in use for longer than LOCK_TIMEOUT: every search would
    have to wait behind the lock.
    """

    def drop() -> None:
        with connections[using].cursor() as cursor:
            cursor.execute(f"DROP INDEX IF EXISTS {kind.name}")

    try:
        try_once(drop, timeout=LOCK_TIMEOUT, using=using)
    except LockedError:
        return False
    return True


def drop_second_indexes(using: str) -> None:
    """Drop the indexes of the second column; reading and writing go on."""
    with connections[using].cursor() as cursor:
        for kind in (SECOND_VECTOR, SECOND_HALFVEC):
            cursor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {kind.name}")


def build_index(
    kind: IndexKind,
    *,
    using: str,
    memory_mb: int | None = None,
    workers: int | None = None,
    on_progress: Callable[[Progress], None] = lambda progress: None,
) -> None:
    """Build the index, in place of one that is there, while the shop reads and writes.

    It is built under another name and takes its own in one transaction; stopped at
    any point, the old one is still there and the next build cleans up. memory_mb:
    maintenance_work_mem, by default graph_memory_mb(). workers: parallel workers
    besides the connection's own process, by default the server's
    max_parallel_maintenance_workers, and none before PARALLEL_BUILDS_WORK. Raises IndexBuildError, and OwnSessionError
    behind a pooler that cannot be passed by.
    See https://github.com/pgvector/pgvector#index-build-time
    """
    options = build_options(kind, memory_mb, workers, using)
    new = f"{kind.name}_new"
    with (
        own_session(using),
        build_lock(using),
        session_options(using, options),
        watched(using, on_progress),
        connections[using].cursor() as cursor,
    ):
        cursor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {new}")
        cursor.execute(
            f"CREATE INDEX CONCURRENTLY {new} ON products "
            f"USING hnsw ({kind.expression} {kind.operator_class}) "
            "WITH (m = 16, ef_construction = 64)"
        )
    put_in_place(kind, using)


def build_options(
    kind: IndexKind, memory_mb: int | None, workers: int | None, using: str
) -> dict[str, str]:
    """Return the settings that the session of a build needs.

    None on shards, which settings of a session do not reach. Raises IndexBuildError.
    """
    if is_sharded(using):
        if memory_mb is not None or workers is not None:
            raise IndexBuildError(
                "The nodes of a cluster build by settings of their own. Leave --memory "
                "and --workers out, and run ALTER DATABASE … SET maintenance_work_mem "
                "instead."
            )
        return {}
    if memory_mb is None:
        memory_mb = graph_memory_mb(kind, using)
    options = {"maintenance_work_mem": f"{memory_mb}MB"}
    workers = safe_workers(workers, using)
    if workers is not None:
        options["max_parallel_maintenance_workers"] = str(workers)
    return options


def safe_workers(workers: int | None, using: str) -> int | None:
    """Return how many parallel workers a build may have: 0 where they do harm.

    Raises IndexBuildError when more were asked for.
    """
    version = installed_version(using=using)
    if version is None or version >= PARALLEL_BUILDS_WORK:
        return workers
    if workers:
        raise IndexBuildError(
            f"pgvector {version} builds with one process only: with more it can crash "
            f"the server (CVE-2026-3172, mended in {PARALLEL_BUILDS_WORK}). Leave "
            "--workers out."
        )
    return 0


def ensure_index(
    kind: IndexKind, *, using: str, on_progress: Callable[[Progress], None]
) -> None:
    """Build the index unless it is there; wait while another process builds one.

    Raises IndexBuildError.
    """
    while not is_usable(kind, using=using):
        try:
            build_index(kind, using=using, on_progress=on_progress)
        except BuildRunningError:
            time.sleep(POLL_SECONDS)


def put_in_place(kind: IndexKind, using: str) -> None:
    """Give the new index the name of the old, which is dropped.

    Tries again rather than waiting for the lock, which would hold up every search.
    """

    def replace() -> None:
        with connections[using].cursor() as cursor:
            cursor.execute(f"DROP INDEX IF EXISTS {kind.name}")
            cursor.execute(f"ALTER INDEX {kind.name}_new RENAME TO {kind.name}")

    try:
        keep_trying(replace, timeout=LOCK_TIMEOUT, seconds=GIVE_UP_SECONDS, using=using)
    except LockedError as err:
        raise IndexBuildError(
            gettext(
                "The index is built as %(name)s_new, but the table is too busy to put "
                "it in the place of %(name)s. Run manage.py build_index in a quieter "
                "hour."
            )
            % {"name": kind.name}
        ) from err


def graph_memory_mb(kind: IndexKind, using: str) -> int:
    """Return the memory that the graph of all embeddings needs, at least 64 MB.

    At most 1024 MB, or what the server is set to where that is more.
    """
    sql = (
        f"SELECT count({kind.column}), "  # noqa: S608
        "(SELECT setting::bigint / 1024 FROM pg_settings "
        "WHERE name = 'maintenance_work_mem') FROM products"
    )
    [(embeddings, server_mb)] = rows(sql, using=using)
    most = max(MAX_MEMORY_MB, server_mb)
    return int(min(max(64, embeddings * GRAPH_BYTES // 2**20 + 1), most))


@contextmanager
def build_lock(using: str) -> Iterator[None]:
    """Hold the lock of index builds; raise IndexBuildError when somebody else does."""
    [(locked,)] = rows("SELECT pg_try_advisory_lock(%s)", [BUILD_LOCK], using=using)
    if not locked:
        raise BuildRunningError(
            gettext("Another process is building the index. Wait for it.")
        )
    try:
        yield
    finally:
        if connections[using].is_usable():  # if not, the lock went with the session
            rows("SELECT pg_advisory_unlock(%s)", [BUILD_LOCK], using=using)


@contextmanager
def session_options(using: str, options: dict[str, str]) -> Iterator[None]:
    """Set options of the session, as CREATE INDEX CONCURRENTLY allows no transaction."""
    sql = "SELECT set_config(%s, %s, false)"
    before = {
        name: rows("SELECT current_setting(%s)", [name], using=using)
        for name in options
    }
    try:
        for name, value in options.items():
            rows(sql, [name, value], using=using)
        yield
    finally:
        if connections[using].is_usable():
            for name, [(value,)] in before.items():
                rows(sql, [name, value], using=using)


@contextmanager
def watched(using: str, on_progress: Callable[[Progress], None]) -> Iterator[None]:
    """Report, from a second connection, what this session's CREATE INDEX has done.

    See https://www.postgresql.org/docs/current/progress-reporting.html
    """
    [(process,)] = rows("SELECT pg_backend_pid()", using=using)
    ended = threading.Event()
    sql = PROGRESS_ON_SHARDS if is_sharded(using) else PROGRESS
    thread = threading.Thread(
        target=report_progress,
        args=(using, sql, process, on_progress, ended),
        daemon=True,
    )
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def report_progress(
    using: str,
    sql: str,
    process: int,
    on_progress: Callable[[Progress], None],
    ended: threading.Event,
) -> None:
    """Call *on_progress* twice a second until *ended* is set."""
    connection = connections[using].copy()
    try:
        while not ended.wait(POLL_SECONDS):
            with connection.cursor() as cursor:
                cursor.execute(sql, {"process": process})
                for row in cursor.fetchall():
                    on_progress(Progress(*row))
    except OperationalError:
        pass  # no connection left for watching; the build itself goes on
    finally:
        connection.close()
