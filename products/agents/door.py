"""Lets the requests of agents in: so many, bounded, as JSON, without cookies.

Every request of an agent but that for the profile passes let_in().
"""

from __future__ import annotations

import json
from typing import Any

from django.http import HttpRequest

from products.agents.refusals import Refusal
from products.api.limits import Limit
from products.currency import shop_currency

MAX_BODY = 64 * 1024  # bytes
# How deep objects and arrays may stand in one another; the deepest question has four.
MAX_DEPTH = 20


def let_in(request: HttpRequest) -> Any:
    """Return the JSON of a request.

    Raises Refusal for what is no JSON, too large, or too much within a minute.
    """
    check_offered()
    check_limit(request)
    if request.content_type != "application/json":
        raise Refusal(
            "unsupported_media_type",
            "Send JSON, with the header Content-Type: application/json.",
            415,
        )
    # One byte more shows that there is more; no more of it is read.
    body = request.read(MAX_BODY + 1)
    if len(body) > MAX_BODY:
        raise Refusal(
            "request_too_large", f"A request has at most {MAX_BODY:,} bytes.", 413
        )
    return parsed(body)


def check_offered() -> None:
    """Raise Refusal where the shop has no prices to tell: their currency is not known."""
    if not shop_currency():
        raise Refusal(
            "not_offered",
            "This shop offers its catalogue to no agent: it does not say in which "
            "currency its prices are.",
            404,
        )


def check_limit(request: HttpRequest) -> None:
    """Raise Refusal for an address that has asked for too much within a minute."""
    limit = Limit()
    if limit.allow_request(request):
        return
    seconds = limit.wait()
    raise Refusal(
        "rate_limited",
        f"Too much was asked for from this address. Ask again in {seconds} seconds.",
        429,
        retry_after=seconds,
    )


def parsed(body: bytes) -> Any:
    """Return what JSON says. Raises Refusal for anything else."""
    try:
        data = json.loads(body, parse_constant=refused_constant)
    except (ValueError, RecursionError) as err:
        raise Refusal("invalid_json", "The body is not JSON. Send one object.") from err
    if is_deeper(data, MAX_DEPTH):
        raise Refusal("invalid_json", f"The JSON nests deeper than {MAX_DEPTH} levels.")
    return data


def refused_constant(name: str) -> None:
    """Raise ValueError: NaN and Infinity are no JSON."""
    raise ValueError(name)


def is_deeper(data: Any, levels: int) -> bool:
    """Return whether objects and arrays nest deeper than so many levels."""
    if not isinstance(data, dict | list):
        return False
    inner = data.values() if isinstance(data, dict) else data
    return levels == 0 or any(is_deeper(item, levels - 1) for item in inner)
