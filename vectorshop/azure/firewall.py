"""Which addresses may reach the server."""

from __future__ import annotations

import ssl
import urllib.request
from argparse import ArgumentTypeError
from ipaddress import AddressValueError, IPv4Address
from typing import Any, NamedTuple
from urllib.error import URLError

import certifi
from django.core.management.base import CommandError

from vectorshop.azure.cli import Az
from vectorshop.azure.deployment import Deployment

# It answers with the caller's address, as plain text (az itself asks it too).
ADDRESS_SERVICE = "https://api.ipify.org"
TIMEOUT_SECONDS = 10
MOST_ADDRESSES = 65_536  # a /16; wider is not "my network" any more
AZURE_RULE = "vectorshop-azure-services"
# The rule from 0.0.0.0 to 0.0.0.0 has a meaning of its own: "services in Azure".
# https://learn.microsoft.com/azure/postgresql/network/how-to-networking-servers-deployed-public-access-add-firewall-rules
AZURE_SERVICES = IPv4Address(0)


class Unknown(str):
    """An address that a dry run does not know, as its commands show it."""

    def __int__(self) -> int:
        raise TypeError(f"{self} is no number")


class Range(NamedTuple):
    """Addresses from *first* to *last*, both included."""

    first: IPv4Address | Unknown
    last: IPv4Address | Unknown

    def __str__(self) -> str:
        if self.first == self.last:
            return str(self.first)
        return f"{self.first}-{self.last}"


YOUR_ADDRESS = Range(Unknown("YOUR_ADDRESS"), Unknown("YOUR_ADDRESS"))


def parse_ip(text: str) -> Range | str:
    """Return "auto", "none" or the range that the option --ip names.

    Raises ArgumentTypeError for anything else, and for more than 65,536 addresses.
    """
    if text in ("auto", "none"):
        return text
    first, dash, last = text.partition("-")
    try:
        span = Range(IPv4Address(first), IPv4Address(last if dash else first))
    except AddressValueError as err:
        raise ArgumentTypeError(
            f"{text!r} is neither auto, none, an address such as 203.0.113.7 nor a "
            "range such as 203.0.113.0-203.0.113.255"
        ) from err
    if int(span.first) == 0:
        raise ArgumentTypeError("0.0.0.0 means every service in Azure: --allow-azure")
    size = int(span.last) - int(span.first) + 1
    if not 1 <= size <= MOST_ADDRESSES:
        raise ArgumentTypeError(
            f"{text!r} names {max(size, 0):,} addresses; 1 to {MOST_ADDRESSES:,} are allowed"
        )
    return span


def callers_address() -> IPv4Address:
    """Return the public address of this machine, as ADDRESS_SERVICE sees it.

    Raises CommandError when the service cannot be reached or answers nonsense.
    """
    context = ssl.create_default_context(cafile=certifi.where())
    try:
        with urllib.request.urlopen(
            ADDRESS_SERVICE, timeout=TIMEOUT_SECONDS, context=context
        ) as answer:
            return IPv4Address(answer.read(100).decode("ascii").strip())
    except (URLError, TimeoutError, ValueError) as err:
        raise CommandError(
            f"Your address could not be found: {ADDRESS_SERVICE} gave no answer that "
            f"is one ({err}). Name it yourself: --ip a.b.c.d"
        ) from err


def rule_name(deployment: Deployment) -> str:
    return f"vectorshop-{deployment.owner}"


def wanted_range(az: Az, ip: Range | str) -> Range | None:
    """Return the addresses to let in, asking ADDRESS_SERVICE for "auto".

    A dry run goes on with YOUR_ADDRESS where the service gives no answer.
    """
    if ip == "none":
        return None
    if isinstance(ip, Range):
        return ip
    if az.offline:
        return YOUR_ADDRESS
    az.console.say(f"Asking {ADDRESS_SERVICE} for your address (--ip avoids this).")
    try:
        address = callers_address()
    except CommandError as err:
        if not az.dry_run:
            raise
        az.console.warn(str(err))
        return YOUR_ADDRESS
    return Range(address, address)


def rules(az: Az, deployment: Deployment) -> dict[str, Range]:
    """Return the server's firewall rules by name."""
    found: list[dict[str, Any]] = az.read(
        "postgres", "flexible-server", "firewall-rule", "list", *deployment.place
    )
    return {
        rule["name"]: Range(
            IPv4Address(rule["startIpAddress"]), IPv4Address(rule["endIpAddress"])
        )
        for rule in found
    }


def is_wide(span: Range) -> bool:
    """Return whether a rule lets in more than a caller's network."""
    return int(span.last) - int(span.first) >= MOST_ADDRESSES


def apply(
    az: Az,
    deployment: Deployment,
    wanted: Range | None,
    *,
    allow_azure: bool,
    existing: dict[str, Range],
) -> None:
    """Make the server's rules as wanted; other people's rules stay as they are.

    One rule of a fixed name lets *wanted* in and follows the caller's address; None
    closes both rules that azdeploy may have opened.
    """
    set_rule(az, deployment, rule_name(deployment), wanted, existing)
    if allow_azure:
        let_azure_in(az, deployment, existing)
    elif wanted is None:
        set_rule(az, deployment, AZURE_RULE, None, existing)
    for name, span in existing.items():
        if is_wide(span):
            az.console.warn(
                f"Rule {name} lets in {span}. Remove it: az postgres flexible-server "
                f"firewall-rule delete {' '.join(deployment.place)} --name {name}"
            )


def let_azure_in(az: Az, deployment: Deployment, existing: dict[str, Range]) -> None:
    """Open the firewall for everything that runs in Azure, and say what that means."""
    az.console.warn(
        f"The rule {AZURE_RULE} lets in every machine in Azure, other customers' as "
        "well; each still needs a valid token."
    )
    services = Range(AZURE_SERVICES, AZURE_SERVICES)
    set_rule(az, deployment, AZURE_RULE, services, existing)


def set_rule(
    az: Az,
    deployment: Deployment,
    name: str,
    wanted: Range | None,
    existing: dict[str, Range],
) -> None:
    """Create, change or delete one rule, or do nothing if it is as wanted."""
    command = ("postgres", "flexible-server", "firewall-rule")
    rule = (*deployment.place, "--name", name)
    if wanted is None:
        if name in existing:
            az.change(
                *(*command, "delete", *rule, "--yes"),
                what=f"Deleting firewall rule {name}",
                done=f"Firewall rule {name} deleted",
            )
        return
    if existing.get(name) == wanted:
        az.console.done(f"Firewall rule {name} lets in {wanted}")
        return
    az.change(
        *(*command, "create", *rule),
        *("--start-ip-address", str(wanted.first)),
        *("--end-ip-address", str(wanted.last)),
        what=f"Opening the firewall for {wanted}",
        done=f"Firewall rule {name} lets in {wanted}",
    )
