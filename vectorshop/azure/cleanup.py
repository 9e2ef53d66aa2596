"""Back to nothing left running: deletes what azdeploy made, and only that."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError

from vectorshop.azure import app, replica, resources, server as servers
from vectorshop.azure.cli import Az
from vectorshop.azure.deployment import TAG, TAG_VALUE, Deployment, is_ours


def clean_up(az: Az, deployment: Deployment, *, group_was_named: bool) -> None:
    """Delete the group if azdeploy made it and nothing else is in it, or the server.

    Asks for the group's name. With --yes the name must stand on the command line
    (*group_was_named*). Raises CommandError, having deleted nothing, when the name
    does not match or when nothing here is azdeploy's.
    """
    group = az.find("group", "show", "--name", deployment.group)
    if group is None:
        az.console.done(
            f"There is no group {deployment.group}: nothing is left running"
        )
        return
    server = servers.find_server(az, deployment)
    copies = replica.replicas(az, deployment)
    known = {deployment.server, *(copy["name"].lower() for copy in copies)}
    found = az.read("resource", "list", "--resource-group", deployment.group)
    parts, strangers = sorted_out(found, deployment, known)
    servers_are_ours = all(is_ours(found) for found in [*copies, server] if found)
    if is_ours(group) and not strangers and servers_are_ours:
        say_what_goes(az, deployment, server, copies + parts, whole_group=True)
        ask_name(az, deployment, group_was_named=group_was_named)
        delete_group(az, deployment)
        return
    say_what_stays(az, deployment, group, strangers)
    if server is None:
        raise CommandError(
            "There is no server of azdeploy's here. Nothing was deleted."
        )
    if not is_ours(server):
        raise CommandError(
            f"The server {deployment.server} has no tag {TAG}={TAG_VALUE}: azdeploy "
            "did not make it. Nothing was deleted. To delete it all the same: "
            f"az postgres flexible-server delete {' '.join(deployment.named)}"
        )
    say_what_goes(az, deployment, server, copies + parts, whole_group=False)
    ask_name(az, deployment, group_was_named=group_was_named)
    app.delete(az, deployment)
    replica.delete(az, deployment, copies)
    delete_server(az, deployment)


def sorted_out(
    found: list[dict[str, Any]], deployment: Deployment, known: set[str]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the parts of the app that azdeploy made, and all that is not ours.

    known: the names of the servers, which are in neither.
    """
    ours = {
        (kind.type.lower(), name.lower())
        for kind, name in resources.names_of(deployment).parts
    }
    parts, strangers = [], []
    for resource in found:
        kind, name = resource["type"].lower(), resource["name"].lower()
        if kind == "microsoft.dbforpostgresql/flexibleservers" and name in known:
            continue
        if (kind, name) in ours and is_ours(resource):
            parts.append(resource)
        else:
            strangers.append(resource)
    return parts, strangers


def say_what_stays(
    az: Az,
    deployment: Deployment,
    group: dict[str, Any],
    strangers: list[dict[str, Any]],
) -> None:
    """Say why the group itself stays."""
    if not is_ours(group):
        az.console.warn(f"Group {deployment.group} was not made by azdeploy: it stays.")
    if strangers:
        az.console.warn(f"Also in group {deployment.group}, so the group stays:")
        for resource in strangers:
            az.console.say(f"    {resource['name']} ({resource['type']})")


def say_what_goes(
    az: Az,
    deployment: Deployment,
    server: dict[str, Any] | None,
    others: list[dict[str, Any]],
    *,
    whole_group: bool,
) -> None:
    if whole_group:
        az.console.say(f"This deletes the resource group {deployment.group}")
    if server is not None:
        az.console.say(
            f"This deletes the server {deployment.server} with all its data."
        )
    for other in others:
        replica_of = "its replica " if "replicationRole" in other else ""
        az.console.say(f"This deletes {replica_of}{other['name']}.")


def ask_name(az: Az, deployment: Deployment, *, group_was_named: bool) -> None:
    """Return when the group's name was typed, or given beside --yes."""
    if az.dry_run:
        return
    if az.console.assume_yes:
        if group_was_named:
            return
        raise CommandError("With --yes, name the group: --resource-group NAME")
    try:
        answer = az.console.ask("Type the group's name to delete:")
    except EOFError as err:
        raise CommandError("No answer. Nothing was deleted.") from err
    if answer != deployment.group:
        raise CommandError(
            f"{answer!r} is not {deployment.group!r}. Nothing was deleted."
        )


def delete_group(az: Az, deployment: Deployment) -> None:
    az.change(
        *("group", "delete", "--name", deployment.group, "--yes"),
        what="Deleting the group, usually 2 to 5 minutes",
        done=f"Resource group {deployment.group} deleted: nothing is left running",
    )


def delete_server(az: Az, deployment: Deployment) -> None:
    az.change(
        *(*servers.SERVER, "delete", *deployment.named, "--yes"),
        what="Deleting the server",
        done=f"Server {deployment.server} deleted; its group stays",
    )
