"""How often a log-in may fail, and what a visitor sees who failed too often.

django-axes counts the failures in the database, so that all workers share them, for
the shop's log-in and the admin's. It refuses a name at an address after
AXES_FAILURE_LIMIT failures, for AXES_COOLOFF_TIME: nobody can lock out a colleague from
elsewhere, and one who forgot a password does not lock out an office. This module adds
a limit for whoever tries many names.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any

from axes.attempts import get_cool_off_threshold
from axes.handlers.database import AxesDatabaseHandler
from axes.models import AccessAttempt
from django.conf import settings
from django.db.models import Sum
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

# No office fails as often within AXES_COOLOFF_TIME. Each failure takes a worker some
# tenths of a second, because hashing a password is slow on purpose.
ADDRESS_LIMIT = 100
# A provider gives a household so many bits of an IPv6 address, and a visitor any number
# of addresses below them.
IPV6_BITS = 64
MAX_NAME = 255
# 192.0.2.7:4711 or [2001:db8::7]:4711
WITH_PORT = re.compile(r"^(?:([0-9.]+)|\[(.+)\])(?::[0-9]+)?$")


class LogInHandler(AxesDatabaseHandler):  # type: ignore[misc]
    """Refuses a name at an address, and an address at which many names failed."""

    def is_locked(
        self, request: HttpRequest, credentials: dict[str, Any] | None = None
    ) -> bool:
        """Return whether this log-in is refused before the password is looked at."""
        locked: bool = super().is_locked(request, credentials)
        return locked or failures_at(client_address(request), request) >= ADDRESS_LIMIT


def failures_at(address: str | None, request: HttpRequest) -> int:
    """Return how many log-ins failed at an address within the time that counts."""
    if address is None:
        return 0
    attempts = AccessAttempt.objects.filter(
        ip_address=address, attempt_time__gte=get_cool_off_threshold(request)
    )
    count: int | None = attempts.aggregate(n=Sum("failures_since_start"))["n"]
    return count or 0


def client_address(request: HttpRequest) -> str | None:
    """Return the address of the visitor, None where it is not known.

    Behind a proxy it is the last one of X-Forwarded-For, which the proxy wrote itself;
    a visitor can make up those before it. IPv6 addresses of one household are one.
    """
    if settings.BEHIND_PROXY:
        return address_in(request.headers.get("X-Forwarded-For", "").rpartition(",")[2])
    return connected_address(request)


def connected_address(request: HttpRequest) -> str | None:
    """Return the address that a connection comes from, None for that of a socket."""
    return address_in(request.META.get("REMOTE_ADDR", ""))


def address_in(text: str) -> str | None:
    """Return the address in a text, that of the household for IPv6, None without one."""
    address = parsed(text.strip())
    if isinstance(address, IPv6Address):
        network = ip_network((address, IPV6_BITS), strict=False)
        address = address.ipv4_mapped or network.network_address
    return str(address) if address else None


def name_tried(
    request: HttpRequest, credentials: dict[str, Any] | None = None
) -> str | None:
    """Return the name to count a failure for, as far as the table has room for it.

    No user has a name as long, but a visitor may type one.
    """
    name = (credentials or request.POST).get("username")
    return name[:MAX_NAME] if isinstance(name, str) else None


def parsed(text: str) -> IPv4Address | IPv6Address | None:
    """Return the IP address in a text, None without one. Some proxies add a port."""
    for candidate in (text, WITH_PORT.sub(r"\1\2", text)):
        try:
            return ip_address(candidate)
        except ValueError:
            continue
    return None


def locked_out(
    request: HttpRequest, response: HttpResponse, credentials: Any
) -> HttpResponse:
    """Return the page for a log-in that is refused because others failed."""
    wait = settings.AXES_COOLOFF_TIME
    return HttpResponse(
        render_to_string("429.html", {"minutes": int(wait.total_seconds() // 60)}),
        status=429,
        headers={"Retry-After": str(int(wait.total_seconds()))},
    )
