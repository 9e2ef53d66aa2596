"""Connections through a front that accepts tokens only, as Azure's servers do."""

import socket
import threading

import certifi
import psycopg
import pytest
from azure.core.credentials import AccessToken
from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError, connections
from django.db.backends.postgresql.base import DatabaseWrapper as DjangosOwn

from tests.stand_ins.certificates import Authority
from tests.stand_ins.entra import HOUR, OUT_OF_ORDER, Issuer
from vectorshop.db.entra.errors import with_advice

pytest_plugins = ["tests.stand_ins.azure"]


def value(wrapper, query):
    with wrapper.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchone()[0]


def backend_pid(wrapper):
    return value(wrapper, "SELECT pg_backend_pid()")


def tokens_seen(gateway):
    return [login.token for login in gateway.logins]


def test_a_connection_signs_in_with_the_identitys_token(
    connect, gateway, identity, backend
):
    wrapper = connect()

    user = value(wrapper, "SELECT session_user")

    assert user == backend.role
    assert tokens_seen(gateway) == identity.issued
    assert wrapper.connection.pgconn.ssl_in_use


def test_the_user_is_the_tokens_when_none_is_set(connect, backend):
    wrapper = connect(USER="")

    assert value(wrapper, "SELECT session_user") == backend.role


def test_a_token_that_names_nobody_asks_for_db_user(connect, identity):
    identity.claims = {"oid": "the-object", "appid": "the-app"}

    with pytest.raises(OperationalError, match="the-app.*the-object.*Set DB_USER"):
        connect(USER="").ensure_connection()


def test_connections_share_one_token(connect, gateway, identity):
    wrapper = connect()

    for _ in range(3):
        backend_pid(wrapper)
        wrapper.close()

    assert tokens_seen(gateway) == 3 * identity.issued
    assert len(identity.issued) == 1


def test_sixteen_threads_share_one_token(connect, gateway, identity):
    connect()
    start, users = threading.Barrier(16), []

    def work():
        start.wait()
        users.append(value(connections["entra"], "SELECT session_user"))
        connections["entra"].close()

    threads = [threading.Thread(target=work) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(users) == 16
    assert len(gateway.logins) == 16
    assert len(identity.issued) == 1


def test_an_open_connection_outlives_its_token(connect, clock, gateway):
    wrapper = connect(CONN_MAX_AGE=None, CONN_HEALTH_CHECKS=True)
    before = backend_pid(wrapper)

    clock.advance(2 * HOUR)
    wrapper.close_if_unusable_or_obsolete()

    assert backend_pid(wrapper) == before
    assert len(gateway.logins) == 1


def test_a_broken_connection_is_replaced_with_a_new_token(
    connect, clock, gateway, backend, identity
):
    wrapper = connect(CONN_MAX_AGE=None, CONN_HEALTH_CHECKS=True)
    before = backend_pid(wrapper)
    clock.advance(2 * HOUR)
    with backend.admin() as admin:
        admin.execute("SELECT pg_terminate_backend(%s)", [before])

    wrapper.health_check_done = False
    wrapper.close_if_health_check_failed()

    assert backend_pid(wrapper) != before
    assert tokens_seen(gateway) == identity.issued
    assert len(identity.issued) == 2


def test_settings_stay_as_they_were(connect):
    wrapper = connect(USER="")
    before = repr(wrapper.settings_dict)

    backend_pid(wrapper)

    assert repr(wrapper.settings_dict) == before


def test_the_database_for_test_set_up_is_reached(connect):
    with connect()._nodb_cursor() as cursor:
        cursor.execute("SELECT current_database()")

        assert cursor.fetchone() == ("postgres",)


# Refused logins


def test_a_token_that_the_server_calls_expired_is_replaced_once(
    connect, gateway, identity, clock
):
    identity.claims["exp"] = clock() - 1  # the machines' clocks differ
    wrapper = connect()
    identity.hold = lambda: len(identity.issued) and identity.claims.pop("exp", None)

    backend_pid(wrapper)

    assert [bool(login.answer) for login in gateway.logins] == [True, False]
    assert tokens_seen(gateway) == identity.issued


def test_a_second_expired_token_is_an_error(connect, gateway, identity, clock):
    identity.claims["exp"] = clock() - 1

    with pytest.raises(OperationalError, match="clock is right"):
        connect().ensure_connection()

    assert len(gateway.logins) == 2


class Static:
    """A credential that knows one token only."""

    def get_token(self, scope):
        return AccessToken("the-only-token", 2**33)


def test_the_same_token_is_not_sent_twice(connect, gateway):
    gateway.refusal = "The access token has expired. Acquire a new token and retry."
    static = {"credential": f"{__name__}.Static"}

    with pytest.raises(OperationalError, match="clock is right"):
        connect({"entra": static}).ensure_connection()

    assert tokens_seen(gateway) == ["the-only-token"]


def test_a_wrong_user_names_both_and_is_not_tried_again(connect, gateway, backend):
    with pytest.raises(OperationalError) as caught:
        connect(USER="somebody").ensure_connection()

    assert f"belongs to '{backend.role}' but DB_USER is 'somebody'" in str(caught.value)
    assert len(gateway.logins) == 1


def test_an_identity_without_a_role_is_told_so(connect, gateway):
    gateway.roles.clear()

    with pytest.raises(OperationalError, match="no role of that name"):
        connect().ensure_connection()


def test_a_forged_token_is_refused(connect, identity, monkeypatch):
    monkeypatch.setattr(identity, "issuer", Issuer())

    with pytest.raises(OperationalError, match="authentication failed"):
        connect().ensure_connection()


def test_a_token_for_another_service_is_refused(connect, identity):
    elsewhere = {"credential": "managed-identity", "scope": "https://x.test/.default"}

    with pytest.raises(OperationalError, match="audience claim.*\n.*another service"):
        connect({"entra": elsewhere}).ensure_connection()

    assert identity.requests[0]["resource"] == "https://x.test"


def test_no_token_is_an_error_with_advice(connect, identity, gateway):
    identity.failure = OUT_OF_ORDER

    with pytest.raises(OperationalError, match="AZURE_CLIENT_ID"):
        connect().ensure_connection()

    assert gateway.logins == []


def test_a_server_that_is_not_there_is_an_error_with_advice(connect):
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]

    with pytest.raises(OperationalError, match="check DB_HOST and DB_PORT"):
        connect(PORT=port).ensure_connection()


