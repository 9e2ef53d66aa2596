"""Whether this process can take requests, and what is wrong if not.

The checks are django-health-check's: each has three seconds, and a fault that does not
keep pages from being served is a warning. They run in a thread of their own, so that a
database that does not even refuse keeps no page waiting.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta

from django.core.exceptions import ImproperlyConfigured
from django.db import DEFAULT_DB_ALIAS, Error, connections
from django.db.migrations.executor import MigrationExecutor
from health_check.base import HealthCheck, HealthCheckResult
from health_check.exceptions import ServiceUnavailable, ServiceWarning

from products.embeddings import EmbeddingError
from products.models import EmbeddingRecipe
from products.sql.pgvector_version import OLDEST, installed_version
from products.upkeep.vector_index import configured_kind, is_usable
from products.watching.statistics import read_backlog
from vectorshop.db.standbys import look_at
from vectorshop.replicas import replica_aliases

logger = logging.getLogger(__name__)
# It writes a traceback of each warning each time; note_changes() writes what is new.
logging.getLogger("health_check").setLevel(logging.ERROR)

CHECK_SECONDS = 2  # a check is given up a second later
KEPT_SECONDS = 5  # as long an answer serves all who ask
# From this share of products without a fresh vector on, searches miss much.
STALE_SHARE = 0.1

# Django's exceptions, and what a model raises that cannot be had.
EXPECTED = (Error, EmbeddingError, ImproperlyConfigured)


class Check(HealthCheck):  # type: ignore[misc]
    """A check in which an exception of the database or the model is a fault."""

    timeout = timedelta(seconds=CHECK_SECONDS)

    def run(self) -> None:
        """Raise ServiceUnavailable for a fault, ServiceWarning for what can wait."""
        try:
            self.look()
        except EXPECTED as err:
            raise ServiceUnavailable(str(err).strip()) from err
        finally:
            # The thread is no request's, so nobody else closes its connections.
            connections.close_all()

    def look(self) -> None:
        """Raise what is wrong."""
        raise NotImplementedError


@dataclass
class Database(Check):
    """The database answers, and has a pgvector that the shop works with."""

    def look(self) -> None:
        version = installed_version(using=DEFAULT_DB_ALIAS)
        if version is None:
            raise ServiceUnavailable("pgvector is not enabled. Run manage.py migrate.")
        if version < OLDEST:
            raise ServiceUnavailable(
                f"pgvector is {version}, and the shop needs {OLDEST}. Run manage.py "
                "check --database default, which says what to do."
            )


@dataclass
class Migrations(Check):
    """All migrations of this code are applied."""

    def look(self) -> None:
        executor = MigrationExecutor(connections[DEFAULT_DB_ALIAS])
        missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
        if missing:
            raise ServiceUnavailable(
                f"{len(missing)} migrations are not applied. Run manage.py migrate."
            )


@dataclass
class Model(Check):
    """The model of the recipe in force can be loaded."""

    def look(self) -> None:
        EmbeddingRecipe.objects.current(DEFAULT_DB_ALIAS).embedder().load()


@dataclass
class Index(Check):
    """The vector index is there and valid."""

    def look(self) -> None:
        if not is_usable(configured_kind(), using=DEFAULT_DB_ALIAS):
            raise ServiceWarning(
                "The vector index is missing or not valid: every search reads the whole "
                "table. Run manage.py build_index."
            )


@dataclass
class Replicas(Check):
    """Every standby answers, and follows the primary closely enough."""

    def look(self) -> None:
        for alias in replica_aliases():
            for fault in look_at(alias).faults():
                raise ServiceWarning(f"{fault.msg} {fault.hint or ''}".strip())


@dataclass
class Embeddings(Check):
    """Nearly all products have a fresh vector."""

    def look(self) -> None:
        backlog = read_backlog(using=DEFAULT_DB_ALIAS)
        if backlog and backlog.share > STALE_SHARE:
            raise ServiceWarning(
                f"{backlog.waiting} of {backlog.products} products wait for a vector. "
                "Keep manage.py embed_products --watch running."
            )


# The first says whether the others can be asked at all.
CHECKS: tuple[Callable[[], Check], ...] = (
    Database,
    Migrations,
    Model,
    Index,
    Replicas,
    Embeddings,
)


@dataclass(frozen=True)
class Health:
    """What the checks found."""

    results: list[HealthCheckResult]

    @property
    def ready(self) -> bool:
        """Whether pages can be served: a warning does not keep them from that."""
        return not any(is_fault(result) for result in self.results)

    def faults(self) -> set[tuple[str, str]]:
        """Return which checks found something, and how bad it is."""
        return {
            (type(result.check).__name__, type(result.error).__name__)
            for result in self.results
            if result.error
        }

    def lines(self) -> list[str]:
        """Return a line for each check, for the staff."""
        return [
            f"{type(result.check).__name__}: {result.error or 'in order'}"
            for result in self.results
        ]


def is_fault(result: HealthCheckResult) -> bool:
    """Return whether a check found more than something that can wait."""
    return bool(result.error) and not isinstance(result.error, ServiceWarning)


# Nobody knows yet.
RUNNING = Health(
    [HealthCheckResult(Database(), ServiceUnavailable("The first checks run."), 0.0)]
)


class Kept:
    """The last answer of this process, and the one thread that asks for the next."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.executor = ThreadPoolExecutor(1, thread_name_prefix="health")
        self.health: Health | None = None
        self.asked_at = 0.0

    def ask(self) -> Health:
        """Return what the checks find, or found within the last five seconds.

        Who asks while they run gets the last answer at once: only one thread waits.
        """
        if self.is_fresh() or not self.lock.acquire(blocking=False):
            return self.health or RUNNING
        try:
            found = asyncio.run(look(self.executor))
            note_changes(self.health, found)
            self.health, self.asked_at = found, time.monotonic()
            return found
        finally:
            self.lock.release()

    def is_fresh(self) -> bool:
        """Return whether the last answer will do."""
        fresh = time.monotonic() - self.asked_at < KEPT_SECONDS
        return self.health is not None and fresh

    def forget(self) -> None:
        """Let the next one ask anew."""
        self.health = None


async def look(executor: ThreadPoolExecutor) -> Health:
    """Return what the checks find, one after the other until one fails."""
    results: list[HealthCheckResult] = []
    for make in CHECKS:
        result = await make().get_result(executor)
        results.append(result)
        if is_fault(result):
            break  # the others would wait for the same database
    return Health(results)


def note_changes(before: Health | None, now: Health) -> None:
    """Write into the log what is wrong, if other checks than before say so."""
    if now.faults() == (before.faults() if before else set()):
        return
    wrong = [line for line in now.lines() if not line.endswith(": in order")]
    logger.warning("Health: %s", " ".join(wrong) or "All is in order again.")


kept = Kept()


def health() -> Health:
    """Return whether this process can take requests; within three seconds a check."""
    return kept.ask()
