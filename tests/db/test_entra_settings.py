"""The variables of the environment, and the checks of what they make."""

import runpy

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import connections
from django.db.utils import ConnectionHandler

from vectorshop.db import limits
from vectorshop.db.entra.base import DatabaseWrapper
from vectorshop.db.entra.checks import check_entra_databases

SERVER = "shop.postgres.database.azure.com"


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
        ("5432", True, "-c statement_timeout=7s -c lock_timeout=0s"),
        ("5432", False, None),
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
        ("DB_SSLMODE", "verify"),
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


@pytest.mark.parametrize("port", ["6432", "8432"])
def test_pgbouncers_ports_keep_nothing_in_a_session(database, check_ids, port):
    behind = database(DB_PORT=port)

    assert check_ids(behind) == set()
    assert behind["DISABLE_SERVER_SIDE_CURSORS"]
    assert "prepare_threshold" not in behind["OPTIONS"]
    assert "prepare_threshold" in database(DB_PORT="5432")["OPTIONS"]
    assert "options" not in behind["OPTIONS"]


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
        ({"PASSWORD": "secret", "HOST": "localhost"}, set()),
        ({"PASSWORD": "secret", "OPTIONS": {"sslmode": "disable"}}, {"entra.W002"}),
        ({"PORT": 6432}, {"entra.E001"}),
        ({"PORT": "8432"}, {"entra.E001"}),
        ({"PORT": 6432, "DISABLE_SERVER_SIDE_CURSORS": True}, set()),
        (
            {
                "PORT": 6432,
                "DISABLE_SERVER_SIDE_CURSORS": True,
                "OPTIONS": {"assume_role": "owner"},
            },
            {"entra.E002"},
        ),
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
