"""What a browser says of the wishes of whoever sits before it."""

from __future__ import annotations

from django.http import HttpRequest


def refuses_tracking(request: HttpRequest) -> bool:
    """Return whether a browser says that its user does not want to be tracked."""
    return "1" in (request.headers.get("DNT"), request.headers.get("Sec-GPC"))
