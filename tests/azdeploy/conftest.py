"""An Azure to work on: the stand-in az, an address service, a server with its functions."""

import shutil
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import psycopg
import pytest
from django.db.utils import ConnectionHandler

from tests.stand_ins.azdeploy import AzureStandIn
from vectorshop.azure import cli, firewall
from vectorshop.db.embedded.server import ensure_running, leave

MY_ADDRESS = "203.0.113.7"
# How Azure hands a server over: its administrator is no superuser.
AZURE = """
CREATE ROLE ada LOGIN CREATEROLE;
GRANT CREATE ON SCHEMA public TO ada WITH GRANT OPTION;
GRANT USAGE ON SCHEMA public TO ada WITH GRANT OPTION;
GRANT CONNECT ON DATABASE postgres TO ada WITH GRANT OPTION;
CREATE EXTENSION vector;
CREATE TABLE principals (rolname text, principaltype text, objectid text, isadmin int);
CREATE FUNCTION pgaadauth_create_principal_with_oid(
    rolename text, objectid text, objecttype text, isadmin bool, ismfa bool
) RETURNS text LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    EXECUTE format('CREATE ROLE %I LOGIN', rolename);
    INSERT INTO public.principals VALUES (rolename, objecttype, objectid, isadmin::int);
    RETURN 'Created role for ' || rolename;
END $$;
CREATE FUNCTION pgaadauth_list_principals(onlyadmins bool) RETURNS SETOF principals
LANGUAGE sql SECURITY DEFINER AS 'SELECT * FROM public.principals';
"""


@pytest.fixture
def azure(tmp_path, monkeypatch, settings, address_service):
    """Return an empty, signed-in Azure; .env files go to `project`."""
    project = tmp_path / "project"
    project.mkdir()
    settings.BASE_DIR = project
    monkeypatch.setattr(cli, "TICK_SECONDS", 0.05)
    folder = tmp_path / "bin"
    folder.mkdir()
    return AzureStandIn(folder, monkeypatch)


@pytest.fixture
def project(azure, settings):
    return settings.BASE_DIR


@pytest.fixture
def address_service(monkeypatch):
    """Answer the question for the caller's address; `answers` may be changed."""
    answers = [MY_ADDRESS.encode()]

    class Service(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(answers[0])

        def log_message(self, *args):
            pass

    with HTTPServer(("127.0.0.1", 0), Service) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,)).start()
        address = f"http://127.0.0.1:{server.server_port}"
        monkeypatch.setattr(firewall, "ADDRESS_SERVICE", address)
        yield answers
        server.shutdown()


@pytest.fixture(scope="module")
def postgres():
    """Return how to reach a server of its own: roles belong to a whole server."""
    # Not pytest's folder, which it closes to other users: root's server is one.
    folder = Path(tempfile.mkdtemp(prefix="roles-"))
    folder.chmod(0o711)
    server = ensure_running(folder / "postgres")
    yield {"host": server.host, "user": server.user, "dbname": "postgres"}
    leave(server.data_dir)
    shutil.rmtree(folder)


@pytest.fixture
def connect(postgres, django_db_blocker):
    """Return a function that connects as a role, on a server as Azure hands it over."""
    with psycopg.connect(**postgres, autocommit=True) as superuser:
        superuser.execute(AZURE)

    def connect_as(user):
        settings = {
            "ENGINE": "django.db.backends.postgresql",
            "HOST": postgres["host"],
            "NAME": "postgres",
            "USER": user,
        }
        return ConnectionHandler({"default": settings})["default"]

    # This server is not in DATABASES, so nothing of the suite's is touched.
    with django_db_blocker.unblock():
        yield connect_as
    with psycopg.connect(**postgres, autocommit=True) as superuser:
        superuser.execute("DROP SCHEMA public CASCADE")
        for (role,) in superuser.execute(
            "SELECT rolname FROM pg_roles WHERE oid > 16383 AND NOT rolsuper"
        ).fetchall():
            name = psycopg.sql.Identifier(role)
            superuser.execute(psycopg.sql.SQL("DROP OWNED BY {}").format(name))
            superuser.execute(psycopg.sql.SQL("DROP ROLE {}").format(name))
        superuser.execute(
            "CREATE SCHEMA public; GRANT USAGE ON SCHEMA public TO public"
        )
