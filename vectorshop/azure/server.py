"""The steps from an empty subscription to a server that takes tokens."""

from __future__ import annotations

import secrets
from typing import Any

from django.core.management.base import CommandError

from vectorshop.azure import firewall
from vectorshop.azure.account import Account
from vectorshop.azure.cli import FROM_INPUT, Az, AzError
from vectorshop.azure.deployment import (
    CLUSTER_SKU,
    PROGRAM,
    SKU,
    STORAGE_GB,
    TAG,
    TAG_VALUE,
    Deployment,
    is_ours,
)

PROVIDER = "Microsoft.DBforPostgreSQL"
EXTENSION = "VECTOR"
SERVER = ("postgres", "flexible-server")
# The login of the administrator whose password nobody knows, see create_server().
UNUSED_ADMINISTRATOR = "vectorshop_unused"
PRICES = "https://azure.microsoft.com/pricing/details/postgresql/flexible-server/"
# List prices of US regions, rounded up; PRICES has those of today.
MONTHLY_COST = {
    SKU: "about 17 US dollars a month",
    CLUSTER_SKU: "above 130 US dollars a month",
}


def create(
    az: Az,
    deployment: Deployment,
    account: Account,
    *,
    ip: firewall.Range | str,
    allow_azure: bool,
) -> None:
    """Make the server and all it needs, or finish what an earlier run left.

    Every step looks first and changes only what is missing. Raises CommandError at
    the first step that fails; running it again goes on from there.
    """
    addresses = firewall.wanted_range(az, ip)
    server = find_server(az, deployment)
    if server is None:
        announce_cost(az, deployment)
        register_provider(az, PROVIDER)
        check_offer(az, deployment)
        create_group(az, deployment)
        create_server(az, deployment)
    else:
        wake(az, deployment, server)
    missing = server is None and az.dry_run  # there is no server to read from
    if not missing:
        made = server or az.read(*SERVER, "show", *deployment.named)
        check_passwords_are_off(az, deployment, made)
    allow_extension(az, deployment, missing=missing)
    firewall.apply(
        az,
        deployment,
        addresses,
        allow_azure=allow_azure,
        existing={} if missing else firewall.rules(az, deployment),
    )
    set_administrator(az, deployment, account, missing=missing)
    if not az.dry_run:
        az.console.say(
            f"Next: `{PROGRAM} env` (option 4 of the menu). The server costs money until "
            f"`{PROGRAM} cleanup`."
        )


def find_server(az: Az, deployment: Deployment) -> dict[str, Any] | None:
    """Return what az knows of the server, or None when it does not exist."""
    found: dict[str, Any] | None = az.find(*SERVER, "show", *deployment.named)
    return found


def existing_server(az: Az, deployment: Deployment) -> dict[str, Any]:
    """Return the server. Raises CommandError unless it exists and is ready."""
    server = find_server(az, deployment)
    if server is None:
        raise CommandError(
            f"There is no server {deployment.server} in group {deployment.group}. "
            f"Create it first: {PROGRAM} create (option 1 of the menu)."
        )
    if server["state"] != "Ready":
        raise CommandError(
            f"The server {deployment.server} is not ready: {server['state']}. "
            f"`{PROGRAM} create` waits for it, and starts it if it was stopped."
        )
    return server


def announce_cost(az: Az, deployment: Deployment) -> None:
    """Say what will be made and what it costs, and ask whether to go on."""
    size = f"{deployment.sku}, PostgreSQL {deployment.version}, {STORAGE_GB} GiB"
    if deployment.nodes:
        size += f", elastic cluster of {deployment.nodes} nodes"
    cost = MONTHLY_COST.get(deployment.sku, "see the price list")
    if deployment.nodes:
        cost += " for each node"
    az.console.say(
        f"Server {deployment.server} ({size})\n"
        f"in group {deployment.group}, {deployment.location}.\n"
        f"It costs money until `{PROGRAM} cleanup`, {cost}:\n{PRICES}"
    )
    if not az.dry_run:
        az.console.confirm("Create it?")