def test_a_missing_database_is_an_error_with_advice(connect):
    with pytest.raises(OperationalError, match='"nowhere" does not exist\nSet DB_NAME'):
        connect(NAME="nowhere").ensure_connection()


@pytest.mark.parametrize(
    "text, advice",
    [
        ("The access token has expired. Acquire a new token and retry.", "clock"),
        ("the token has no valid audience claim", "scope"),
        (
            "cannot generate AAD_AUTH_TOKENTYPE_APP_USER tokens for role",
            "azdeploy role",
        ),
        ('server certificate for "a" does not match host name "b"', "DB_SSLROOTCERT"),
        ("server does not support SSL, but SSL was required", "not sent"),
        ('no pg_hba.conf entry for host "1.2.3.4"', "azdeploy firewall"),
        ("connection timeout expired", "azdeploy firewall"),
        ("failed to resolve host 'x': Name or service not known", "spelling"),
        ('could not translate host name "x" to address', "spelling"),
        ("Connection refused", "DB_PORT"),
        ("FATAL:  sorry, too many clients already", "max_connections"),
        ("remaining connection slots are reserved for azure_pg_admin", "in use"),
        ('role "a@b.c" does not exist', "belongs to 'd@b.c'"),
    ],
)
def test_each_known_error_has_advice(text, advice):
    explained = with_advice(text, user="a@b.c", owner="'d@b.c'")

    assert explained.startswith(text)
    assert advice in explained.removeprefix(text)


def test_an_unknown_error_is_left_alone():
    assert with_advice("out of memory", "a", "'b'") == "out of memory"


def test_an_extension_that_is_not_allow_listed_is_explained(connect, backend):
    refusal = """
        CREATE FUNCTION refuse() RETURNS event_trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION USING ERRCODE = '0A000', MESSAGE = 'extension "vector" is '
            'not allow-listed for "azure_pg_admin" users in Azure Database for PostgreSQL';
        END $$;
        CREATE EVENT TRIGGER refuse ON ddl_command_start
        WHEN TAG IN ('CREATE EXTENSION') EXECUTE FUNCTION refuse()"""
    with backend.admin(backend.database) as admin:
        admin.execute(refusal)
    wrapper = connect()

    try:
        with (
            pytest.raises(OperationalError, match="adds VECTOR to its parameter"),
            wrapper.schema_editor() as editor,
        ):
            editor.execute("CREATE EXTENSION IF NOT EXISTS vector")
    finally:
        with backend.admin(backend.database) as admin:
            admin.execute("DROP EVENT TRIGGER refuse; DROP FUNCTION refuse")


# TLS


@pytest.mark.parametrize("mode", ["disable", "allow", "prefer", "nonsense"])
def test_a_mode_that_may_not_encrypt_is_refused(connect, gateway, mode):
    with pytest.raises(ImproperlyConfigured, match="not encrypted"):
        connect({"sslmode": mode}).ensure_connection()

    assert gateway.received == b""


