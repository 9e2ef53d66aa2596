"""What the shop's pages are compared with: other checkouts, FastAPI, the lab."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from django.db import connection

from serving.scenarios import SIMILAR, SIMILAR_JSON, Scenario
from serving.server import Server, serving

ROOT = Path(__file__).resolve().parent.parent.parent
BENCHMARKS = ROOT / "benchmarks"
SHOP = "vectorshop.wsgi:application"
SIZES = (0.9, 1.1)  # of the FastAPI page, times the shop's


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


@contextmanager
def fastapi_pages(same: list[Scenario], shop: Server) -> Iterator[dict[str, Server]]:
    """Run the FastAPI pages of a product by two servers; yield them by name.

    same: the scenarios whose pages they have; all run one statement, by id or by sku.

    Raises RuntimeError if they are not the pages of the shop any more.
    """
    by_name = {scenario.name: scenario for scenario in same}
    [[statement]] = by_name[SIMILAR].sql
    names = {"user": "user", "password": "password", "host": "host", "port": "port"}
    names |= {"dbname": "database", "sslmode": "ssl"}
    params = connection_params()
    options = {new: params[old] for old, new in names.items() if old in params}
    if "options" in params:
        options["server_settings"] = {"options": params["options"]}
    with ExitStack() as stack:
        servers = {
            f"FastAPI, {server.split(',')[0]}": stack.enter_context(
                serving(
                    "serving.fastapi_page:app",
                    server,
                    folder=BENCHMARKS,
                    PAGE_STATEMENT=statement.replace(":id", "$1"),
                    API_STATEMENT=for_any_sku(by_name[SIMILAR_JSON]),
                    PAGE_CONNECTION=json.dumps(options),
                )
            )
            for server in ("uvicorn", "granian, ASGI")
        }
        for name, server in servers.items():
            for scenario in same:
                require_same_size(name, server, shop, scenario.urls[0])
        yield servers


def for_any_sku(scenario: Scenario) -> str:
    """Return the statement of the API with `$1` in place of the sku."""
    sku = unquote(scenario.urls[0].split("/")[-2])
    return scenario.sql[0][0].replace(f"'{sku}'", "$1")


def require_same_size(name: str, server: Server, shop: Server, url: str) -> None:
    """Raise RuntimeError unless a page is about as large as the shop's."""
    size, theirs = len(shop.page(url)), len(server.page(url))
    low, high = SIZES
    if not low <= theirs / size <= high:
        raise RuntimeError(
            f"{name}: {url} has {theirs:,} bytes, the shop's {size:,}. Bring "
            "serving/fastapi_*.html up to date with templates/shop."
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
