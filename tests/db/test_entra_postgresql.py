"""PostgreSQL itself, with TLS, refuses tokens that are not good (Debian's packages)."""

import os
import shutil
import tempfile
from pathlib import Path

import psycopg
import pytest
from django.db import DatabaseError, OperationalError, transaction
from psycopg import sql

from tests.stand_ins.entra import HOUR, Issuer, Refused
from vectorshop.db.entra.base import IDLE_SECONDS

if os.name == "nt":
    pytest.skip("Debian's PostgreSQL needs Debian", allow_module_level=True)

from tests.stand_ins.debian import DebianServer, why_not
from tests.stand_ins.ldap import Directory

pytest_plugins = ["tests.stand_ins.azure"]
pytestmark = pytest.mark.skipif(bool(why_not()), reason=why_not() or "it can run")


@pytest.fixture(scope="module")
def server(issuer, authority, backend):
    def is_valid(name, token):
        try:
            claims = issuer.claims_of(token)
        except Refused:
            return False
        return name == f"cn={claims['upn']},dc=contoso"

    directory = Directory(is_valid)
    folder = Path(tempfile.mkdtemp(prefix="debian-"))
    server = DebianServer(folder, authority, directory.port)
    role = sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(backend.role))
    with psycopg.connect(
        host=str(folder), port=server.port, user="postgres", dbname="postgres"
    ) as admin:
        admin.execute(role)
    yield server
    server.stop()
    directory.stop()
    shutil.rmtree(folder)


@pytest.fixture
def wrapper(connect, server):
    """A connection of Django's, not opened yet, to that server."""
    return connect(PORT=server.port, NAME="postgres")


def row(wrapper, query):
    with wrapper.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchone()


def test_a_good_token_is_accepted_over_tls(wrapper, backend, identity):
    version = "SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid()"

    assert row(wrapper, version) == ("TLSv1.3",)
    assert row(wrapper, "SELECT session_user") == (backend.role,)
    assert len(identity.issued) == 1


def test_the_settings_of_a_session_arrive(connect, server):
    wrapper = connect(
        PORT=server.port,
        NAME="postgres",
        options={"options": "-c random_page_cost=1.1"},
    )

    assert row(wrapper, "SHOW random_page_cost") == ("1.1",)


def expired(identity, issuer, clock):
    identity.claims["exp"] = clock() - 1


def forged(identity, issuer, clock):
    identity.issuer = Issuer()


def for_another_audience(identity, issuer, clock):
    identity.claims["aud"] = "https://graph.microsoft.com"


def of_somebody_else(identity, issuer, clock):
    identity.claims["upn"] = "eve@contoso.com"


@pytest.mark.parametrize(
    "spoil", [expired, forged, for_another_audience, of_somebody_else]
)
def test_a_bad_token_is_refused(wrapper, identity, issuer, clock, monkeypatch, spoil):
    monkeypatch.setattr(identity, "issuer", issuer)  # put back afterwards
    spoil(identity, issuer, clock)

    with pytest.raises(OperationalError, match="LDAP authentication failed for user"):
        wrapper.ensure_connection()


def test_a_session_outlives_its_token_and_the_next_has_a_new_one(
    wrapper, identity, clock
):
    before = row(wrapper, "SELECT pg_backend_pid()")
    clock.advance(2 * HOUR)

    still = row(wrapper, "SELECT pg_backend_pid()")
    wrapper.close()
    after = row(wrapper, "SELECT pg_backend_pid()")

    assert before == still != after
    assert len(identity.issued) == 2


@pytest.fixture
def kept(wrapper):
    """A connection that is kept between requests, and was checked by one."""
    wrapper.settings_dict |= {"CONN_MAX_AGE": None, "CONN_HEALTH_CHECKS": True}
    wrapper.ensure_connection()
    assert wrapper.is_usable()
    return wrapper


def last_query(server, pid):
    """The last statement of a session, seen from another one."""
    with psycopg.connect(
        host=str(server.folder), port=server.port, user="postgres", dbname="postgres"
    ) as admin:
        found = "SELECT query FROM pg_stat_activity WHERE pid = %s"
        return admin.execute(found, pid).fetchone()[0]


def test_a_server_restarted_between_two_requests_is_reached_again(kept, server):
    before = row(kept, "SELECT pg_backend_pid()")
    server.restart()

    kept.close_if_unusable_or_obsolete()  # as each request does before it begins

    assert row(kept, "SELECT pg_backend_pid()") != before


def test_a_connection_in_use_is_checked_without_a_query(kept, server):
    pid = row(kept, "SELECT pg_backend_pid()")

    assert kept.is_usable()
    assert last_query(server, pid) == "SELECT pg_backend_pid()"


def test_an_idle_connection_is_checked_by_a_query(kept, server):
    pid = row(kept, "SELECT pg_backend_pid()")
    kept.checked_at -= IDLE_SECONDS

    assert kept.is_usable()
    assert last_query(server, pid) == "SELECT 1"


def test_a_connection_is_not_usable_once_its_server_is_gone(kept, server):
    server.restart()

    assert not kept.is_usable()


def test_a_connection_is_not_usable_in_a_failed_transaction(kept):
    with pytest.raises(DatabaseError), transaction.atomic(using=kept.alias):
        try:
            row(kept, "SELECT nonsense")
        finally:
            usable = kept.is_usable()

    assert not usable
    assert kept.is_usable()


def test_the_first_token_would_have_been_refused_then(wrapper, server, identity, clock):
    row(wrapper, "SELECT 1")
    clock.advance(2 * HOUR)

    with pytest.raises(psycopg.OperationalError, match="authentication failed"):
        psycopg.connect(
            host="127.0.0.1",
            port=server.port,
            user=wrapper.settings_dict["USER"],
            password=identity.issued[0],
            dbname="postgres",
        )


def test_a_good_token_in_clear_text_is_refused(server, issuer, backend):
    with pytest.raises(psycopg.OperationalError, match="no encryption"):
        psycopg.connect(
            host="127.0.0.1",
            port=server.port,
            user=backend.role,
            password=issuer.issue(upn=backend.role),
            dbname="postgres",
            sslmode="disable",
        )


def test_dbshell_signs_in(manage, server, backend):
    if not shutil.which("psql"):
        pytest.skip("psql is not installed")

    result = manage(
        "dbshell",
        "--",
        "-Atc",
        "SELECT session_user",
        DB_PORT=str(server.port),
        DB_NAME="postgres",
    )

    assert result.stdout == f"{backend.role}\n", result.stderr


def test_a_backup_signs_in_and_shows_no_token(manage, server, backend, tmp_path):
    if not shutil.which("pg_dump"):
        pytest.skip("pg_dump is not installed")
    path = tmp_path / "shop.dump"

    result = manage("backup", path, DB_PORT=str(server.port), DB_NAME="postgres")

    assert result.stdout.startswith(f"Wrote {path}, "), result.stderr
    assert result.stderr == ""
    assert path.read_bytes().startswith(b"PGDMP")