@pytest.mark.parametrize(
    "host", ["", "/var/run/postgresql", "localhost,/tmp", "@abstract"]
)
def test_a_host_without_tls_is_refused(connect, host):
    with pytest.raises(ImproperlyConfigured, match="needs TLS"):
        connect(HOST=host).ensure_connection()


@pytest.mark.parametrize("mode", ["require", "verify-ca", "verify-full"])
def test_a_server_without_tls_gets_no_token(connect, gateway, identity, mode):
    gateway.tls = False

    with pytest.raises(OperationalError, match="token was not sent"):
        connect({"sslmode": mode}).ensure_connection()

    assert gateway.logins == []
    assert gateway.received == b""


def test_a_server_with_another_name_gets_no_token(connect, gateway):
    with pytest.raises(OperationalError, match="certificate was not accepted"):
        connect(HOST="elsewhere.example").ensure_connection()

    assert gateway.logins == []


def test_a_server_with_an_unknown_root_gets_no_token(connect, gateway, tmp_path):
    other = Authority(tmp_path, "Somebody else")

    with pytest.raises(OperationalError, match="certificate was not accepted"):
        connect({"sslrootcert": str(other.root)}).ensure_connection()

    assert gateway.logins == []


def test_public_roots_are_trusted_by_default(connect, gateway):
    wrapper = connect({"sslrootcert": None})

    assert wrapper.get_connection_params()["sslrootcert"] == certifi.where()
    with pytest.raises(OperationalError, match="certificate verify failed"):
        wrapper.ensure_connection()
    assert gateway.logins == []


def test_roots_named_in_the_environment_are_used(connect, authority, monkeypatch):
    monkeypatch.setenv("PGSSLROOTCERT", str(authority.root))

    assert backend_pid(connect({"sslrootcert": None}))


def test_an_unverified_connection_has_to_be_asked_for(connect):
    assert backend_pid(connect({"sslmode": "require", "sslrootcert": None}))


def test_kerberos_does_not_take_the_place_of_tls(connect):
    assert connect().get_connection_params()["gssencmode"] == "disable"


# A password


def test_with_a_password_it_is_djangos_own_backend(connect, backend, identity):
    wrapper = connect(
        HOST=backend.host,
        PORT=backend.port,
        PASSWORD="secret",
        OPTIONS={"entra": {"credential": "auto"}, "connect_timeout": 5},
    )
    settings = {**wrapper.settings_dict, "OPTIONS": {"connect_timeout": 5}}

    expected = DjangosOwn(settings, "entra").get_connection_params()

    params = wrapper.get_connection_params()
    del params["context"], expected["context"]  # objects without equality
    assert params == expected
    assert value(wrapper, "SELECT session_user") == backend.role
    assert identity.requests == []


# asyncio


def run(coroutine):
    import asyncio

    return asyncio.run(coroutine)


def test_an_async_connection_signs_in(connect, gateway, identity, backend):
    from vectorshop.db.entra.connection import AsyncConnection

    params = connect().get_async_connection_params()

    async def user():
        async with await AsyncConnection.connect(**params) as connection:
            return await (await connection.execute("SELECT session_user")).fetchone()

    assert run(user()) == (backend.role,)
    assert tokens_seen(gateway) == identity.issued


def test_an_async_connection_replaces_an_expired_token(
    connect, gateway, identity, clock
):
    from vectorshop.db.entra.connection import AsyncConnection

    identity.claims["exp"] = clock() - 1
    params = connect().get_async_connection_params()

    with pytest.raises(psycopg.OperationalError, match="clock is right"):
        run(AsyncConnection.connect(**params))

    assert tokens_seen(gateway) == identity.issued
    assert len(identity.issued) == 2


def test_an_async_pool_takes_a_new_token_after_expiry(
    connect, gateway, identity, clock
):
    from psycopg_pool import AsyncConnectionPool

    from vectorshop.db.entra.connection import AsyncConnection

    params = connect().get_async_connection_params()
    pool = AsyncConnectionPool(
        kwargs=params,
        connection_class=AsyncConnection,
        min_size=1,
        max_size=2,
        open=False,
    )

    async def work():
        await pool.open(wait=True)
        async with pool.connection() as first:
            clock.advance(2 * HOUR)
            async with pool.connection() as second:
                pids = first.info.backend_pid, second.info.backend_pid
        await pool.close()
        return pids[0] != pids[1]

    assert run(work())
    assert tokens_seen(gateway) == identity.issued
    assert len(identity.issued) == 2


def test_djangos_async_queries_sign_in(connect, backend):
    from asgiref.sync import sync_to_async

    connect()

    def user():
        try:
            return value(connections["entra"], "SELECT session_user")
        finally:
            connections["entra"].close()

    assert run(sync_to_async(user)()) == backend.role
