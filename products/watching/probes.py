"""The addresses that a load balancer or a container's supervisor asks.

They are answered before anything else of the shop: without session, cookie or database,
by whatever host name and protocol a probe uses.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from django.conf import settings
from django.contrib.auth import get_user
from django.db import Error
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.http.response import HttpResponseBase

from products.watching.health import health

LIVE = "/health/live"
READY = "/health/ready"
METHODS = ("GET", "HEAD")


class ProbeMiddleware:
    """Answers the probes. It stands before all others."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path_info not in (LIVE, READY):
            return self.get_response(request)
        if request.method not in METHODS:
            return HttpResponseNotAllowed(METHODS)
        return plain("live") if request.path_info == LIVE else ready(request)


def ready(request: HttpRequest) -> HttpResponse:
    """Return 200 if the shop can serve pages, else 503; the staff sees the reasons."""
    found = health()
    lines = ["ready" if found.ready else "not ready"]
    if is_staff(request):
        lines += found.lines()
    return plain("\n".join(lines), status=200 if found.ready else 503)


def plain(text: str, *, status: int = 200) -> HttpResponse:
    """Return a text that nobody may keep."""
    return HttpResponse(
        f"{text}\n",
        status=status,
        content_type="text/plain; charset=utf-8",
        headers={"Cache-Control": "no-store"},
    )


def is_staff(request: HttpRequest) -> bool:
    """Return whether somebody of the staff asks, as far as the database can say so.

    A probe has no cookie, so nothing is read for it.
    """
    key = request.COOKIES.get(settings.SESSION_COOKIE_NAME)
    if not key:
        return False
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(key)
    try:
        return get_user(request).is_staff
    except Error:
        return False
