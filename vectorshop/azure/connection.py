"""Connection info: who connects to which host, into the files that shells read."""

from __future__ import annotations

from pathlib import Path

from django.core.management.base import CommandError

from vectorshop.azure import dotenv, server as servers
from vectorshop.azure.account import Account, access_token
from vectorshop.azure.cli import Az
from vectorshop.azure.deployment import DATABASE, PORT, PROGRAM, Deployment


def database_user(az: Az, deployment: Deployment, account: Account) -> str:
    """Return the signed-in account's name in the database.

    Raises CommandError when the server has no Microsoft Entra administrator.
    """
    admins = servers.administrators(az, deployment)
    if not admins:
        raise CommandError(
            f"{deployment.server} has no Microsoft Entra administrator yet, so nobody "
            f"can sign in. Run: {PROGRAM} admin (option 2 of the menu)."
        )
    name = servers.administrator_name(admins, account)
    if name is None:
        az.console.warn(
            f"{account.name} is not an administrator of {deployment.server}: it can "
            f"connect only after an administrator made it a role ({PROGRAM} role)."
        )
        return account.name
    return name


def write_files(
    az: Az,
    deployment: Deployment,
    account: Account,
    folder: Path,
    *,
    with_token: bool,
) -> None:
    """Show host, database and user, and write them to .env and .env.ps1 in *folder*."""
    server = servers.existing_server(az, deployment)
    values = {
        "DB_HOST": server["fullyQualifiedDomainName"],
        "DB_PORT": str(PORT),
        "DB_NAME": DATABASE,
        "DB_USER": database_user(az, deployment, account),
    }
    for name, value in values.items():
        az.console.say(f"{name}={value}")
    if az.dry_run:
        az.console.say(f"Would write .env and .env.ps1 in {folder}")
        return
    if with_token:
        values["PGPASSWORD"] = access_token(az)
        az.console.warn(
            "PGPASSWORD holds a token: whoever reads .env can sign in as you for up "
            f"to an hour. Run `{PROGRAM} env` again to remove it."
        )
    for path in dotenv.write(folder, values):
        az.console.done(f"Written: {path}")
    warn_about_password(az, folder)


def warn_about_password(az: Az, folder: Path) -> None:
    lines = dotenv.other_lines(folder / ".env")
    if any(line.partition("=")[0].split()[-1:] == ["DB_PASSWORD"] for line in lines):
        az.console.warn(
            ".env has a line DB_PASSWORD, so the app would use that password and no "
            "token. Remove the line."
        )
