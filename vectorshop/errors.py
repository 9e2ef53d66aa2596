"""What a visitor sees when the server fails: 503 without a database, else 500."""

from __future__ import annotations

import sys

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.views.defaults import server_error

RETRY_AFTER_SECONDS = 30


def failed(request: HttpRequest) -> HttpResponse:
    """Return the page for an exception that nothing else handled.

    Django calls this while the exception is handled, wherever it was raised: in a
    view, a template, or the middleware that reads the session. It is logged already.
    """
    if isinstance(sys.exc_info()[1], OperationalError | InterfaceError):
        return HttpResponse(
            render_to_string("503.html"),
            status=503,
            headers={"Retry-After": str(RETRY_AFTER_SECONDS)},
        )
    return server_error(request)
