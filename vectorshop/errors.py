"""The pages of failures: 400, 404, 500, and 503 and 504 for the database.

Programs get problem documents in their place.

All but that for 404 are made without the request. Django's own views for them read its form again,
which may be what failed.
"""

from __future__ import annotations

import sys

from django.core.exceptions import BadRequest, RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.views.defaults import page_not_found

from vectorshop.db.limits import is_full, is_locked_out, is_too_slow
from vectorshop.problems import is_by_program, problem

RETRY_AFTER_SECONDS = 30


def unreadable(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Return the page for a request that cannot be read."""
    if is_by_program(request):
        return unreadable_problem(exception)
    return HttpResponse(render_to_string("400.html"), status=400)


def missing(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Return the page for an address at which there is nothing."""
    if is_by_program(request):
        return problem(404, f"There is nothing at {request.path}.")
    return page_not_found(request, exception)


def failed(request: HttpRequest) -> HttpResponse:
    """Return the page for an exception that nothing else handled.

    Django logs the exception and calls this while it is handled. It may come from a
    view, a template, or the middleware that reads the session.
    """
    error = sys.exc_info()[1]
    if is_by_program(request):
        return failed_problem(error)
    if not isinstance(error, OperationalError | InterfaceError):
        return HttpResponse(render_to_string("500.html"), status=500)
    if is_too_slow(error.__cause__):
        return HttpResponse(render_to_string("504.html"), status=504)
    return HttpResponse(
        render_to_string(template_for(error)),
        status=503,
        headers={"Retry-After": str(RETRY_AFTER_SECONDS)},
    )


def unreadable_problem(exception: Exception) -> HttpResponse:
    """Return the problem of a request that cannot be read."""
    if isinstance(exception, RequestDataTooBig):
        return problem(413, "The body is too long. Send it in smaller parts.")
    # Django's own words are for the operator.
    why = str(exception) if isinstance(exception, BadRequest) else ""
    return problem(400, f"The request cannot be read. {why}".strip())


def failed_problem(error: BaseException | None) -> HttpResponse:
    """Return the problem of an exception that nothing else handled."""
    if not isinstance(error, OperationalError | InterfaceError):
        detail = "The shop failed to answer. Its log says why. Tell its operators."
        return problem(500, detail)
    if is_too_slow(error.__cause__):
        return problem(504, "The database took too long. Ask for less.")
    return problem(
        503,
        f"The database {why_unavailable(error)}. Ask again later.",
        headers={"Retry-After": str(RETRY_AFTER_SECONDS)},
    )


def why_unavailable(error: Exception) -> str:
    """Return what kept the database from serving a request."""
    if is_full(error):
        return "serves as many as it can"
    is_locked = is_locked_out(error.__cause__)
    return "waited too long for others" if is_locked else "cannot be reached"


def template_for(error: Exception) -> str:
    """Return the page that says why the database did not serve a request."""
    if is_full(error):
        return "503_full.html"
    return "503_locked.html" if is_locked_out(error.__cause__) else "503.html"
