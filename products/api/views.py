"""Answers below /api/ that are no operations: the page about it, and what is not there."""

from __future__ import annotations

import json
from functools import cache, lru_cache

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import get_script_prefix
from django.views.decorators.cache import cache_control
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import conditional_page, require_safe

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


@require_safe
@gzip_page
@conditional_page
@cache_control(no_cache=True)
def document(request: HttpRequest) -> HttpResponse:
    """Return the OpenAPI document; 304 where the client has the same one."""
    return HttpResponse(written(get_script_prefix()), content_type="application/json")


@lru_cache(maxsize=32)
def written(prefix: str) -> bytes:
    """Return the OpenAPI document below the *prefix* in force."""
    return json.dumps(api.get_openapi_schema()).encode()


@csrf_exempt
def unknown(request: HttpRequest) -> HttpResponse:
    """Return that there is nothing at an address below /api/."""
    return problem(404, f"There is no {request.path}. /api/docs lists what there is.")
