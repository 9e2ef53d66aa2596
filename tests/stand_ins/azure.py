"""Fixtures: an identity, a gateway in front of PostgreSQL, and clients of both."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from django.conf import settings
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg import sql

from tests.stand_ins.certificates import Authority
from tests.stand_ins.entra import IdentityEndpoint, Issuer
from tests.stand_ins.gateway import Gateway
from vectorshop.db.embedded.cluster import Cluster
from vectorshop.db.embedded.server import ensure_running, leave
from vectorshop.db.entra import tokens

OBJECT_ID = "11111111-2222-3333-4444-555555555555"
# Each would change what is tested: other credentials, other roots, other servers.
MISLEADING = ("AZURE_", "IDENTITY_", "IMDS_", "MSI_", "PG", "SSL_CERT_", "DB_")


@dataclass
class Backend:
    """An embedded PostgreSQL, which has no TLS, with the app's role and database."""

    host: str
    port: int
    superuser: str
    bin_dir: Path
    role: str = "app@contoso.com"
    database: str = "shop"

    def admin(self, database: str = "postgres") -> psycopg.Connection:
        return psycopg.connect(
            host=self.host,
            port=self.port,
            user=self.superuser,
            dbname=database,
            autocommit=True,
        )


class Clock:
    """Time, as this process sees it, plus the seconds that a test lets pass."""

    def __init__(self) -> None:
        self.ahead = 0.0
        self._time = time.time

    def __call__(self) -> float:
        return self._time() + self.ahead

    def advance(self, seconds: float) -> None:
        self.ahead += seconds


@pytest.fixture(scope="session")
def backend() -> Iterator[Backend]:
    # Not pytest's folder, which it closes to other users: root's server is one.
    folder = Path(tempfile.mkdtemp(prefix="entra-"))
    folder.chmod(0o711)
    data_dir = folder / "postgres"
    Cluster(data_dir).create()
    with (data_dir / "postgresql.conf").open("a") as file:
        file.write("fsync = off\n")
    server = ensure_running(data_dir)
    if server.password:
        pytest.skip("The gateway cannot answer a server that asks for a password.")
    backend = Backend(server.host, server.port, server.user, server.bin_dir)
    role, database = sql.Identifier(backend.role), sql.Identifier(backend.database)
    with backend.admin() as admin:
        admin.execute(sql.SQL("CREATE ROLE {} LOGIN CREATEDB").format(role))
        with backend.admin("template1") as template:  # as an administrator would
            template.execute("CREATE EXTENSION vector")
        admin.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(database, role))
    yield backend
    leave(server.data_dir)
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def authority(tmp_path_factory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="session")
def issuer() -> Issuer:
    return Issuer()


@pytest.fixture(scope="session")
def identity_server(issuer) -> Iterator[IdentityEndpoint]:
    server = IdentityEndpoint(issuer)
    yield server
    server.stop()


@pytest.fixture(scope="session")
def gateway_server(issuer, authority, backend) -> Iterator[Gateway]:
    server = Gateway(issuer, (backend.host, backend.port), authority.issue("localhost"))
    yield server
    server.stop()


@pytest.fixture
def clock(monkeypatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(time, "time", clock)
    return clock


@pytest.fixture
def identity(identity_server, monkeypatch) -> Iterator[IdentityEndpoint]:
    """A managed identity, the only credential that this process can find."""
    for name in [name for name in os.environ if name.startswith(MISLEADING)]:
        monkeypatch.delenv(name)
    for name, value in identity_server.environment().items():
        monkeypatch.setenv(name, value)
    identity_server.reset()
    identity_server.claims = {"oid": OBJECT_ID}
    tokens._providers.clear()
    yield identity_server
    tokens._providers.clear()


@pytest.fixture
def gateway(gateway_server, identity, backend, django_db_blocker) -> Iterator[Gateway]:
    """The server to connect to; its role `backend.role` is the identity's."""
    gateway_server.reset()
    gateway_server.roles = {backend.role: OBJECT_ID}
    identity.claims |= {"upn": backend.role}
    with django_db_blocker.unblock():
        yield gateway_server


@pytest.fixture
def connect(
    gateway, backend, authority
) -> Iterator[Callable[..., BaseDatabaseWrapper]]:
    """A function that returns `connections["entra"]`, made anew for DATABASES.

    Keyword arguments replace the entry's settings, `options` its OPTIONS (None: without).
    """

    def close() -> None:
        if "entra" in connections.databases:
            connections["entra"].close()
            connections["entra"].close_pool()
            del connections["entra"], connections.databases["entra"]

    def make(options: dict | None = None, **changes: object) -> BaseDatabaseWrapper:
        close()
        options = {
            "hostaddr": "127.0.0.1",
            "sslrootcert": str(authority.root),
            "entra": {"credential": "managed-identity"},
            **(options or {}),
        }
        entry = {
            "ENGINE": "vectorshop.db.entra",
            "HOST": "localhost",
            "PORT": gateway.port,
            "NAME": backend.database,
            "USER": backend.role,
            "OPTIONS": {
                key: value for key, value in options.items() if value is not None
            },
            **changes,
        }
        databases = {"default": {}, "entra": entry}
        connections.databases["entra"] = connections.configure_settings(databases)[
            "entra"
        ]
        return connections["entra"]

    yield make
    close()


@pytest.fixture
def manage(
    gateway, backend, authority, identity
) -> Callable[..., subprocess.CompletedProcess]:
    """A function that runs manage.py, or Python *code*, against the gateway."""

    def run(
        *args: str, code: str = "", **variables: str
    ) -> subprocess.CompletedProcess:
        command = ["-c", code, *args] if code else ["manage.py", *args]
        environment = {
            **os.environ,
            "DB_HOST": "127.0.0.1",
            "DB_PORT": str(gateway.port),
            "DB_NAME": backend.database,
            "DB_USER": backend.role,
            "DB_SSLROOTCERT": str(authority.root),
            "DJANGO_SETTINGS_MODULE": "vectorshop.settings",
            "SECRET_KEY": settings.SECRET_KEY,
            **variables,
        }
        return subprocess.run(
            [sys.executable, *command],
            cwd=Path(settings.BASE_DIR),
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
        )

    return run
