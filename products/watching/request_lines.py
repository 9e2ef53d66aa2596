"""One line in the log for each request: which, with what outcome, and what took how long.

The address is told by its pattern, so that nothing a visitor typed is in the line; the
text of a search only where LOG_QUERIES allows it.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from products.watching.records import Answered, Searched
from vectorshop.logs import request_logger

# What several processes write into one pipe is not mixed up to so many bytes, see pipe(7).
PIPE_BYTES = 4096

logger = request_logger()


def write_lines(requests: Iterable[Answered]) -> None:
    """Write the lines of some requests to the standard error stream."""
    for text in together(map(line_of, requests)):
        sys.stderr.write(text)
        sys.stderr.flush()


def together(lines: Iterable[str]) -> Iterator[str]:
    """Yield lines as few texts, none longer than a pipe takes at once, if no line is."""
    text, size = "", 0
    for line in lines:
        length = len(line.encode()) + 1
        if size and size + length > PIPE_BYTES:
            yield text
            text, size = "", 0
        text, size = f"{text}{line}\n", size + length
    if text:
        yield text


def line_of(request: Answered) -> str:
    """Return the line of a request."""
    event = "request_failed" if request.error else "request_finished"
    line: str = logger.log(level_of(request.status), event, **told(request))
    return line


def level_of(status: int) -> int:
    """Return how grave an answer is: an error for a fault of the shop."""
    if status >= 500:
        return logging.ERROR
    return logging.WARNING if status >= 400 else logging.INFO


def told(request: Answered) -> dict[str, Any]:
    """Return what is told of a request."""
    match = request.match
    fields: dict[str, Any] = {
        "route": f"{request.method} /{match.route}" if match else f"{request.method} -",
        "status": request.status,
        "ms": round((request.ended - request.began) * 1000, 1),
        "request_id": request.id,
        "timestamp": f"{datetime.fromtimestamp(request.at, UTC):%Y-%m-%dT%H:%M:%S.%fZ}",
    }
    if request.searches:
        fields["search"] = search_of(request.searches[-1])
    if request.error:
        fields["exc_info"] = request.error
    return fields


def search_of(searched: Searched) -> dict[str, Any]:
    """Return what is told of the last search of a request."""
    fields: dict[str, Any] = {
        "mode": searched.mode,
        "plan": searched.plan,
        "filtered": searched.filtered,
        "found": searched.found,
        "ms": round(searched.seconds * 1000, 1),
        "embedding_ms": round(searched.embedding_ms, 1),
        "sql_ms": round(searched.sql_ms, 1),
    }
    if searched.text:
        fields["query"] = searched.text
    return fields
