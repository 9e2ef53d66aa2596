"""DB_HOST=a,b with one port for all: the shop goes to the server that takes writes."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import psycopg
import pytest
from django.conf import settings

if os.name == "nt":
    pytest.skip(
        "the embedded server has Unix sockets on Unix only", allow_module_level=True
    )

from vectorshop.db.embedded.cluster import Cluster

PORT = "5432"


# Where a new process of the shop is connected to.
PROGRAM = """
import django
django.setup()
from django.db import connection
with connection.cursor() as cursor:
    cursor.execute("SHOW data_directory")
    print(cursor.fetchone()[0])
"""


@pytest.fixture(scope="module")
def servers():
    """Return two servers of the same port, apart by the folders of their sockets."""
    folder = Path(tempfile.mkdtemp(prefix="two-")).resolve()
    folder.chmod(0o711)
    clusters = [Cluster(folder / name) for name in ("a", "b")]
    for cluster in clusters:
        cluster.create()
        cluster.start()
        address = cluster.address()
        assert (address.host, str(address.port)) == (str(cluster.data_dir), PORT)
    yield clusters
    for cluster in clusters:
        if cluster.answers():
            cluster.stop()
    shutil.rmtree(folder)


def connect(cluster):
    address = cluster.address()
    return psycopg.connect(
        host=address.host,
        port=address.port,
        user="postgres",
        dbname="postgres",
        autocommit=True,
    )


def let_writes_go_to(servers, *chosen):
    """Let the others refuse writes, as a standby does."""
    for number, cluster in enumerate(servers):
        mode = "off" if number in chosen else "on"
        with connect(cluster) as admin:
            admin.execute(f"ALTER SYSTEM SET default_transaction_read_only = {mode}")
            admin.execute("SELECT pg_reload_conf()")


def where(servers, **variables):
    """Return the number of the server that a new process of the shop talks to."""
    result = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=settings.BASE_DIR,
        env={
            **os.environ,
            "DB_HOST": ", ".join(str(cluster.data_dir) for cluster in servers),
            "DB_PORT": PORT,
            "DB_NAME": "postgres",
            "DB_USER": "postgres",
            "DB_PASSWORD": "not asked for",
            "DJANGO_SETTINGS_MODULE": "vectorshop.settings",
            **variables,
        },
        capture_output=True,
        text=True,
        timeout=60,
    )
    if result.returncode:
        return result.stderr.splitlines()[-1]
    return [str(cluster.data_dir) for cluster in servers].index(result.stdout.strip())


def test_the_server_that_takes_writes_is_found_wherever_it_stands(servers):
    for primary in (0, 1):
        let_writes_go_to(servers, primary)

        assert where(servers) == primary


def test_the_others_are_had_by_asking_for_them(servers):
    let_writes_go_to(servers, 0)

    assert where(servers, DB_TARGET_SESSION_ATTRS="read-only") == 1
    assert where(servers, DB_TARGET_SESSION_ATTRS="any") == 0


def test_a_server_that_is_down_is_passed_over(servers):
    let_writes_go_to(servers, 0, 1)
    servers[0].stop()

    try:
        assert where(servers) == 1
    finally:
        servers[0].start()


def test_without_a_server_that_takes_writes_the_reason_is_said(servers):
    let_writes_go_to(servers)

    assert "session is read-only" in where(servers)