def register_provider(az: Az, name: str) -> None:
    state = az.read("provider", "show", "--namespace", name)["registrationState"]
    if state != "Registered":
        az.change(
            *("provider", "register", "--namespace", name, "--wait"),
            what=f"Registering {name} for the subscription",
            done=f"Provider {name} registered",
        )


def check_offer(az: Az, deployment: Deployment) -> None:
    """Raise CommandError when the region does not offer this size or version."""
    offers = az.read(*SERVER, "list-skus", "--location", deployment.location)
    if az.offline:
        return
    features = {
        feature["name"]: feature["status"]
        for offer in offers
        for feature in offer.get("supportedFeatures") or []
    }
    if not offers or features.get("OfferRestricted") == "Enabled":
        raise CommandError(
            f"Your subscription may not create servers in {deployment.location}. "
            "Choose another region, for example --location canadacentral."
        )
    skus = {
        sku["name"]
        for offer in offers
        for tier in offer["supportedServerEditions"]
        if tier["name"] == deployment.tier
        for sku in tier["supportedServerSkus"]
    }
    check_offered(deployment.sku, skus, "--sku", deployment)
    versions = {
        version["name"]
        for offer in offers
        for version in offer["supportedServerVersions"]
    }
    check_offered(deployment.version, versions, "--version", deployment)


def check_offered(
    wanted: str, offered: set[str], option: str, deployment: Deployment
) -> None:
    if wanted.lower() not in {name.lower() for name in offered}:
        raise CommandError(
            f"{deployment.location} does not offer {wanted} in the tier "
            f"{deployment.tier}. {option} may be: {', '.join(sorted(offered)) or 'none'}; "
            "or choose another --location."
        )


def create_group(az: Az, deployment: Deployment) -> None:
    if az.find("group", "show", "--name", deployment.group) is not None:
        az.console.done(f"Resource group {deployment.group} exists")
        return
    az.change(
        *("group", "create", "--name", deployment.group),
        *("--location", deployment.location, "--tags", f"{TAG}={TAG_VALUE}"),
        what="Creating the resource group",
        done=f"Resource group {deployment.group} created",
    )


def create_server(az: Az, deployment: Deployment) -> None:
    """Create the server: public address without any rule, tokens only, no password.

    The administrator is set by a command of its own: az does not wait for the one
    given here, so that the next change could meet a busy server. An Azure that wants a
    password although passwords cannot sign in gets a random one that is not kept. See
    https://github.com/Azure/bicep-types-az/issues/2779
    """
    size = ["--sku-name", deployment.sku, "--tier", deployment.tier]
    if deployment.nodes:
        size += ["--node-count", str(deployment.nodes)]
    command = (
        *(*SERVER, "create", *deployment.named, "--location", deployment.location),
        *(*size, "--storage-size", str(STORAGE_GB), "--version", deployment.version),
        # "Enabled" opens no address; "None" would switch public access off.
        *("--public-access", "Enabled"),
        *("--microsoft-entra-auth", "Enabled", "--password-auth", "Disabled"),
        *("--tags", f"{TAG}={TAG_VALUE}", "--yes"),
    )
    what = "Creating the server, usually 5 to 10 minutes"
    done = f"Server {deployment.server} created"
    try:
        az.change(*command, what=what, done=done)
    except AzError as err:
        if not wants_password(err):
            raise
        az.console.warn(
            "Azure asks for an administrator's password, although no password can sign "
            "in to this server. The command is repeated once, with a random password "
            "that is neither shown nor stored."
        )
        az.change(
            *(*command, "--admin-user", UNUSED_ADMINISTRATOR),
            *("--admin-password", FROM_INPUT),
            secret=random_password(),
            what=what,
            done=done,
        )


