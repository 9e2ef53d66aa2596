"""The shop with a standby: the primary and its copy are on this machine."""

from __future__ import annotations

import shutil
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.db import connection

from serving.baselines import ROOT, SHOP
from serving.server import START_SECONDS, Server, serving
from vectorshop.db.embedded.cluster import Cluster
from vectorshop.replica_middleware import HEADER

FOLDER = "benchmark_standby"  # beside the primary's


@contextmanager
def serve_with_standby(server: str) -> Iterator[Server]:
    """Run the shop by a server; a new standby answers the pages that only read.

    Raises RuntimeError if the database is not the embedded one.
    """
    options = connection.settings_dict["OPTIONS"]
    if "data_dir" not in options:
        raise RuntimeError("--standby copies the embedded server only.")
    primary = Cluster(Path(options["data_dir"]).resolve())
    standby = Cluster(primary.data_dir.with_name(FOLDER))
    connection.ensure_connection()  # starts the primary
    try:
        standby.create_standby(primary)
        with serving(SHOP, server, folder=ROOT, DB_REPLICA_HOSTS=FOLDER) as shop:
            wait_for_standby(shop)
            yield shop
    finally:
        remove(standby)


def wait_for_standby(shop: Server) -> None:
    """Return when the standby answers; raise RuntimeError if it does not."""
    deadline = time.monotonic() + START_SECONDS
    request = urllib.request.Request(f"http://127.0.0.1:{shop.port}/")
    request.add_header("Host", "localhost")
    while time.monotonic() < deadline:
        with urllib.request.urlopen(request, timeout=START_SECONDS) as response:
            if response.headers[HEADER] == "replica1":
                return
        time.sleep(0.2)
    raise RuntimeError(f"{FOLDER} answers no page. See its server.log.")


def remove(standby: Cluster) -> None:
    """Stop the standby if it runs, and delete its files."""
    if standby.answers():
        standby.stop()
    shutil.rmtree(standby.data_dir, ignore_errors=True)
    for file in standby.data_dir.parent.glob(f"{FOLDER}.*"):
        file.unlink()
