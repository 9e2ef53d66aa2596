"""System checks of DATABASES entries that use this backend; none connects."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.core.exceptions import ImproperlyConfigured
from django.db import connections

from vectorshop.db.entra.parameters import VERIFIED_MODES, sign_in_parameters

ENGINE = "vectorshop.db.entra"
# PgBouncer on a flexible server and on an elastic cluster
POOLER_PORTS = {"6432", "8432"}
AZURE = (".azure.com", ".chinacloudapi.cn", ".usgovcloudapi.net", ".sovcloud-api.fr")


@register(Tags.security)
def check_entra_databases(
    app_configs: Sequence[AppConfig] | None, **kwargs: object
) -> list[CheckMessage]:
    """Return what is wrong with the entries of DATABASES."""
    messages: list[CheckMessage] = []
    for alias, database in connections.settings.items():
        if database["ENGINE"] == ENGINE:
            messages += [
                *check_sign_in(alias, database),
                *check_pooling(alias, database),
            ]
    return messages


def check_sign_in(alias: str, database: dict[str, Any]) -> Iterator[CheckMessage]:
    """Yield what is wrong with the way the connection is secured."""
    where = f"DATABASES[{alias!r}]"
    if database["PASSWORD"]:
        hosts = database["HOST"].lower().split(",")
        if any(host.endswith(AZURE) for host in hosts):
            yield Warning(
                f"{where} signs in to Azure with a password.",
                hint="Leave DB_PASSWORD empty to sign in with an Entra token.",
                id="entra.W002",
            )
        return
    try:
        mode = sign_in_parameters(database)["sslmode"]
    except ImproperlyConfigured as err:
        yield Error(f"{where}: {err}", id="entra.E004")
        return
    if mode not in VERIFIED_MODES:
        yield Warning(
            f"{where} sends its token without checking who the server is "
            f"(sslmode {mode!r}).",
            hint="Use DB_SSLMODE=verify-full, with DB_SSLROOTCERT if needed.",
            id="entra.W001",
        )


def check_pooling(alias: str, database: dict[str, Any]) -> Iterator[CheckMessage]:
    """Yield what is wrong with a pool in this process or in front of the server."""
    where, options = f"DATABASES[{alias!r}]", database["OPTIONS"]
    if options.get("pool") and database["CONN_MAX_AGE"] != 0:
        yield Error(
            f"{where} has both a pool and CONN_MAX_AGE.",
            hint="Set CONN_MAX_AGE to 0: the pool keeps the connections.",
            id="entra.E003",
        )
    if "pooler" not in options and str(database["PORT"]) not in POOLER_PORTS:
        return
    if not database.get("DISABLE_SERVER_SIDE_CURSORS"):
        yield Error(
            f"{where} uses server-side cursors through PgBouncer, where they are lost "
            "with the transaction.",
            hint="Set DISABLE_SERVER_SIDE_CURSORS to True.",
            id="entra.E001",
        )
    if options.get("prepare_threshold") is not None:
        yield Error(
            f"{where} prepares statements through PgBouncer, where one client would "
            "run those of another.",
            hint="Set DB_POOLER=true, or prepare_threshold to None.",
            id="entra.E005",
        )
    if options.get("options"):
        yield Error(
            f"{where} begins each session with settings (libpq's `options`), which "
            "PgBouncer refuses.",
            hint="Set them for the role instead: ALTER ROLE … SET …",
            id="entra.E006",
        )
    if not options.get("pooler"):
        yield Warning(
            f"{where} goes through PgBouncer, and no way past it is known: imports and "
            "builds of the index will not run.",
            hint="Set DB_DIRECT_PORT (on Azure 5432), and DB_DIRECT_HOST if it is another.",
            id="entra.W003",
        )
    if options.get("assume_role"):
        yield Error(
            f"{where} assumes a role through PgBouncer, which would hand it on to "
            "other clients.",
            hint="Use DB_ASSUME_ROLE with the server's own port and DB_POOLER=false.",
            id="entra.E002",
        )