def wants_password(error: AzError) -> bool:
    """Return whether Azure refused for want of an administrator's password."""
    text = error.text.lower()
    return "missingrequiredparameter" in text and "administratorlogin" in text


def random_password() -> str:
    """Return 67 characters, of the four kinds of which Azure wants three."""
    return "aA1-" + secrets.token_urlsafe(47)


def check_passwords_are_off(
    az: Az, deployment: Deployment, server: dict[str, Any]
) -> None:
    """Raise CommandError when a password could sign in to a server of azdeploy's.

    Only a warning for a server that somebody else made.
    """
    if (server.get("authConfig") or {}).get("passwordAuth") == "Disabled":
        return
    message = (
        f"Passwords can sign in to {deployment.server}. Switch that off: "
        f"az {' '.join(SERVER)} update {' '.join(deployment.named)} "
        "--password-auth Disabled"
    )
    if is_ours(server):
        raise CommandError(f"{message}\nThen run `{PROGRAM} create` again.")
    az.console.warn(message)


def wake(az: Az, deployment: Deployment, server: dict[str, Any]) -> None:
    """Return when the existing server is ready, starting it if it was stopped."""
    state = server["state"]
    if state == "Ready":
        az.console.done(f"Server {deployment.server} exists and is ready")
        return
    if state in ("Stopped", "Stopping"):
        az.change(
            *(*SERVER, "start", *deployment.named),
            what="Starting the stopped server, usually 1 to 3 minutes",
            done=f"Server {deployment.server} started",
        )
        return
    az.console.say(f"Server {deployment.server} is not ready yet: {state}.")
    az.change(
        *(*SERVER, "wait", *deployment.named),
        *("--custom", "state=='Ready'", "--interval", "15", "--timeout", "1800"),
        what="Waiting for the server",
        done=f"Server {deployment.server} is ready",
    )


def allowed_extensions(az: Az, deployment: Deployment) -> list[str]:
    """Return the extensions that may be created on this server, as listed there."""
    answer = az.read(
        *(*SERVER, "parameter", "show"), *deployment.place, "--name", "azure.extensions"
    )
    return [name.strip() for name in (answer["value"] or "").split(",") if name.strip()]


def allow_extension(az: Az, deployment: Deployment, *, missing: bool) -> None:
    """Add pgvector to the server's allowed extensions, keeping those listed."""
    allowed = [] if missing else allowed_extensions(az, deployment)
    if EXTENSION in (name.upper() for name in allowed):
        az.console.done("Extension vector is allowed")
        return
    az.change(
        *(*SERVER, "parameter", "set", *deployment.place, "--name", "azure.extensions"),
        *("--value", ",".join([*allowed, EXTENSION])),
        what="Allowing the extension vector",
        done="Extension vector is allowed",
    )


def administrators(az: Az, deployment: Deployment) -> list[dict[str, Any]]:
    """Return the server's Microsoft Entra administrators."""
    found: list[dict[str, Any]] = az.read(
        *(*SERVER, "microsoft-entra-admin", "list"), *deployment.place
    )
    return found


def administrator_name(admins: list[dict[str, Any]], account: Account) -> str | None:
    """Return the database name of *account* as administrator, None if it is not one."""
    for admin in admins:
        if str(admin["objectId"]).lower() == account.object_id.lower():
            return str(admin["principalName"])
    return None


def set_administrator(
    az: Az, deployment: Deployment, account: Account, *, missing: bool = False
) -> None:
    """Make the signed-in account an administrator; others stay as they are."""
    admins = [] if missing else administrators(az, deployment)
    name = administrator_name(admins, account)
    if name:
        az.console.done(f"Microsoft Entra administrator: {name}")
        return
    az.change(
        *(*SERVER, "microsoft-entra-admin", "create", *deployment.place),
        *("--display-name", account.name, "--object-id", account.object_id),
        *("--type", account.kind),
        what="Setting the Microsoft Entra administrator",
        done=f"Microsoft Entra administrator: {account.name}",
    )
