"""Who is signed in to az, and whether this az will do."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from typing import Any

from django.core.management.base import CommandError

from vectorshop.azure.cli import INSTALL, MINIMUM_VERSION, Az


@dataclass(frozen=True)
class Account:
    """The signed-in person or application, and the subscription it works in."""

    object_id: str
    name: str  # the database role's name
    kind: str  # "User" or "ServicePrincipal", as az calls them
    subscription: str

    @property
    def tag(self) -> str:
        """Return 8 hex digits that stand for this account in names.

        The first digits of the SHA-1 of the object id, as the lab's script takes
        them, so that a server made by that script is found again.
        """
        digest = hashlib.sha1(self.object_id.encode(), usedforsecurity=False)
        return digest.hexdigest()[:8]


def check_version(az: Az) -> None:
    """Raise CommandError when az is older than the commands used here."""
    version = str(az.read("version")["azure-cli"])
    numbers = tuple(int(part) for part in version.split(".")[:3] if part.isdigit())
    if numbers < MINIMUM_VERSION:
        needed = ".".join(map(str, MINIMUM_VERSION))
        raise CommandError(
            f"az {version} is too old: {needed} or newer is needed. "
            f"Run `az upgrade`, or see {INSTALL}"
        )


def signed_in(az: Az) -> Account:
    """Return the account that az is signed in with.

    Its object id and name come from the database token, so that no permission to
    read the directory (Microsoft Graph) is needed. Raises CommandError, with az's
    message shown, when nobody is signed in.
    """
    account = az.read("account", "show")
    claims = token_claims(access_token(az))
    name = account_name(claims)
    if not name:
        raise CommandError(
            "The signed-in account has no name in its token. Sign in as a user or "
            "with a managed identity: az login"
        )
    return Account(
        object_id=claims["oid"],
        name=name,
        kind="User"
        if "upn" in claims or "unique_name" in claims
        else "ServicePrincipal",
        subscription=f"{account['name']} ({account['id']})",
    )


def access_token(az: Az) -> str:
    """Return a database token of the signed-in account, valid for up to an hour."""
    answer = az.read("account", "get-access-token", "--resource-type", "oss-rdbms")
    return str(answer["accessToken"])


def token_claims(token: str) -> dict[str, Any]:
    """Return what a token says of its owner.

    The signature is not looked at: az has just received it from Microsoft Entra,
    and the server that gets it checks it.
    """
    payload = token.split(".")[1]
    claims: dict[str, Any] = json.loads(
        base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
    )
    return claims


def account_name(claims: dict[str, Any]) -> str:
    """Return the name by which PostgreSQL on Azure would know this account.

    See https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference
    """
    for claim in ("upn", "unique_name", "preferred_username", "app_displayname"):
        if claims.get(claim):
            return str(claims[claim])
    # A managed identity: the last part of its resource's path.
    return str(claims.get("xms_mirid") or claims.get("appid") or "").rpartition("/")[2]
