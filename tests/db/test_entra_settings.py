"""The variables of the environment, and the checks of what they make."""

import runpy
from unittest import mock

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import connections
from django.db.utils import ConnectionHandler

from products.sql.own_session import OwnSessionError, own_session
from vectorshop.db import limits
from vectorshop.db.entra.base import DatabaseWrapper
from vectorshop.db.entra.checks import check_entra_databases
from vectorshop.db.entra.client import DatabaseClient

SERVER = "shop.postgres.database.azure.com"
PAST = {"pooler": {"PORT": 5432}}
NO_CURSORS = {"DISABLE_SERVER_SIDE_CURSORS": True}


@pytest.fixture
def database(monkeypatch):
    """A function that returns DATABASES["default"] for variables of the environment."""

    def read(**variables):
        for name, value in {"DB_HOST": SERVER, **variables}.items():
            monkeypatch.setenv(name, value)
        path = settings.BASE_DIR / "vectorshop" / "settings.py"
        return runpy.run_path(str(path))["DATABASES"]["default"]

    return read


@pytest.fixture
def check_ids(monkeypatch):
    """A function that returns the ids of the checks' messages for a database."""

    def check(database):
        entries = connections.configure_settings({"default": database})
        monkeypatch.setitem(connections.settings, "default", entries["default"])
        return {message.id for message in check_entra_databases(None)}

    return check


def parameters(database):
    return ConnectionHandler({"default": database})["default"].get_connection_params()


def test_a_host_is_all_that_has_to_be_set(database, check_ids):
    entry = database()

    wrapper = ConnectionHandler({"default": entry})["default"]

    assert isinstance(wrapper, DatabaseWrapper)
    params = wrapper.get_connection_params()
    assert params["host"] == SERVER
    assert params["sslmode"] == "verify-full"
    assert params["connect_timeout"] == 10
    assert params["sign_in"].identity.credential == "auto"
    assert "password" not in params
    assert check_ids(entry) == set()


def test_the_variables_arrive(database, check_ids):
    entry = database(
        AZURE_CLIENT_ID="the-client",
        AZURE_CREDENTIAL="managed-identity",
        DB_ASSUME_ROLE="owner",
        DB_NAME="shop",
        DB_POOL="8",
        DB_PORT="5433",
        DB_SSLMODE="verify-ca",
        DB_SSLROOTCERT="/root.crt",
        DB_USER="app",
    )

    params = parameters(entry)

    identity = params["sign_in"].identity
    assert (identity.credential, identity.client_id) == (
        "managed-identity",
        "the-client",
    )
    assert (params["dbname"], params["user"], params["port"]) == ("shop", "app", 5433)
    assert (params["sslmode"], params["sslrootcert"]) == ("verify-ca", "/root.crt")
    assert entry["OPTIONS"]["assume_role"] == "owner"
    assert entry["OPTIONS"]["pool"] == {"min_size": 1, "max_size": 8, "timeout": 5}
    assert check_ids(entry) == set()


@pytest.mark.parametrize(
    ("port", "serving", "options"),
    [
        (
            "5432",
            True,
            "-c random_page_cost=1.1 -c statement_timeout=7s -c lock_timeout=0s",
        ),
        ("5432", False, "-c random_page_cost=1.1"),
        ("6432", True, None),
        ("8432", True, None),
    ],
    ids=["server", "command", "PgBouncer", "another PgBouncer"],
)
def test_limits_go_with_the_login_of_a_server(
    database, monkeypatch, port, serving, options
):
    entry = database(DB_PORT=port, DB_STATEMENT_TIMEOUT="7", DB_LOCK_TIMEOUT="0")
    monkeypatch.setattr(limits, "is_serving", lambda: serving)

    params = parameters(entry)

    assert params.get("options") == options
    assert "limits" not in params


def test_options_of_ones_own_are_kept_beside_the_limits(database, monkeypatch):
    entry = database(DB_STATEMENT_TIMEOUT="7", DB_LOCK_TIMEOUT="1")
    entry["OPTIONS"]["options"] = "-c jit=off"
    monkeypatch.setattr(limits, "is_serving", lambda: True)

    options = parameters(entry)["options"]

    assert options == "-c jit=off -c statement_timeout=7s -c lock_timeout=1s"


def test_with_a_password_only_what_was_set_is_passed_on(database):
    params = parameters(database(DB_PASSWORD="secret", DB_USER="app"))

    assert params["password"] == "secret"
    assert not {"sslmode", "sslrootcert", "gssencmode", "sign_in"} & set(params)


