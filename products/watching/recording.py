"""Records what each request did: its searches, its answer, and how long they took.

While a visitor waits, what happened is only noted. Once a second a thread counts it and
writes the lines: many in a row take half the time that each takes among other work.
"""

from __future__ import annotations

import secrets
import sys
import time
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.signals import got_request_exception
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from products.search import Results
from products.search.question import Question
from products.search.signals import embedded, searched
from products.watching.counting import count
from products.watching.records import Answered, Searched, current
from products.watching.request_lines import write_lines
from vectorshop.batches import Batches
from vectorshop.logs import request_id

HEADER = "X-Request-ID"


class Recorder(Batches[Answered]):
    """Has requests counted and written, as the settings ask for."""

    name = "recorder"

    def handle(self, batch: list[Answered]) -> None:
        if settings.METRICS_ADDRESS:
            count(batch)
        if settings.LOG_FORMAT == "json":
            write_lines(batch)


recorder = Recorder()


class RecordingMiddleware:
    """Records each request. It stands around the whole shop, but for the probes."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response
        searched.connect(record_search, dispatch_uid="recording")
        embedded.connect(record_embedding, dispatch_uid="recording")
        got_request_exception.connect(record_error, dispatch_uid="recording")

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        answered = Answered(
            secrets.token_hex(16), request.method or "", time.perf_counter()
        )
        current.set(answered)
        request_id.set(answered.id)
        response = self.get_response(request)
        response.headers[HEADER] = answered.id
        answered.ended, answered.at = time.perf_counter(), time.time()
        answered.status = response.status_code
        answered.match = request.resolver_match
        current.set(None)
        request_id.set("")
        recorder.put(answered)
        return response


def record_search(
    *, question: Question, results: Results, seconds: float, **kwargs: Any
) -> None:
    """Record a search of the request."""
    if (answered := current.get()) is None:
        return
    text = ""
    if settings.LOG_QUERIES and question.text:
        text = question.operators.written_into(question.text)
    answered.searches.append(
        Searched(
            mode=results.mode,
            plan=results.plan.method,
            filtered=bool(question.filters),
            found=results.total,
            far=bool(results.far),
            seconds=seconds,
            embedding_ms=results.log.embedding_ms,
            sql_ms=results.log.sql_ms,
            text=text,
            ended=time.perf_counter(),
        )
    )


def record_embedding(*, cached: int, made: int, queries: bool, **kwargs: Any) -> None:
    """Record where the vectors of queries came from."""
    if queries and (answered := current.get()):
        answered.cached += cached
        answered.made += made


def record_error(**kwargs: Any) -> None:
    """Record the exception that a request fails with."""
    if answered := current.get():
        answered.error = sys.exception()
