"""Answers below /api/ that are no operations: the page about it, and what is not there."""

from __future__ import annotations

from functools import cache

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import get_script_prefix
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from products.api.openapi import Call, calls
from products.api.v1 import api
from vectorshop.problems import problem


@require_safe
def docs(request: HttpRequest) -> HttpResponse:
    """Return the page that describes the API, and on which it can be tried."""
    return render(request, "api/docs.html", {"calls": described(get_script_prefix())})


@cache
def described(prefix: str) -> list[Call]:
    """Return what can be called below the *prefix* in force."""
    return list(calls(api.get_openapi_schema()))


@csrf_exempt
def unknown(request: HttpRequest) -> HttpResponse:
    """Return that there is nothing at an address below /api/."""
    return problem(404, f"There is no {request.path}. /api/docs lists what there is.")