@pytest.mark.parametrize(
    "name, value",
    [
        ("AZURE_CREDENTIAL", "managed"),
        ("DB_POOL", "many"),
        ("DB_POOL", "1001"),
        ("DB_PORT", "0"),
        ("DB_RANDOM_PAGE_COST", "cheap"),
        ("DB_RANDOM_PAGE_COST", "-1"),
        ("DB_RANDOM_PAGE_COST", "nan"),
        ("DB_POOLER", "perhaps"),
        ("DB_DIRECT_PORT", "0"),
        ("DB_SSLMODE", "verify"),
        ("DB_TARGET_SESSION_ATTRS", "writable"),
    ],
)
def test_an_unknown_value_is_refused_by_name(database, name, value):
    with pytest.raises(ImproperlyConfigured, match=f"{name}='{value}'"):
        database(**{name: value})


def test_a_dotted_path_is_a_credential(database):
    params = parameters(database(AZURE_CREDENTIAL="package.Credential"))

    assert params["sign_in"].identity.credential == "package.Credential"


def test_an_unknown_option_is_refused_by_name(database):
    entry = database()
    entry["OPTIONS"]["entra"]["tenant"] = "x"

    with pytest.raises(ImproperlyConfigured, match="'tenant'.*client_id"):
        parameters(entry)


@pytest.mark.parametrize(
    "variables, host, target",
    [
        ({}, SERVER, None),
        ({"DB_HOST": "a, b"}, "a,b", "read-write"),
        ({"DB_HOST": "a,b", "DB_TARGET_SESSION_ATTRS": "any"}, "a,b", "any"),
        ({"DB_TARGET_SESSION_ATTRS": "standby"}, SERVER, "standby"),
    ],
)
def test_of_several_servers_the_one_that_takes_writes_is_asked_for(
    database, variables, host, target
):
    params = parameters(database(**variables))

    assert (params["host"], params["port"]) == (host, 5432)
    assert params.get("target_session_attrs") == target


def test_dbshell_goes_to_the_same_server_of_several(database):
    entry = connections.configure_settings(
        {"default": database(DB_HOST="a,b", DB_PASSWORD="secret", DB_USER="app")}
    )["default"]

    arguments, variables = DatabaseClient.settings_to_cmd_args_env(entry, [])

    assert arguments == [*("psql", "-U", "app", "-h", "a,b", "-p", "5432", "postgres")]
    assert variables == {
        "PGPASSWORD": "secret",
        "PGTARGETSESSIONATTRS": "read-write",
    }


def keeps_sessions(database):
    """Whether the connections keep statements and cursors from one use to the next."""
    prepares = "prepare_threshold" in database["OPTIONS"]
    assert database["DISABLE_SERVER_SIDE_CURSORS"] is not prepares
    assert ("options" in database["OPTIONS"]) is prepares
    return prepares


@pytest.mark.parametrize(
    "variables, kept",
    [
        ({}, True),
        ({"DB_POOLER": "true"}, False),
        ({"DB_POOLER": "true", "DB_PORT": "5433"}, False),
        ({"DB_PORT": "6432"}, False),
        ({"DB_PORT": "8432"}, False),
        ({"DB_PORT": "6432", "DB_POOLER": "false"}, True),
    ],
)
def test_behind_a_pooler_nothing_is_kept_in_a_session(database, variables, kept):
    assert keeps_sessions(database(**variables)) is kept


def test_azures_ports_and_every_pooler_want_a_way_past_them(database, check_ids):
    assert check_ids(database(DB_PORT="6432")) == {"entra.W003"}
    assert check_ids(database(DB_POOLER="true")) == {"entra.W003"}
    for way in ({"DB_DIRECT_PORT": "5433"}, {"DB_DIRECT_HOST": "other"}):
        assert check_ids(database(DB_POOLER="true", **way)) == set()


@pytest.mark.parametrize(
    "variables, host, port",
    [
        ({"DB_DIRECT_PORT": "5433"}, SERVER, 5433),
        ({"DB_DIRECT_HOST": "other"}, "other", 5432),
        ({"DB_DIRECT_HOST": "other", "DB_DIRECT_PORT": "5433"}, "other", 5433),
    ],
)
def test_the_way_past_a_pooler_keeps_sessions(database, variables, host, port):
    handler = ConnectionHandler(
        {
            "default": database(
                DB_PORT="6000", DB_POOLER="true", DB_POOL="3", **variables
            )
        }
    )
    shared = handler["default"]

    with (
        mock.patch("products.sql.own_session.connections", handler),
        own_session("default"),
    ):
        own = handler["default"]
        params = own.get_connection_params()

    assert (params["host"], params["port"]) == (host, port)
    assert keeps_sessions(own.settings_dict)
    assert params["prepare_threshold"] is not None
    assert own.pool is None
    assert handler["default"] is shared
    params = shared.get_connection_params()
    assert (params["host"], params["port"]) == (SERVER, 6000)
    assert params["prepare_threshold"] is None


