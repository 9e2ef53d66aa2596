"""The pages of failures: 503 without a database, 500 for everything else."""

from __future__ import annotations

import sys

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.views.defaults import server_error

RETRY_AFTER_SECONDS = 30


def failed(request: HttpRequest) -> HttpResponse:
    """Return the page for an exception that nothing else handled.

    Django logs the exception and calls this while it is handled. It may come from a
    view, a template, or the middleware that reads the session.
    """
    if isinstance(sys.exc_info()[1], OperationalError | InterfaceError):
        return HttpResponse(
            render_to_string("503.html"),
            status=503,
            headers={"Retry-After": str(RETRY_AFTER_SECONDS)},
        )
    return server_error(request)
