"""Counts what searches and pages of this process do."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextvars import ContextVar
from functools import cache
from typing import Any, NamedTuple

from django.db import DEFAULT_DB_ALIAS, connections
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from prometheus_client import Histogram

from products.search import Results
from products.search.question import Question
from products.search.signals import embedded, searched
from products.watching import metrics
from vectorshop.db.entra.tokens import seconds_left

PROCESS_SECONDS = 1.0  # so often the state of the process is read

# What the metrics call the states of a pool, and what psycopg calls them.
POOL_STATES = {
    "size": "pool_size",
    "available": "pool_available",
    "waiting": "requests_waiting",
}


class Answered(NamedTuple):
    """When the last search of this request was answered, and how it was asked."""

    at: float
    mode: str
    plan: str


last: ContextVar[Answered | None] = ContextVar("last", default=None)


class RecordingMiddleware:
    """Counts each answer. It stands around the whole shop."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response
        self.read_at = 0.0
        searched.connect(record_search, dispatch_uid="metrics")
        embedded.connect(record_embedding, dispatch_uid="metrics")

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        last.set(None)
        response = self.get_response(request)
        now = time.perf_counter()
        if answered := last.get():
            stage = stage_of("rendering", answered.mode, answered.plan)
            stage.observe(now - answered.at)
        counted(route_of(request), f"{response.status_code // 100}xx").inc()
        if now - self.read_at > PROCESS_SECONDS:
            self.read_at = now
            record_process()
        return response


def route_of(request: HttpRequest) -> str:
    """Return the name of the address that was asked for, "none" for one unknown."""
    match = request.resolver_match
    return (match.view_name if match else "") or "none"


def record_search(
    *, question: Question, results: Results, seconds: float, **kwargs: Any
) -> None:
    """Count a search, and the time of its parts."""
    mode, plan, log = results.mode, results.plan.method, results.log
    filtered = "yes" if question.filters else "no"
    outcomes(mode, filtered, outcome_of(results)).inc()
    seconds_of(mode, plan).observe(seconds)
    stage_of("sql", mode, plan).observe(log.sql_ms / 1000)
    if log.embedding_ms:
        stage_of("embedding", mode, plan).observe(log.embedding_ms / 1000)
    found(mode).observe(results.total)
    last.set(Answered(time.perf_counter(), mode, plan))


def outcome_of(results: Results) -> str:
    """Return what came of a search, as one of three words."""
    if results.total:
        return "found"
    return "below_floor" if results.far else "nothing"


def record_embedding(*, cached: int, made: int, queries: bool, **kwargs: Any) -> None:
    """Count the vectors of queries, by where they came from."""
    if queries:
        source("cache").inc(cached)
        source("model").inc(made)


def record_process() -> None:
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
source = cache(metrics.query_embeddings.labels)


@cache
def stage_of(stage: str, mode: str, plan: str) -> Histogram:
    """Return the histogram of a part of a search."""
    return metrics.stage_seconds.labels(stage, mode, plan)