def test_without_a_pooler_every_connection_is_a_session(database):
    handler = ConnectionHandler({"default": database(DB_DIRECT_PORT="5433")})
    shared = handler["default"]

    with (
        mock.patch("products.sql.own_session.connections", handler),
        own_session("default"),
    ):
        assert handler["default"] is shared


def test_a_pooler_without_a_way_past_it_names_the_setting(database):
    handler = ConnectionHandler({"default": database(DB_POOLER="true")})
    shared = handler["default"]

    with mock.patch("products.sql.own_session.connections", handler):
        session = own_session("default")
        with pytest.raises(OwnSessionError, match="Set DB_DIRECT_PORT"):
            session.__enter__()
        with own_session("default", needed=False):
            assert handler["default"] is shared


@pytest.mark.parametrize(
    ("given", "options"),
    [
        ({}, "-c random_page_cost=1.1"),
        ({"DB_RANDOM_PAGE_COST": "2"}, "-c random_page_cost=2.0"),
        ({"DB_RANDOM_PAGE_COST": "0"}, None),
        ({"PGOPTIONS": "-c jit=off"}, "-c jit=off -c random_page_cost=1.1"),
    ],
    ids=["default", "set", "left alone", "beside PGOPTIONS"],
)
def test_a_session_brings_the_cost_of_reading_a_page(database, given, options):
    for_all_sessions = parameters(database(**given)).get("options")

    assert for_all_sessions == options


# Checks


@pytest.mark.parametrize(
    "changes, ids",
    [
        ({"OPTIONS": {"sslmode": "require"}}, {"entra.W001"}),
        ({"PASSWORD": "secret"}, {"entra.W002"}),
        ({"PASSWORD": "secret", "HOST": f"{SERVER},localhost"}, {"entra.W002"}),
        ({"PASSWORD": "secret", "HOST": "localhost"}, set()),
        ({"PASSWORD": "secret", "OPTIONS": {"sslmode": "disable"}}, {"entra.W002"}),
        ({"PORT": 6432}, {"entra.E001", "entra.W003"}),
        ({"PORT": "8432", "OPTIONS": PAST}, {"entra.E001"}),
        ({"OPTIONS": PAST}, {"entra.E001"}),
        ({"OPTIONS": PAST, **NO_CURSORS}, set()),
        ({"OPTIONS": PAST | {"assume_role": "owner"}, **NO_CURSORS}, {"entra.E002"}),
        ({"OPTIONS": PAST | {"prepare_threshold": 5}, **NO_CURSORS}, {"entra.E005"}),
        ({"OPTIONS": PAST | {"prepare_threshold": None}, **NO_CURSORS}, set()),
        ({"OPTIONS": PAST | {"options": "-c x=1"}, **NO_CURSORS}, {"entra.E006"}),
        ({"OPTIONS": {"pooler": {}}, **NO_CURSORS}, {"entra.W003"}),
        ({"OPTIONS": {"pool": True}, "CONN_MAX_AGE": 60}, {"entra.E003"}),
        ({"OPTIONS": {"pool": True}, "CONN_MAX_AGE": None}, {"entra.E003"}),
        ({"OPTIONS": {"pool": True}, "CONN_MAX_AGE": 0}, set()),
        ({"OPTIONS": {"sslmode": "prefer"}}, {"entra.E004"}),
        ({"HOST": ""}, {"entra.E004"}),
        ({"OPTIONS": {"entra": {"credential": "nonsense"}}}, {"entra.E004"}),
        ({"ENGINE": "django.db.backends.postgresql", "PORT": 6432}, set()),
    ],
)
def test_a_wrong_set_up_is_found(check_ids, changes, ids):
    entry = {"ENGINE": "vectorshop.db.entra", "HOST": SERVER, "NAME": "x", **changes}

    assert check_ids(entry) == ids


def test_the_checks_are_run_by_manage_py_check():
    from django.core.checks.registry import registry

    assert check_entra_databases in registry.get_checks()
