"""What the shop's pages are compared with: the lab."""

from __future__ import annotations

import json
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from django.db import connection

from serving.server import Server, serving

ROOT = Path(__file__).resolve().parent.parent.parent
BENCHMARKS = ROOT / "benchmarks"
SHOP = "vectorshop.wsgi:application"


def serve_shop(server: str) -> AbstractContextManager[Server]:
    """Run this shop by a server."""
    return serving(SHOP, server, folder=ROOT)


def serve_lab() -> AbstractContextManager[Server]:
    """Run the lab's approach."""
    return serving(
        "serving.lab:application",
        "granian, WSGI",
        folder=BENCHMARKS,
        LAB_CONNECTION=json.dumps(connection_params()),
    )


def connection_params() -> dict[str, Any]:
    """Return what libpq needs to reach the database, and the session's options."""
    params = connection.get_connection_params()
    names = ("host", "port", "user", "password", "dbname", "sslmode", "options")
    return {name: params[name] for name in names if params.get(name)}
