"""Who may do what by the API.

Reading is open, as the shop's pages are. Whoever is signed in to the shop may have a
search explained with Django's permission to. A session changes nothing by the API: a
browser sends its cookie along with the requests of any site.
"""

from __future__ import annotations

from enum import StrEnum

from django.http import HttpRequest

from products.api.problems import Problem

READS = ["GET", "HEAD"]


class Scope(StrEnum):
    """What needs more than an address; each with the permission of a user."""

    EXPLAIN = "explain"
    WRITE = "write"


PERMISSIONS = {
    Scope.EXPLAIN: ("products.view_product",),
    Scope.WRITE: (
        "products.add_product",
        "products.change_product",
        "products.delete_product",
    ),
}


def reading(request: HttpRequest) -> str:
    """Return who asks for an operation that reads: everybody may."""
    return "everybody"


def require(request: HttpRequest, scope: Scope) -> None:
    """Raise Problem for those who may not: 401 for a stranger, 403 for the others."""
    if request.method in READS:
        if request.user.has_perms(PERMISSIONS[scope]):
            return
        if request.user.is_authenticated:
            permissions = " and ".join(PERMISSIONS[scope])
            raise Problem(403, f"This needs the permission {permissions}.")
    raise Problem(
        401,
        f"This needs an API key with the scope {scope.value}.",
        headers={"WWW-Authenticate": "Bearer"},
    )
