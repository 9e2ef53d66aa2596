"""Answers below /api/ that are no operations."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from vectorshop.problems import problem


@csrf_exempt
def unknown(request: HttpRequest) -> HttpResponse:
    """Return that there is nothing at an address below /api/."""
    return problem(404, f"There is no {request.path}. See /api/v1/openapi.json.")
