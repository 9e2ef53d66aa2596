"""What is deployed, and where: names and sizes, with the lab's names as defaults."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Any

from django.core.management.base import CommandError

from vectorshop.azure.account import Account

RESOURCE_GROUP = "rg-exercises"
LOCATION = "eastus2"
VERSION = "17"  # the newest that elastic clusters offer
SKU = "Standard_B1ms"
CLUSTER_SKU = "Standard_D2ds_v5"  # elastic clusters need more than a burstable node
STORAGE_GB = 32
DATABASE = "postgres"  # as in the lab; an elastic cluster has no other
PORT = 5432
HOST_SUFFIX = ".postgres.database.azure.com"
# The command that starts azdeploy, for messages; both launchers lie in the root.
PROGRAM = "./azdeploy.ps1" if os.name == "nt" else "./azdeploy.sh"
TAG = "created-by"
TAG_VALUE = "vectorshop-azdeploy"


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """One server: its place, name and size. *nodes* above 0 is an elastic cluster."""

    group: str
    location: str
    server: str
    sku: str
    version: str
    nodes: int
    owner: str  # the account's 8 hex digits

    @property
    def tier(self) -> str:
        """Return the compute tier that az wants beside the SKU."""
        family = self.sku.partition("_")[2][:1].upper()
        return {"B": "Burstable", "E": "MemoryOptimized", "M": "MemoryOptimized"}.get(
            family, "GeneralPurpose"
        )

    @property
    def place(self) -> tuple[str, ...]:
        """Return az's options that name the server in commands about its parts."""
        return ("--resource-group", self.group, "--server-name", self.server)

    @property
    def named(self) -> tuple[str, ...]:
        """Return az's options that name the server in commands about itself."""
        return ("--resource-group", self.group, "--name", self.server)


def planned(options: dict[str, Any], account: Account) -> Deployment:
    """Return the deployment that the command line asks for.

    Raises CommandError for a server name that Azure would refuse.
    """
    nodes = options.get("nodes") or 0
    server = options.get("server_name") or f"psql-vector-{account.tag}"
    check_server_name(server)
    return Deployment(
        group=options.get("resource_group") or RESOURCE_GROUP,
        location=options["location"],
        server=server,
        sku=options.get("sku") or (CLUSTER_SKU if nodes else SKU),
        version=options.get("version") or VERSION,
        nodes=nodes,
        owner=account.tag,
    )


def check_server_name(name: str) -> None:
    """Raise CommandError for a server name that Azure would refuse."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]", name):
        raise CommandError(
            f"{name!r} cannot name a server: 3 to 63 lower-case letters, digits and "
            "hyphens, neither first nor last a hyphen."
        )


def is_ours(resource: dict[str, Any]) -> bool:
    """Return whether azdeploy made this group or server."""
    return bool((resource.get("tags") or {}).get(TAG) == TAG_VALUE)
