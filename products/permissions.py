"""Who may write: everybody in the open demo, elsewhere users with the permission.

Whoever may add products may not therefore change those of others.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, cast

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

PERMISSION = "products.add_product"
CHANGE = "products.change_product"
DELETE = "products.delete_product"
P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponse]


def may_write(request: HttpRequest) -> bool:
    """Return whether this visitor may add products."""
    return settings.OPEN_CATALOG or request.user.has_perm(PERMISSION)


def may_change(request: HttpRequest) -> bool:
    """Return whether this visitor may give products that are there other values."""
    return settings.OPEN_CATALOG or request.user.has_perm(CHANGE)


def may_delete(request: HttpRequest) -> bool:
    """Return whether this visitor may remove products."""
    return settings.OPEN_CATALOG or request.user.has_perm(DELETE)


def page_of(request: HttpRequest) -> str:
    """Return the address to come back to after signing in.

    Many addresses that take a form have no page, so that it is the page with the form.
    The log-in refuses addresses of other sites.
    """
    if request.method in ("GET", "HEAD"):
        return request.get_full_path()
    return request.headers.get("Referer") or reverse("products:list")


def writer_required(view: View[P]) -> View[P]:
    """Return *view* for those who may write; others sign in, or get a 403."""
    reason = "Adding products needs the permission add_product."
    return required(view, may_write, reason)


def deleter_required(view: View[P]) -> View[P]:
    """Return *view* for those who may remove products; others sign in, or get a 403."""
    reason = "Removing products needs the permission delete_product."
    return required(view, may_delete, reason)


def required(view: View[P], may: Callable[[HttpRequest], bool], reason: str) -> View[P]:
    """Return *view* for those who may; others sign in, or get a 403 for a reason."""

    @wraps(view)
    def guarded(
        request: HttpRequest, *args: P.args, **kwargs: P.kwargs
    ) -> HttpResponse:
        if may(request):
            return view(request, *args, **kwargs)
        if not request.user.is_authenticated:
            return redirect_to_login(page_of(request))
        raise PermissionDenied(reason)

    return cast("View[P]", guarded)


def staff_required(view: View[P]) -> View[P]:
    """Return *view* for the staff; others sign in, or get a 403."""

    @wraps(view)
    def guarded(
        request: HttpRequest, *args: P.args, **kwargs: P.kwargs
    ) -> HttpResponse:
        if request.user.is_staff:
            return view(request, *args, **kwargs)
        if not request.user.is_authenticated:
            return redirect_to_login(page_of(request), "admin:login")
        raise PermissionDenied("This page is for the staff.")

    return cast("View[P]", guarded)
