"""The shop on Container Apps: its image, its identities, its job and itself."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

from vectorshop.azure import (
    containers,
    firewall,
    image,
    job,
    resources,
    server as servers,
)
from vectorshop.azure.account import Account
from vectorshop.azure.cli import FROM_INPUT, Az
from vectorshop.azure.containers import Containers
from vectorshop.azure.deployment import PROGRAM, Deployment, is_ours
from vectorshop.azure.resources import TAGGED, Names, ensure, find

PROVIDERS = (
    "Microsoft.App",
    "Microsoft.ContainerRegistry",
    "Microsoft.ManagedIdentity",
    "Microsoft.OperationalInsights",
)
PULL = "AcrPull"


def deploy(az: Az, deployment: Deployment, project: Path, *, samples: bool) -> None:
    """Put the shop of the folder *project* beside its server, or bring it up to date.

    Every step looks first and changes only what is missing. The job brings the tables up
    to date before the app gets a new image. Raises CommandError at the first step that
    fails; running it again goes on from there.
    """
    names = resources.names_of(deployment)
    server = servers.existing_server(az, deployment)
    servers.check_passwords_are_off(az, deployment, server)
    announce_cost(az, names)
    for provider in PROVIDERS:
        servers.register_provider(az, provider)
    parts = make_parts(az, names, server, project, samples=samples)
    let_in(az, deployment, parts)
    job.run(az, names, parts, project)
    serve(az, names, parts, project)
    az.console.say(f"The shop is at https://{parts.host(names.app)}/")
    az.console.say(f"It costs money until `{PROGRAM} cleanup`.")


def announce_cost(az: Az, names: Names) -> None:
    az.console.say(
        f"App {names.app} in group {names.group}, {names.location}.\n"
        f"It costs money until `{PROGRAM} cleanup`: the registry about 5 US dollars a "
        "month, a replica about 0.11 an hour while visitors ask, nothing while nobody "
        "does."
    )
    if not az.dry_run:
        az.console.confirm("Go on?")


def make_parts(
    az: Az, names: Names, server: dict[str, Any], project: Path, *, samples: bool
) -> Containers:
    """Return what job and app run on, each part made if it was missing."""
    setup = ensure(az, names, resources.IDENTITY, names.setup_identity)
    web = ensure(az, names, resources.IDENTITY, names.web_identity)
    registry = ensure(
        *(az, names, resources.REGISTRY, names.registry),
        *("--sku", "Basic", "--admin-enabled", "false"),
    )
    for identity in (setup, web):
        let_pull(az, identity, registry)
    workspace = ensure(az, names, resources.WORKSPACE, names.workspace)
    environment = ensure(
        *(az, names, resources.ENVIRONMENT, names.environment),
        # az fetches the workspace's key by itself.
        *("--logs-workspace-id", workspace["customerId"]),
    )
    label = image.label(project)
    return Containers(
        location=names.location,
        environment=environment,
        registry=registry,
        image=f"{registry['loginServer']}/{image.REPOSITORY}:{label}",
        database=server["fullyQualifiedDomainName"],
        setup=setup,
        web=web,
        samples=samples,
    )


def let_pull(az: Az, identity: dict[str, Any], registry: dict[str, Any]) -> None:
    """Let an identity read the registry's images."""
    who = ("--assignee-object-id", identity["principalId"])
    where = ("--role", PULL, "--scope", registry["id"])
    if az.offline or resources.is_known(identity):
        given = az.read(
            *("role", "assignment", "list", *who, *where),
            *("--fill-principal-name", "false"),
        )
        if given:
            az.console.done(f"{identity['name']} may pull the image")
            return
    az.change(
        *("role", "assignment", "create", *who, *where),
        *("--assignee-principal-type", "ServicePrincipal"),
        what="Giving a right",
        done=f"{identity['name']} may pull the image",
    )


def let_in(az: Az, deployment: Deployment, parts: Containers) -> None:
    """Make the job's identity an administrator, and open the firewall for the app.

    An app outside a virtual network has no address of its own.
    """
    administrator = Account(
        object_id=parts.setup["principalId"],
        name=parts.setup["name"],
        kind="ServicePrincipal",
        subscription="",
    )
    servers.set_administrator(az, deployment, administrator)
    firewall.let_azure_in(az, deployment, firewall.rules(az, deployment))


def serve(az: Az, names: Names, parts: Containers, project: Path) -> None:
    """Give the app the image and its settings; made with a new SECRET_KEY if missing."""
    app = find(az, names, resources.APP, names.app)
    if app and containers.image_of(app) == parts.image and has_probes(app):
        az.console.done(f"App {names.app} has the image")
        return
    if app is None:
        create_app(az, names, parts)
    az.change(
        *("containerapp", "update", "--name", names.app),
        *("--resource-group", names.group),
        *(
            "--yaml",
            containers.write(project, "app", parts.app(names.app), dry_run=az.dry_run),
        ),
        what="Changing the app, usually a minute",
        done=f"App {names.app} has the image",
    )


def has_probes(app: dict[str, Any]) -> bool:
    return bool(app["properties"]["template"]["containers"][0].get("probes"))


def create_app(az: Az, names: Names, parts: Containers) -> None:
    """Create the app; its SECRET_KEY goes to Azure alone, where it stays."""
    settings = parts.settings(names.app)
    az.change(
        *("containerapp", "create", "--name", names.app),
        *("--resource-group", names.group, "--environment", parts.environment["id"]),
        *("--image", parts.image, "--user-assigned", parts.web["id"]),
        *("--registry-server", parts.registry["loginServer"]),
        *("--registry-identity", parts.web["id"]),
        *("--ingress", "external", "--target-port", str(containers.PORT)),
        *("--min-replicas", "0", "--max-replicas", str(containers.MOST_REPLICAS)),
        *("--secrets", f"{containers.SECRET}={FROM_INPUT}"),
        *("--env-vars", f"SECRET_KEY=secretref:{containers.SECRET}"),
        *(f"{name}={value}" for name, value in settings.items()),
        *TAGGED,
        secret=secrets.token_urlsafe(50),
        what="Creating the app, usually 1 to 3 minutes",
        done=f"App {names.app} created",
    )


def ask(az: Az, deployment: Deployment) -> None:
    """Ask az for what show() prints, and print nothing of it."""
    names = resources.names_of(deployment)
    find(az, names, resources.APP, names.app)
    job.executions(az, names)


def show(az: Az, deployment: Deployment) -> None:
    """Print whether the app runs, with which image, and how its job ended last."""
    names = resources.names_of(deployment)
    app = find(az, names, resources.APP, names.app)
    if app is None:
        az.console.say(f"No app on Azure yet: {PROGRAM} app")
        return
    host = app["properties"]["configuration"]["ingress"]["fqdn"]
    az.console.done(f"App https://{host}/ ({containers.image_of(app)})")
    if job.succeeded(job.executions(az, names)):
        az.console.done("The job has brought the database up to date")
    else:
        az.console.warn(f"The job did not succeed when it ran last: {PROGRAM} app")


def delete(az: Az, deployment: Deployment) -> None:
    """Delete the app and its parts that azdeploy made, one after the other."""
    names = resources.names_of(deployment)
    for kind, name in names.parts:
        found = find(az, names, kind, name)
        if found is None or not is_ours(found):
            continue
        az.change(
            *(*kind.command, "delete", "--name", name),
            *("--resource-group", names.group, *kind.delete),
            what=f"Deleting {name}",
            done=f"{kind.label} {name} deleted",
        )
