"""What the app consists of besides the server: found by name, or made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from vectorshop.azure.cli import Az
from vectorshop.azure.deployment import TAG, TAG_VALUE, Deployment

TAGGED = ("--tags", f"{TAG}={TAG_VALUE}")


@dataclass(frozen=True)
class Kind:
    """A kind of resource: az's command for it, what people call it, its ARM type."""

    command: tuple[str, ...]
    label: str
    type: str
    delete: tuple[str, ...] = ("--yes",)


APP = Kind(("containerapp",), "App", "Microsoft.App/containerApps")
JOB = Kind(("containerapp", "job"), "Job", "Microsoft.App/jobs")
ENVIRONMENT = Kind(
    ("containerapp", "env"), "Environment", "Microsoft.App/managedEnvironments"
)
WORKSPACE = Kind(
    ("monitor", "log-analytics", "workspace"),
    "Log Analytics workspace",
    "Microsoft.OperationalInsights/workspaces",
    ("--yes", "--force", "true"),
)
REGISTRY = Kind(("acr",), "Registry", "Microsoft.ContainerRegistry/registries")
IDENTITY = Kind(
    ("identity",),
    "Identity",
    "Microsoft.ManagedIdentity/userAssignedIdentities",
    (),
)


@dataclass(frozen=True)
class Names:
    """The names of one app's resources; *tag* is the account's 8 hex digits."""

    group: str
    location: str
    tag: str

    @property
    def app(self) -> str:
        return f"ca-web-{self.tag}"

    @property
    def job(self) -> str:
        return f"job-setup-{self.tag}"

    @property
    def environment(self) -> str:
        return f"cae-vectorshop-{self.tag}"

    @property
    def workspace(self) -> str:
        return f"log-vectorshop-{self.tag}"

    @property
    def registry(self) -> str:
        return f"vectorshop{self.tag}"

    @property
    def setup_identity(self) -> str:
        return f"id-setup-{self.tag}"

    @property
    def web_identity(self) -> str:
        return f"id-web-{self.tag}"

    @property
    def parts(self) -> list[tuple[Kind, str]]:
        """Return every resource, in the order in which they can be deleted."""
        return [
            (APP, self.app),
            (JOB, self.job),
            (ENVIRONMENT, self.environment),
            (WORKSPACE, self.workspace),
            (REGISTRY, self.registry),
            (IDENTITY, self.web_identity),
            (IDENTITY, self.setup_identity),
        ]


def names_of(deployment: Deployment) -> Names:
    return Names(deployment.group, deployment.location, deployment.owner)


def find(az: Az, names: Names, kind: Kind, name: str) -> dict[str, Any] | None:
    """Return what az knows of a resource, or None when it does not exist.

    By a list, because `show` does not fail in the same way for every kind.
    """
    found = az.read(*kind.command, "list", "--resource-group", names.group)
    for resource in found:
        if resource["name"].lower() == name.lower():
            return dict(resource)
    return None


def ensure(
    az: Az, names: Names, kind: Kind, name: str, *options: str
) -> dict[str, Any]:
    """Return a resource, made with *options* if it does not exist."""
    found = find(az, names, kind, name)
    if found is not None:
        az.console.done(f"{kind.label} {name} exists")
        return found
    az.change(
        *(*kind.command, "create", "--name", name, "--resource-group", names.group),
        *("--location", names.location, *options, *TAGGED),
        what=f"Creating {name}",
        done=f"{kind.label} {name} created",
    )
    if az.dry_run:
        return unknown(names, kind, name)
    made = find(az, names, kind, name)
    assert made, f"az made no {name}"
    return made


def is_known(resource: dict[str, Any]) -> bool:
    """Return whether Azure has told the ids of a resource."""
    return "YOUR_" not in resource["id"]


def unknown(names: Names, kind: Kind, name: str) -> dict[str, Any]:
    """Return a resource that only Azure knows, as a dry run shows it."""
    group = f"/subscriptions/YOUR_SUBSCRIPTION/resourceGroups/{names.group}"
    return {
        "id": f"{group}/providers/{kind.type}/{name}",
        "name": name,
        "principalId": f"YOUR_PRINCIPAL_ID_OF_{name}",
        "clientId": f"YOUR_CLIENT_ID_OF_{name}",
        "customerId": "YOUR_WORKSPACE_ID",
        "loginServer": f"{name}.azurecr.io",
        "properties": {"defaultDomain": "YOUR_DOMAIN"},
    }
