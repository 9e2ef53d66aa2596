"""What an access token says about its owner.

The claims are only read, never trusted: the server checks the token's signature. See
https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference
"""

from __future__ import annotations

import base64
import json
from typing import Any

# The claims that name a person or an application, the first that a token has.
NAMES = ("upn", "unique_name", "preferred_username", "app_displayname")


def claims_of(token: str) -> dict[str, Any]:
    """Return the claims of a JSON Web Token, none for any other token."""
    try:
        payload = token.split(".")[1]
        claims = json.loads(
            base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
        )
    except (IndexError, ValueError):
        return {}
    return claims if isinstance(claims, dict) else {}


def name_in(claims: dict[str, Any]) -> str:
    """Return the name of the token's owner as a database user, "" without one.

    A managed identity's name is the last part of its resource id. Other service
    principals often have no name in their tokens.
    """
    for claim in NAMES:
        if name := claims.get(claim):
            return str(name)
    return str(claims.get("xms_mirid", "")).rpartition("/")[2]
