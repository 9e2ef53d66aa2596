"""What the shop's pages are compared with: other checkouts, the lab."""

from __future__ import annotations

import json
import re
import sys
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


def serve_checkout(folder: Path) -> AbstractContextManager[Server]:
    """Run the shop of another checkout by its own server, with its own packages.

    That is gunicorn where its requirements name it. Raises RuntimeError if it would
    start an embedded database of its own.
    """
    if "embedded" in connection.settings_dict["ENGINE"]:
        theirs, ours = folder / ".data", ROOT / ".data"
        if theirs.resolve() != ours.resolve():
            raise RuntimeError(
                f"{folder} has another database. Let it have this one: "
                f"ln -s {ours} {theirs}"
            )
    requirements = (folder / "requirements.txt").read_text(encoding="utf-8")
    named = re.search(r"^gunicorn\b", requirements, re.MULTILINE)
    python = folder / ".venv/bin/python"
    return serving(
        SHOP,
        "gunicorn" if named else "granian",
        folder=folder,
        python=str(python) if python.exists() else sys.executable,
    )


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
