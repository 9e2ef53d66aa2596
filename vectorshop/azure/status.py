"""What runs on Azure now, what is not as it should be, and that it costs money."""

from __future__ import annotations

from typing import Any

from vectorshop.azure import app, firewall, replica, server as servers
from vectorshop.azure.cli import Az
from vectorshop.azure.console import Console
from vectorshop.azure.deployment import PROGRAM, Deployment


def show(az: Az, deployment: Deployment) -> None:
    """Print the state of the server; changes nothing."""
    server = servers.find_server(az, deployment)
    if server is None:
        az.console.say(f"Server {deployment.server}: not created. No server, no costs.")
        return
    show_server(az.console, server)
    if server["state"] == "Ready":
        show_administrators(az, deployment)
        show_extension(az, deployment)
        show_firewall(az, deployment)
        replica.show(az, deployment)
        app.show(az, deployment)
    az.console.say(f"It costs money until `{PROGRAM} cleanup`.")


def ask(az: Az, deployment: Deployment) -> None:
    """Ask az for all that show() prints, and print nothing of it."""
    servers.find_server(az, deployment)
    servers.administrators(az, deployment)
    servers.allowed_extensions(az, deployment)
    firewall.rules(az, deployment)
    replica.replicas(az, deployment)
    app.ask(az, deployment)


def show_server(console: Console, server: dict[str, Any]) -> None:
    size = (
        f"{server['sku']['name']}, PostgreSQL {server['version']}, {server['location']}"
    )
    console.say(f"Server {server['name']} ({size})")
    console.say(f"Host {server['fullyQualifiedDomainName']}")
    if server["state"] == "Ready":
        console.done("Ready")
    else:
        console.warn(
            f"State: {server['state']}. `{PROGRAM} create` waits or starts it."
        )
    auth = server["authConfig"]
    if auth["activeDirectoryAuth"] != "Enabled":
        console.warn(
            "Microsoft Entra sign-in is off. Switch it on: az postgres flexible-server "
            "update --microsoft-entra-auth Enabled"
        )
    if auth["passwordAuth"] == "Enabled":
        console.warn("Passwords still work beside tokens.")
    if server["network"]["publicNetworkAccess"] == "Disabled":
        console.warn("Public access is off: only its virtual network reaches it.")


def show_administrators(az: Az, deployment: Deployment) -> None:
    admins = servers.administrators(az, deployment)
    for admin in admins:
        az.console.done(f"Microsoft Entra administrator: {admin['principalName']}")
    if not admins:
        az.console.warn(f"No Microsoft Entra administrator yet: {PROGRAM} admin")


def show_extension(az: Az, deployment: Deployment) -> None:
    allowed = servers.allowed_extensions(az, deployment)
    if servers.EXTENSION in (name.upper() for name in allowed):
        az.console.done("Extension vector is allowed")
    else:
        az.console.warn(f"Extension vector is not allowed yet: {PROGRAM} create")


def show_firewall(az: Az, deployment: Deployment) -> None:
    rules = firewall.rules(az, deployment)
    for name, span in rules.items():
        if firewall.is_wide(span):
            az.console.warn(f"Firewall rule {name} lets in {span}: too many")
        elif name == firewall.AZURE_RULE or int(span.first) == 0:
            az.console.warn(f"Firewall rule {name} lets in every machine in Azure")
        else:
            az.console.done(f"Firewall rule {name} lets in {span}")
    if not rules:
        az.console.warn(f"The firewall lets nobody in: {PROGRAM} firewall")
