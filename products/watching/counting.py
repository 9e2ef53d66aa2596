"""Counts what the requests of this process did."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from django.db import DEFAULT_DB_ALIAS, connections
from prometheus_client import Histogram

from products.watching import metrics
from products.watching.records import Answered, Searched
from vectorshop.db.entra.tokens import seconds_left

# What the metrics call the states of a pool, and what psycopg calls them.
POOL_STATES = {
    "size": "pool_size",
    "available": "pool_available",
    "waiting": "requests_waiting",
}


def count(requests: Iterable[Answered]) -> None:
    """Count some requests and their searches, and look at the state of the process."""
    for request in requests:
        counted(request.route, f"{request.status // 100}xx").inc()
        for searched in request.searches:
            count_search(searched)
        if request.searches:
            last = request.searches[-1]
            rendering = stage_of("rendering", last.mode, last.plan)
            rendering.observe(request.ended - last.ended)
        if request.cached or request.made:
            embeddings_from("cache").inc(request.cached)
            embeddings_from("model").inc(request.made)
    count_process()


def count_search(searched: Searched) -> None:
    """Count a search, and the time of its parts."""
    mode, plan = searched.mode, searched.plan
    outcomes(mode, "yes" if searched.filtered else "no", outcome_of(searched)).inc()
    seconds_of(mode, plan).observe(searched.seconds)
    stage_of("sql", mode, plan).observe(searched.sql_ms / 1000)
    if searched.embedding_ms:
        stage_of("embedding", mode, plan).observe(searched.embedding_ms / 1000)
    found(mode).observe(searched.found)


def outcome_of(searched: Searched) -> str:
    """Return what came of a search, as one of three words."""
    if searched.found:
        return "found"
    return "below_floor" if searched.far else "nothing"


def count_process() -> None:
    """Read the state of this process's pool and token."""
    if DEFAULT_DB_ALIAS in connections and (
        pool := getattr(connections[DEFAULT_DB_ALIAS], "pool", None)
    ):
        stats = pool.get_stats()
        for state, name in POOL_STATES.items():
            metrics.pool.labels(state).set(stats.get(name, 0))
    if (left := seconds_left()) is not None:
        metrics.token_seconds.labels("database").set(left)


# prometheus_client looks a label's values up under a lock each time; few are used.
counted = cache(metrics.responses.labels)
outcomes = cache(metrics.searches.labels)
seconds_of = cache(metrics.search_seconds.labels)
found = cache(metrics.results.labels)
embeddings_from = cache(metrics.query_embeddings.labels)


@cache
def stage_of(stage: str, mode: str, plan: str) -> Histogram:
    """Return the histogram of a part of a search."""
    return metrics.stage_seconds.labels(stage, mode, plan)
