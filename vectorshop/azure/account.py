"""Who is signed in to az, and whether this az is new enough."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from django.core.management.base import CommandError

from vectorshop.azure.cli import INSTALL, MINIMUM_VERSION, Az
from vectorshop.db.entra.claims import claims_of, name_in


@dataclass(frozen=True)
class Account:
    """The signed-in person or application, and the subscription it works in."""

    object_id: str
    name: str  # the database role's name
    kind: str  # "User" or "ServicePrincipal", as az calls them
    subscription: str
    known_tag: str = ""

    @property
    def tag(self) -> str:
        """Return 8 hex digits that stand for this account in names.

        The first digits of the SHA-1 of the object id, as the lab's script takes
        them, so that a server made by that script is found again.
        """
        if self.known_tag:
            return self.known_tag
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
    claims = claims_of(access_token(az))
    # A service principal without a name is known by its application id.
    name = name_in(claims) or str(claims.get("appid", ""))
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
