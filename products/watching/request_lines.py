"""One line in the log for each request: which, with what outcome, and what took how long.

The address is told by its pattern, so that nothing a visitor typed is in the line; the
text of a search only where LOG_QUERIES allows it.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, NamedTuple

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django_structlog.middlewares import RequestMiddleware
from django_structlog.signals import (
    bind_extra_request_failed_metadata,
    bind_extra_request_finished_metadata,
)
from structlog.contextvars import bind_contextvars

from products.search import Results
from products.search.question import Question
from products.search.signals import searched
from vectorshop.logs import configure

HEADER = "X-Request-ID"


class Begun(NamedTuple):
    """A request: its id, and when it began by time.perf_counter()."""

    id: str
    at: float


current: ContextVar[Begun] = ContextVar("current")


class RequestLineMiddleware(RequestMiddleware):
    """Writes the line, and gives the answer the id that the line has."""

    def __init__(self, get_response: Callable[..., Any]) -> None:
        super().__init__(get_response)
        configure()
        searched.connect(add_search, dispatch_uid="request_lines")
        for sent in (
            bind_extra_request_finished_metadata,
            bind_extra_request_failed_metadata,
        ):
            sent.connect(complete, dispatch_uid="request_lines")

    def prepare(self, request: HttpRequest) -> None:
        """Give the request an id, without a line that says that it began."""
        begun = Begun(str(uuid.uuid4()), time.perf_counter())
        current.set(begun)
        bind_contextvars(request_id=begun.id)

    def handle_response(self, request: HttpRequest, response: HttpResponseBase) -> None:
        response.headers[HEADER] = current.get().id
        super().handle_response(request, response)  # type: ignore[arg-type]

    @staticmethod
    def format_request(request: HttpRequest) -> str:
        """Return the method and the pattern of the address."""
        match = request.resolver_match
        return f"{request.method} /{match.route}" if match else f"{request.method} -"


def complete(*, log_kwargs: dict[str, Any], **kwargs: Any) -> None:
    """Add how many milliseconds the request took, and name the rest as the docs do."""
    log_kwargs["route"] = log_kwargs.pop("request")
    log_kwargs["status"] = log_kwargs.pop("code")
    log_kwargs["ms"] = milliseconds(time.perf_counter() - current.get().at)


def add_search(
    *, question: Question, results: Results, seconds: float, **kwargs: Any
) -> None:
    """Add what the last search of the request did."""
    line: dict[str, Any] = {
        "mode": results.mode,
        "plan": results.plan.method,
        "filtered": bool(question.filters),
        "found": results.total,
        "ms": milliseconds(seconds),
        "embedding_ms": round(results.log.embedding_ms, 1),
        "sql_ms": round(results.log.sql_ms, 1),
    }
    if settings.LOG_QUERIES and question.text:
        line["query"] = question.operators.written_into(question.text)
    bind_contextvars(search=line)


def milliseconds(seconds: float) -> float:
    """Return milliseconds with one decimal."""
    return round(seconds * 1000, 1)
