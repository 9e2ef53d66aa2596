"""Where a visitor goes after a form that has no page of its own."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponseRedirect
from django.utils.http import url_has_allowed_host_and_scheme


def go_on(request: HttpRequest, default: str) -> HttpResponseRedirect:
    """Return the way back to the page that the form names in `next`, or to another."""
    return HttpResponseRedirect(next_page(request, default))


def next_page(request: HttpRequest, default: str) -> str:
    """Return the address that the form names in `next`, or *default*.

    Addresses of other sites are not followed.
    """
    address = request.POST.get("next", "")
    is_here = url_has_allowed_host_and_scheme(address, allowed_hosts=None)
    is_page = is_here and address.startswith("/")
    return address if is_page else default
