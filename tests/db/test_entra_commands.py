"""manage.py and the web pages, as their own processes, signing in by token."""

import json
import os
import shutil
from pathlib import Path

import pytest
from django.conf import settings

pytest_plugins = ["tests.stand_ins.azure"]

POSIX = pytest.mark.skipif(os.name == "nt", reason="a stand-in is a shell script")
FIXTURE = Path(settings.BASE_DIR) / "fixtures" / "sample_products.json"

LOAD_AND_GET = """
import sys, django
django.setup()
from django.core.management import call_command
from django.test import Client
fixture, path = sys.argv[1:]
call_command("migrate", "--check")
call_command("loaddata", fixture, "--verbosity=0")
response = Client(headers={"host": "localhost"}).get(path)
print(response.status_code, response.content.decode())
"""


def succeeded(result):
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def all_by_token(gateway, identity):
    """Return whether somebody came, and all with tokens of the identity."""
    tokens = {login.token for login in gateway.logins if not login.answer}
    return tokens and tokens <= set(identity.issued)


def test_tables_are_made_filled_and_shown(manage, gateway, identity, backend, tmp_path):
    users = [
        {
            "model": "auth.user",
            "fields": {"username": "ada", "date_joined": "2026-01-01T00:00:00Z"},
        }
    ]
    (tmp_path / "users.json").write_text(json.dumps(users))

    succeeded(manage("migrate", "--verbosity=0"))
    fixture = str(tmp_path / "users.json")
    page = succeeded(manage(fixture, "/admin/login/", code=LOAD_AND_GET))

    assert page.startswith("200")
    assert all_by_token(gateway, identity)
    with backend.admin(backend.database) as admin:
        owner = "SELECT tableowner FROM pg_tables WHERE tablename = 'auth_user'"
        assert admin.execute(owner).fetchone() == (backend.role,)
        assert admin.execute("SELECT username FROM auth_user").fetchall() == [("ada",)]


def test_the_sample_products_are_loaded_and_shown(manage, gateway, identity):
    name = json.loads(FIXTURE.read_text())[0]["fields"]["name"]

    succeeded(manage("migrate", "--verbosity=0"))
    page = succeeded(manage("sample_products", "/", code=LOAD_AND_GET))

    assert page.startswith("200")
    assert name in page
    assert all_by_token(gateway, identity)


def test_test_databases_and_their_clones_are_made(manage, gateway, identity, backend):
    output = manage(
        "test", "tests.stand_ins.two_django_tests", "--parallel=2", "--noinput"
    )

    assert output.returncode == 0, output.stdout + output.stderr
    assert "Ran 2 tests" in output.stderr
    test = f"test_{backend.database}"
    databases = {login.database for login in gateway.logins}
    assert databases >= {"postgres", test, f"{test}_1", f"{test}_2"}
    assert all_by_token(gateway, identity)


def test_no_token_is_one_line_without_a_traceback(manage, identity):
    identity.failure = 400, '{"statusCode": 400, "message": "out of order"}'

    result = manage("dbshell", AZURE_CREDENTIAL="managed-identity")

    assert result.returncode == 1
    assert "out of order" in result.stderr
    assert "Traceback" not in result.stderr


# dbshell


@pytest.fixture
def psql_path():
    """The folder of a psql with TLS, which the wheel's has not."""
    found = shutil.which("psql")
    if not found:
        pytest.skip("psql is not installed (Debian: apt install postgresql-client)")
    return str(Path(found).parent)


def test_dbshell_signs_in(manage, gateway, identity, backend, psql_path):
    result = manage("dbshell", "--", "-Atc", "SELECT session_user", DB_USER="")

    assert succeeded(result) == f"{backend.role}\n"
    assert all_by_token(gateway, identity)


def test_dbshell_checks_the_server(manage, gateway, psql_path, tmp_path):
    from tests.stand_ins.certificates import Authority

    other = Authority(tmp_path, "Somebody else")

    result = manage("dbshell", "--", "-c", "SELECT 1", DB_SSLROOTCERT=str(other.root))

    assert result.returncode != 0
    assert "certificate verify failed" in result.stderr
    assert gateway.logins == []


@POSIX
def test_the_wheels_psql_has_no_tls_and_sends_nothing(manage, gateway, backend):
    result = manage("dbshell", "--", "-c", "SELECT 1", PATH=str(backend.bin_dir))

    assert result.returncode != 0
    assert "SSL support is not compiled in" in result.stderr
    assert gateway.received == b""


@POSIX
def test_the_token_is_not_among_psqls_arguments(manage, identity, tmp_path):
    psql = tmp_path / "psql"
    psql.write_text('#!/bin/sh\necho "$*"; echo "$PGPASSWORD $PGGSSENCMODE"\n')
    psql.chmod(0o755)

    output = succeeded(manage("dbshell", "--", "-x", PATH=f"{tmp_path}:/bin:/usr/bin"))

    arguments, variables = output.splitlines()
    assert variables == f"{identity.issued[0]} disable"
    assert identity.issued[0] not in arguments
    assert " -x" in arguments


@POSIX
def test_a_failing_psql_does_not_show_the_token(manage, identity, tmp_path):
    psql = tmp_path / "psql"
    psql.write_text("#!/bin/sh\nexit 3\n")
    psql.chmod(0o755)

    result = manage("dbshell", "--traceback", PATH=f"{tmp_path}:/bin:/usr/bin")

    assert "exit status 3" in result.stderr
    assert identity.issued[0] not in result.stdout + result.stderr


# Start-up


def test_help_and_settings_neither_connect_nor_load_the_azure_library(
    manage, gateway, identity
):
    code = (
        "import sys, django; django.setup()\n"
        "from django.core.management import execute_from_command_line as run\n"
        "run(['manage.py', 'help']); run(['manage.py', 'check'])\n"
        "print('azure.identity' in sys.modules, 'msal' in sys.modules)"
    )

    output = succeeded(manage(code=code))

    assert output.splitlines()[-1] == "False False"
    assert gateway.logins == []
    assert identity.requests == []
