"""Views whose modules are imported with the first request."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any

from django.http import HttpResponse
from django.utils.module_loading import import_string


def lazy_view(name: str) -> Callable[..., HttpResponse]:
    """Return the view of this name in a module of products.

    Every command checks the addresses; to import what search, imports and reports need
    would cost each of them 45 ms.
    """
    find = cache(partial(import_string, f"products.{name}"))

    def view(*args: Any, **kwargs: Any) -> HttpResponse:
        response: HttpResponse = find()(*args, **kwargs)
        return response

    return view
