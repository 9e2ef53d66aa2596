"""Who may do what by the API.

Reading is open, as the shop's pages are; writing needs an API key. Whoever is signed in
to the shop may have a search explained with Django's permission to. A session changes
nothing by the API: a browser sends its cookie along with the requests of any site.
"""

from __future__ import annotations

import logging

from django.db import InternalError
from django.http import HttpRequest
from django.views.decorators.debug import sensitive_variables
from ninja.security import HttpBearer

from products.api.limits import Window, wrong_keys
from products.api.problems import Problem
from products.api_keys import KEY, ApiKey, Scope, hash_of
from vectorshop import replicas

logger = logging.getLogger(__name__)

READS = ["GET", "HEAD"]
EXPLAINS = "products.view_product"  # the permission of a session


@sensitive_variables()
def hash_in(request: HttpRequest) -> str | None:
    """Return the hash of the key that a request brings, None if it brings none.

    "" for what cannot be a key. The key itself stays in this function, so that no page
    of an error and no log can show it.
    """
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    if scheme.casefold() != "bearer":
        return None
    return hash_of(key.strip()) if KEY.fullmatch(key.strip()) else ""


def key_of(request: HttpRequest) -> ApiKey | None:
    """Return the valid key of a request, whose owner makes it; None without a key.

    One statement. Raises Problem for a key that is not valid; without a statement where
    the address has sent too many of them within a minute.
    """
    digest = hash_in(request)
    if digest is None:
        return None
    wrong = wrong_keys(request)
    if wrong and wrong.is_full():
        raise too_many_keys(wrong)
    key = ApiKey.objects.with_hash(digest) if digest else None
    why = key.why_refused() if key else "There is no such API key."
    if key is None or why:
        if wrong:
            wrong.allow_request(request)
        raise unauthorized(why, error="invalid_token")
    request.user = key.user
    note_use(request, key)
    return key


def note_use(request: HttpRequest, key: ApiKey) -> None:
    """Write down that a key was used; reading goes on where that cannot be written."""
    if replicas.reads_from_standby() and not replicas.primary.answers():
        return  # without waiting for it each time
    try:
        key.note_use()
    except (*replicas.AWAY, InternalError) as err:  # away, or only taking reads
        if request.method not in READS:
            raise
        logger.warning("The use of the API key %s is not noted: %s", key.prefix, err)


def too_many_keys(wrong: Window) -> Problem:
    """Return the problem of an address that has sent too many wrong keys."""
    seconds = wrong.wait()
    return Problem(
        429,
        "Too many wrong keys came from this address. Make a new key, and ask again in "
        f"{seconds} seconds.",
        headers={"Retry-After": str(seconds)} | wrong.headers(),
    )


def unauthorized(detail: str, *, error: str = "") -> Problem:
    """Return the problem of whoever has no valid key. error: as RFC 6750 names it."""
    challenge = 'Bearer realm="VectorShop"' + (f', error="{error}"' if error else "")
    return Problem(401, detail, headers={"WWW-Authenticate": challenge})


def check_scope(key: ApiKey, scope: Scope) -> None:
    """Raise Problem for a key without a scope."""
    if scope in key.scopes:
        return
    challenge = (
        f'Bearer realm="VectorShop", error="insufficient_scope", scope="{scope}"'
    )
    raise Problem(
        403,
        f"This API key has no scope {scope}. Make a key that has.",
        headers={"WWW-Authenticate": challenge},
    )


class KeyAuth(HttpBearer):
    """Lets requests in that bring a key with a scope, as `Authorization: Bearer`."""

    openapi_description = "A key made in the admin or by `manage.py api_key create`."

    def __init__(self, scope: Scope) -> None:
        super().__init__()
        self.scope = scope

    def __call__(self, request: HttpRequest) -> ApiKey:
        """Return the key. Raises Problem; ninja's own __call__ would log the header."""
        key = key_of(request)
        if key is None:
            raise unauthorized(f"This needs an API key with the scope {self.scope}.")
        check_scope(key, self.scope)
        return key

    def authenticate(self, request: HttpRequest, token: str) -> ApiKey:
        """Return the key, whatever ninja took for it."""
        return self(request)


class KeyIfAny(KeyAuth):
    """Lets every request in; one that brings a key is that key's."""

    def __init__(self) -> None:
        super().__init__(Scope.READ)

    def __call__(self, request: HttpRequest) -> ApiKey | str:  # type: ignore[override]
        """Return the key, or else "everybody". Raises Problem for a wrong key."""
        return key_of(request) or "everybody"


key_if_any = KeyIfAny()
key_to_write = KeyAuth(Scope.WRITE)


def require(request: HttpRequest, scope: Scope) -> None:
    """Raise Problem for those who may not: 401 for a stranger, 403 for the others.

    For an operation that everybody may call, about a part of it. A session will do to
    have something explained, of a request that only reads.
    """
    key = getattr(request, "auth", None)
    if isinstance(key, ApiKey):
        return check_scope(key, scope)
    if scope is Scope.EXPLAIN and request.method in READS:
        if request.user.has_perm(EXPLAINS):
            return None
        if request.user.is_authenticated:
            raise Problem(403, f"This needs the permission {EXPLAINS}.")
    raise unauthorized(f"This needs an API key with the scope {scope}.")
