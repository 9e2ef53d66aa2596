"""The options of `azdeploy` and what they accept."""

from __future__ import annotations

from argparse import SUPPRESS, ArgumentParser, ArgumentTypeError
from typing import Any
from uuid import UUID

from vectorshop.azure import deployment, roles
from vectorshop.azure.firewall import parse_ip

MOST_NODES = 20


def node_count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= MOST_NODES:
        raise ArgumentTypeError(f"{text!r} is not a number of nodes, 1 to {MOST_NODES}")
    return int(text)


def object_id(text: str) -> str:
    try:
        return str(UUID(text))
    except ValueError as err:
        raise ArgumentTypeError(
            f"{text!r} is not an object id, which looks like "
            "00000000-0000-0000-0000-000000000000"
        ) from err


COMMON: dict[str, dict[str, Any]] = {
    "--resource-group": {
        "metavar": "NAME",
        "help": f"Made if it does not exist; default {deployment.RESOURCE_GROUP}.",
    },
    "--location": {
        "metavar": "REGION",
        "default": deployment.LOCATION,
        "help": f"Azure region; default {deployment.LOCATION}.",
    },
    "--server-name": {
        "metavar": "NAME",
        "help": "Default psql-vector- and 8 digits made from your object id.",
    },
    "--subscription": {
        "metavar": "NAME",
        "default": "",
        "help": "Name or id; default the one that az uses.",
    },
    "--dry-run": {
        "action": "store_true",
        "help": "Show the commands that would change something; change nothing. Needs "
        "neither az nor a network.",
    },
    "--yes": {"action": "store_true", "help": "Answer questions with yes."},
}
SIZE: dict[str, dict[str, Any]] = {
    "--sku": {
        "metavar": "SKU",
        "help": f"Size; default {deployment.SKU}, with --nodes {deployment.CLUSTER_SKU}.",
    },
    "--version": {
        "metavar": "NUMBER",
        "help": f"PostgreSQL's major version; default {deployment.VERSION}.",
    },
    "--nodes": {
        "metavar": "NUMBER",
        "type": node_count,
        "help": "Make an elastic cluster of so many nodes.",
    },
}
FIREWALL: dict[str, dict[str, Any]] = {
    "--ip": {
        "metavar": "auto|none|a.b.c.d|first-last",
        "type": parse_ip,
        "default": "auto",
        "help": "Who may connect: auto asks api.ipify.org for your address; none closes.",
    },
    "--allow-azure": {
        "action": "store_true",
        "help": "Also let in every machine in Azure, other customers' as well.",
    },
}
TOKEN: dict[str, dict[str, Any]] = {
    "--with-token": {
        "action": "store_true",
        "help": "Also write a token for psql, valid for up to an hour.",
    },
}
ROLE: dict[str, dict[str, Any]] = {
    "name": {"help": "The role's name: that of the managed identity or app."},
    "--object-id": {
        "metavar": "ID",
        "type": object_id,
        "required": True,
        "help": "Its object id (principalId in `az identity show`, "
        "`az webapp identity show`).",
    },
    "--type": {
        "choices": roles.KINDS,
        "default": "service",
        "help": "What the object is; a managed identity is a service (default).",
    },
}
REPLICA: dict[str, dict[str, Any]] = {
    "name": {"help": "The name of the new server, unique in all of Azure."},
}
APP: dict[str, dict[str, Any]] = {
    "--no-samples": {
        "action": "store_true",
        "help": "Leave an empty catalogue empty.",
    },
}
# Action: what it does, the method's options besides COMMON.
ACTIONS: dict[str, tuple[str, dict[str, dict[str, Any]]]] = {
    "create": ("make the server, or finish what an earlier run left", SIZE | FIREWALL),
    "admin": ("make the signed-in account an administrator", {}),
    "status": ("show what runs and what is missing", {}),
    "env": ("write .env and .env.ps1: host, database, user", TOKEN),
    "role": ("make a role for an app that may read and write rows, no more", ROLE),
    "replica": (
        "make a read replica of the server",
        REPLICA | {"--ip": FIREWALL["--ip"]},
    ),
    "app": ("put the shop on Azure beside its server, or bring it up to date", APP),
    "firewall": ("let in your address, or nobody with --ip none", FIREWALL),
    "cleanup": ("delete what azdeploy made, after asking", {}),
}


def add_menu_options(parser: ArgumentParser) -> None:
    """Add the options of all that the menu offers."""
    for name, arguments in (COMMON | SIZE | FIREWALL | TOKEN).items():
        parser.add_argument(name, **arguments)


def add_action_options(parser: ArgumentParser, action: str) -> None:
    """Add the options of one action.

    An option that the menu has too gets no default here, so that it counts before the
    action's name as well as behind it.
    """
    for name, arguments in (COMMON | ACTIONS[action][1]).items():
        if name not in ROLE | APP:
            arguments = {**arguments, "default": SUPPRESS}
        parser.add_argument(name, **arguments)
