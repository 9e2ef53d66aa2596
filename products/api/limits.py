"""How much may be asked for: by a key, or by an address that brings none.

The API and the agents, who bring no key, have the limits in common.

ninja counts in Django's cache, which each process has for itself without CACHE_URL. A
request counts as one, a text that has to be embedded as COLD. Each answer says how much
is left, in the fields of the IETF's draft "RateLimit header fields for HTTP".
"""

from __future__ import annotations

import math
from collections.abc import Callable
from contextvars import ContextVar
from functools import wraps
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from ninja.throttling import BaseThrottle, SimpleRateThrottle

from products.api_keys import ApiKey
from products.search.query_vector import noting_embedded
from vectorshop.logins import client_address, connected_address

Run = Callable[..., HttpResponseBase]

# The model takes as long for a text as the shop for some answers without it.
COLD = 5
MINUTE = 60  # seconds


class Window(SimpleRateThrottle):
    """What a key or an address has asked for within the last minute.

    Of one request: ninja keeps a throttle for all threads of a process, and this one
    keeps in itself what it counts.
    """

    def __init__(self, policy: str, ident: str, most: int) -> None:
        super().__init__(f"{most}/min")
        self.policy = policy
        self.most = most
        self.name = f"api-{policy}-{ident}"
        self.history: list[float] = []  # the newest first

    def get_cache_key(self, request: HttpRequest) -> str:
        return self.name

    def is_full(self) -> bool:
        """Return whether no request more is taken; none is counted."""
        self.now = self.timer()  # type: ignore[misc]  # a builtin is not bound
        counted = self.cache.get(self.name, [])
        self.history = [at for at in counted if at > self.now - MINUTE]
        return len(self.history) >= self.most

    def charge(self, units: int) -> None:
        """Count so many requests more than the one."""
        self.history = [self.now] * units + self.cache.get(self.name, [])
        self.cache.set(self.name, self.history, self.duration)

    def seconds_until(self, length: int) -> int:
        """Return in how many seconds no more than *length* of what is counted count."""
        if len(self.history) <= length:
            return 0
        return math.ceil(self.history[length] + MINUTE - self.now)

    def wait(self) -> int:
        """Return in how many seconds one request more is taken."""
        return self.seconds_until(self.most - 1)

    def headers(self) -> dict[str, str]:
        """Return the limit, and what is left of it until the oldest request is over."""
        left = max(0, self.most - len(self.history))
        seconds = self.seconds_until(len(self.history) - 1)
        return {
            "RateLimit-Policy": f'"{self.policy}";q={self.most};w={MINUTE}',
            "RateLimit": f'"{self.policy}";r={left};t={seconds}',
        }


_window: ContextVar[Window | None] = ContextVar("window", default=None)


def window_of(request: HttpRequest) -> Window | None:
    """Return what counts a request, None where nothing limits it."""
    key = getattr(request, "auth", None)
    if isinstance(key, ApiKey):
        return limited("key", str(key.pk), settings.API_RATE_KEY)
    return limited("address", counted_address(request), settings.API_RATE_ADDRESS)


def counted_address(request: HttpRequest) -> str:
    """Return whom to count a request for that brings no key.

    All whose address is not known are counted together: by a proxy that names no
    visitor, or through a socket. Otherwise nothing would limit them.
    """
    return client_address(request) or connected_address(request) or "unknown"


def wrong_keys(request: HttpRequest) -> Window | None:
    """Return what counts the wrong keys that an address sends, None without a limit."""
    return limited("wrong-key", counted_address(request), settings.API_RATE_ADDRESS)


def limited(policy: str, ident: str, most: int) -> Window | None:
    """Return the window of a key or an address, None where there is no limit."""
    return Window(policy, ident, most) if most else None


class Limit(BaseThrottle):
    """Refuses a request of a key or an address that has asked for too much."""

    def allow_request(self, request: HttpRequest) -> bool:
        """Return whether the request is taken; it counts if it is."""
        window = window_of(request)
        _window.set(window)
        return window is None or window.allow_request(request)

    def wait(self) -> int | None:
        """Return in how many seconds to ask again, after a request was refused."""
        window = _window.get()
        return window.wait() if window else None


def charge(units: int) -> None:
    """Let the request at hand count as so many more."""
    window = _window.get()
    if window and units:
        window.charge(units)


def with_limits(run: Run) -> Run:
    """Return an operation whose cold texts count, and that says how much is left."""

    @wraps(run)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        token = _window.set(None)
        try:
            with noting_embedded() as texts:
                response = run(request, *args, **kwargs)
            charge((COLD - 1) * len(texts))
            window = _window.get()
            for name, value in (window.headers() if window else {}).items():
                response.headers[name] = value
            return response
        finally:
            _window.reset(token)

    return answer
