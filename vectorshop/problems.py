"""The failures of what programs ask, as problem documents: RFC 9457.

Pages are for people, so their failures are pages; those of addresses for programs are
JSON, wherever they happen: in an operation, in the addresses or in a middleware. What
the protocol of an agent says of an error comes from its own views; MCP wants no message
of JSON-RPC where the server takes no message at all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse

# The JSON API, and what agents ask.
FOR_PROGRAMS = ("/api/", "/ucp/", "/mcp", "/.well-known/ucp")
MEDIA_TYPE = "application/problem+json"
# The type of a problem that its status says all about, as RFC 9457 has it.
PLAIN = "about:blank"


def is_by_program(request: HttpRequest) -> bool:
    """Return whether a request asks for JSON, and not for a page."""
    return request.path_info.startswith(FOR_PROGRAMS)


def problem(
    status: int,
    detail: str,
    *,
    type: str = PLAIN,
    title: str = "",
    errors: Sequence[Mapping[str, Any]] = (),
    headers: Mapping[str, str] | None = None,
) -> HttpResponse:
    """Return a problem document.

    detail: what is wrong here and what to do next. title: the same for all problems of
    a type, by default the words of the status. errors: what is wrong with each value.
    """
    body: dict[str, Any] = {
        "type": type,
        "title": title or HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
    }
    if errors:
        body["errors"] = [*errors]
    return JsonResponse(body, status=status, content_type=MEDIA_TYPE, headers=headers)
