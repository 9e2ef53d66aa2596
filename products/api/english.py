"""The API speaks English, whatever language a browser asks for."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import translation

Run = Callable[..., HttpResponseBase]


def in_english(run: Run) -> Run:
    """Return an operation whose messages are in English."""

    @wraps(run)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        with translation.override("en"):
            response = run(request, *args, **kwargs)
        response.headers["Content-Language"] = "en"
        return response

    return answer
