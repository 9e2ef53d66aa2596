"""The page for an address that was asked in a way it does not answer, such as by GET."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.template.loader import render_to_string

from vectorshop.problems import is_by_program, problem

GetResponse = Callable[[HttpRequest], HttpResponse]


def explain_not_allowed(get_response: GetResponse) -> GetResponse:
    """Return a middleware that fills the empty answers with status 405.

    Every view that takes some methods only gives such an answer, Django's own as well.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if not isinstance(response, HttpResponseNotAllowed):
            return response
        if is_by_program(request):
            return not_taken(request, response.headers["Allow"])
        if not response.content:
            takes_forms = "POST" in response.headers["Allow"]
            context = {"takes_forms": takes_forms and request.method != "POST"}
            response.content = render_to_string("405.html", context, request)
        return response

    return middleware


def not_taken(request: HttpRequest, allowed: str) -> HttpResponse:
    """Return the problem of a method that an address for programs does not take."""
    allowed = ", ".join(sorted(allowed.split(", ")))
    detail = f"This address takes {allowed}, not {request.method}."
    return problem(405, detail, headers={"Allow": allowed})
