"""Read replicas of the server: more of them read, one of them takes the writes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.core.management.base import CommandError

from vectorshop.azure import firewall, server as servers
from vectorshop.azure.cli import Az
from vectorshop.azure.deployment import (
    CLUSTER_SKU,
    HOST_SUFFIX,
    PROGRAM,
    TAG,
    TAG_VALUE,
    Deployment,
    check_server_name,
    is_ours,
)

REPLICA = "AsyncReplica"  # the role of a server that follows another one


def create(
    az: Az, deployment: Deployment, name: str, *, ip: firewall.Range | str
) -> None:
    """Make the read replica *name* of the server, or finish what an earlier run left.

    It has the size, the administrators and the data of the server. Raises CommandError
    for a name that Azure refuses or another server has, and where the server's size can
    have no replicas.
    """
    check_server_name(name)
    addresses = firewall.wanted_range(az, ip)
    source = servers.existing_server(az, deployment)
    check_size(source, deployment)
    copy = replace(deployment, server=name)
    found = None if az.offline else servers.find_server(az, copy)
    if found is None:
        announce_cost(az, copy, source)
        az.change(
            *(*servers.SERVER, "replica", "create", *copy.named),
            *("--source-server", deployment.server),
            *("--tags", f"{TAG}={TAG_VALUE}", "--yes"),
            what="Creating the replica, usually 10 to 20 minutes",
            done=f"Replica {name} created",
        )
    else:
        check_is_replica(found, deployment)
        servers.wake(az, copy, found)
    missing = found is None and az.dry_run
    firewall.apply(
        az,
        copy,
        addresses,
        allow_azure=False,
        existing={} if missing else firewall.rules(az, copy),
    )
    az.console.say(
        f"The shop reads there with DB_REPLICA_HOSTS={name}{HOST_SUFFIX} beside its "
        "DB_HOST. `manage.py replicas` shows how late it is.\n"
        f"It costs money until `{PROGRAM} cleanup`."
    )


def check_size(source: dict[str, Any], deployment: Deployment) -> None:
    """Raise CommandError for a burstable server, of which Azure makes no replica."""
    if str(source["sku"].get("tier", "")).lower() == "burstable":
        raise CommandError(
            f"{deployment.server} is a burstable server, and Azure makes no replicas of "
            "those. Give it another size first: az postgres flexible-server update "
            f"{' '.join(deployment.named)} --tier GeneralPurpose --sku-name {CLUSTER_SKU}"
        )


def check_is_replica(found: dict[str, Any], deployment: Deployment) -> None:
    """Raise CommandError when a server that exists does not follow this one."""
    if not follows(found, deployment):
        raise CommandError(
            f"{found['name']} exists and is not a replica of {deployment.server}. Choose "
            "another name."
        )


def follows(server: dict[str, Any], deployment: Deployment) -> bool:
    """Return whether a server is a replica of the deployment's."""
    source = str(server.get("sourceServerResourceId") or "").lower()
    return (
        server.get("replicationRole") == REPLICA
        and source.rpartition("/")[2] == deployment.server
    )


def announce_cost(az: Az, copy: Deployment, source: dict[str, Any]) -> None:
    """Say what will be made and that it costs as much as the server, and ask."""
    az.console.say(
        f"Replica {copy.server} ({source['sku']['name']}) in group {copy.group}.\n"
        f"It costs as much as the server, until `{PROGRAM} cleanup`:\n{servers.PRICES}"
    )
    if not az.dry_run:
        az.console.confirm("Create it?")


def replicas(az: Az, deployment: Deployment) -> list[dict[str, Any]]:
    """Return the replicas of the deployment's server in its group."""
    found = az.read(*servers.SERVER, "list", "--resource-group", deployment.group)
    return [server for server in found if follows(server, deployment)]


def show(az: Az, deployment: Deployment) -> None:
    """Print the replicas and whether they are ready."""
    for server in replicas(az, deployment):
        text = f"Replica {server['fullyQualifiedDomainName']}"
        if server["state"] == "Ready":
            az.console.done(f"{text} is ready")
        else:
            az.console.warn(f"{text}: {server['state']}")


def delete(az: Az, deployment: Deployment, found: list[dict[str, Any]]) -> None:
    """Delete the replicas that azdeploy made; they must go before their server."""
    for server in found:
        if not is_ours(server):
            raise CommandError(
                f"The replica {server['name']} has no tag {TAG}={TAG_VALUE}: azdeploy did "
                "not make it, so it and its server stay."
            )
    for server in found:
        copy = replace(deployment, server=server["name"])
        az.change(
            *(*servers.SERVER, "delete", *copy.named, "--yes"),
            what=f"Deleting the replica {copy.server}",
            done=f"Replica {copy.server} deleted",
        )
