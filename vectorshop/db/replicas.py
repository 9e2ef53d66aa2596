"""The entries of DATABASES for the standbys that DB_REPLICA_HOSTS names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured

# A standby that does not answer must not hold the page up: the primary is there. The
# second bound is for a connection that is open when the network to it is lost, which
# else hangs for a quarter of an hour.
CONNECT_SECONDS = 2
UNANSWERED_SECONDS = 2
# A name, an IPv4 address, an IPv6 address in brackets or the folder of a unix socket.
HOST = re.compile(r"(?P<host>\[[0-9a-fA-F:.]+\]|[^\[\]:]+)(?::(?P<port>\d{1,5}))?")
FOLDER = re.compile(r"[a-z0-9_-]+", re.IGNORECASE)


def replica_databases(
    primary: dict[str, Any], hosts: Sequence[str]
) -> dict[str, dict[str, Any]]:
    """Return an entry for each host, as `replica1`, `replica2`, …

    primary: the entry of the primary, whose user, password, database and options they
    share. hosts: each a host or host:port; with the embedded database the name of a
    folder beside the primary's. Raises ImproperlyConfigured for anything else.
    """
    make = embedded_replica if primary["ENGINE"].endswith("embedded") else replica
    return {
        f"replica{number}": make(primary, host)
        for number, host in enumerate(hosts, start=1)
    }


def replica(primary: dict[str, Any], host: str) -> dict[str, Any]:
    """Return the entry of a standby at host or host:port."""
    match = HOST.fullmatch(host)
    if match is None or not 1 <= int(match["port"] or primary["PORT"]) <= 65535:
        raise ImproperlyConfigured(
            f"DB_REPLICA_HOSTS: {host!r} is neither a host nor host:port."
        )
    return mirror(
        primary,
        HOST=match["host"].strip("[]"),
        PORT=int(match["port"] or primary["PORT"]),
        OPTIONS={
            "connect_timeout": CONNECT_SECONDS,
            "tcp_user_timeout": UNANSWERED_SECONDS * 1000,
            # A standby takes no writes, whatever is asked of the primary.
            "target_session_attrs": "any",
        },
    )


def embedded_replica(primary: dict[str, Any], name: str) -> dict[str, Any]:
    """Return the entry of an embedded standby in a folder beside the primary's."""
    data_dir = Path(primary["OPTIONS"]["data_dir"])
    if not FOLDER.fullmatch(name) or name == data_dir.name:
        raise ImproperlyConfigured(
            f"DB_REPLICA_HOSTS: {name!r} is not the name of a standby's folder in "
            f"{data_dir.parent}. With a server of your own set DB_HOST as well."
        )
    return mirror(primary, OPTIONS={"data_dir": data_dir.with_name(name)})


def mirror(
    primary: dict[str, Any], *, OPTIONS: dict[str, Any], **changes: Any
) -> dict[str, Any]:
    """Return the primary's entry with changes; the tests use the primary in its place."""
    return {
        **primary,
        **changes,
        "OPTIONS": {**primary["OPTIONS"], **OPTIONS},
        "TEST": {"MIRROR": "default"},
    }
