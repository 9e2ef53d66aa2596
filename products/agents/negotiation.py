"""Who asks, and by which version: the header UCP-Agent, and its like in MCP."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from products.agents.profile import VERSION
from products.agents.refusals import Refusal

# Members, or parameters, of a dictionary of RFC 8941 whose value is a string. What else
# may stand there says nothing to this shop.
MEMBER = re.compile(r'(?:^|[,;])[ \t]*(profile|version)="((?:[^"\\]|\\["\\])*)"')
MAX_LENGTH = 2_000  # characters


def check_agent_header(header: str) -> None:
    """Raise Refusal for a UCP-Agent that names no profile, or another version."""
    if len(header) > MAX_LENGTH:
        raise invalid_profile(f"UCP-Agent has at most {MAX_LENGTH:,} characters.")
    members = dict(MEMBER.findall(header))
    if "profile" not in members:
        raise invalid_profile(
            "Say who asks, with the header UCP-Agent: "
            'profile="https://agent.example/profile.json".'
        )
    check_profile(members["profile"])
    check_version(members.get("version", VERSION))


def check_profile(address: str) -> None:
    """Raise Refusal for what is not the address of a profile, which has HTTPS.

    The shop does not fetch it: it offers the same to everybody, and a request of a
    stranger must not make the server call an address that the stranger chose.
    """
    try:
        parts = urlsplit(address)
        is_address = parts.scheme == "https" and bool(parts.hostname)
    except ValueError:
        is_address = False
    if not is_address or len(address) > MAX_LENGTH:
        raise invalid_profile(
            "The profile of UCP-Agent is not an address that begins with https://."
        )


def check_version(version: str) -> None:
    """Raise Refusal for another version of UCP than the shop's."""
    if version != VERSION:
        raise Refusal(
            "version_unsupported",
            f"Version {version[:40]!r} of UCP is not supported. This shop supports "
            f"version {VERSION}.",
            422,
        )


def invalid_profile(message: str) -> Refusal:
    """Return the refusal of an agent that does not say who it is."""
    return Refusal("invalid_profile_url", message)
