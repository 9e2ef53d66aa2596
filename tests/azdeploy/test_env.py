"""The files .env and .env.ps1: what is in them, who may read them, who can."""

import os
import shutil
import stat
import subprocess

import environ
import pytest
from django.core.management import CommandError

from tests.azdeploy.test_create import SERVER
from tests.stand_ins import az
from vectorshop.azure import dotenv

HOST = f"{SERVER}.postgres.database.azure.com"
LINES = [f"DB_HOST={HOST}", "DB_PORT=5432", "DB_NAME=postgres", f"DB_USER={az.USER}"]


@pytest.fixture
def server(azure):
    admins = {az.OBJECT_ID: [az.USER, "User"]}
    azure.change(servers={SERVER: az.server(SERVER, _admins=admins)})


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def as_django_reads(path):
    read = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(environ.Env, "ENVIRON", read)
        environ.Env.read_env(path)
    return read


def as_bash_reads(path, names):
    script = 'source "$0"; for name; do printf "%s\\0" "${!name}"; done'
    result = subprocess.run(
        ["bash", "-euc", script, path, *names], capture_output=True, check=True
    )
    return dict(zip(names, result.stdout.decode().split("\0"), strict=False))


def test_env_writes_host_port_database_and_user_but_no_token(azure, server, project):
    run = azure.run("env")

    assert run.status == 0
    assert (project / ".env").read_text().splitlines() == LINES
    assert (project / ".env.ps1").read_text().splitlines() == [
        f"$env:DB_HOST = '{HOST}'",
        "$env:DB_PORT = '5432'",
        "$env:DB_NAME = 'postgres'",
        f"$env:DB_USER = '{az.USER}'",
    ]
    assert all(line in run.text for line in LINES)


@pytest.mark.skipif(os.name == "nt", reason="modes mean nothing on Windows")
def test_the_files_are_for_their_owner_only_even_if_they_were_not(
    azure, server, project
):
    (project / ".env").write_text("DEBUG=true\n")
    (project / ".env").chmod(0o644)

    azure.run("env", "--with-token")

    assert [mode(project / name) for name in dotenv.FORMATS] == [0o600, 0o600]


def test_other_lines_stay_and_ours_are_replaced(azure, server, project):
    (project / ".env").write_text(
        "# mine\nDEBUG=true\nexport DB_HOST=old\nDB_HOSTS=two\n\nDB_USER='me'\n"
    )
    (project / ".env.ps1").write_text("$env:DEBUG = 'true'\n$Env:db_host='old'\n")

    azure.run("env")
    azure.run("env")

    assert (project / ".env").read_text().splitlines() == [
        *("# mine", "DEBUG=true", "DB_HOSTS=two", ""),
        *LINES,
    ]
    powershell = (project / ".env.ps1").read_text()
    assert powershell.startswith("$env:DEBUG = 'true'\n$env:DB_HOST = '")
    assert "old" not in powershell


def test_the_token_is_written_on_demand_and_removed_by_the_next_run(
    azure, server, project
):
    result = azure.run("env", "--with-token")
    with_token = (project / ".env").read_text()
    azure.run("env")

    assert with_token.splitlines()[-1].startswith("export PGPASSWORD=ey")
    token = as_django_reads(project / ".env") | {
        "PGPASSWORD": with_token.split("=")[-1]
    }
    assert token["PGPASSWORD"].strip() not in result.text
    assert "whoever reads .env can sign in as you" in result.text
    assert "PGPASSWORD" not in (project / ".env").read_text()
    assert "PGPASSWORD" not in (project / ".env.ps1").read_text()


@pytest.mark.parametrize(
    "user",
    [
        "ada@example.org",
        "ada_home.example#EXT#@example.onmicrosoft.com",
        "o'brien@example.org",
        "my app & more",
        "$(touch pwned)",
        'say "hi"',
        "back\\slash",
        "`id`",
    ],
)
def test_bash_and_django_read_the_user_that_was_written(tmp_path, user):
    values = {"DB_HOST": "h.example", "DB_USER": user, "PGPASSWORD": "a.b-c_d"}

    dotenv.write(tmp_path, values)

    assert as_django_reads(tmp_path / ".env") == values
    assert as_bash_reads(tmp_path / ".env", list(values)) == values


@pytest.mark.parametrize("user", ["o'brien $x", "o'b\"", "two\nlines", "o'b\\"])
def test_a_user_that_cannot_be_written_for_both_is_refused(tmp_path, user):
    with pytest.raises(CommandError, match="by hand"):
        dotenv.write(tmp_path, {"DB_USER": user})

    assert list(tmp_path.iterdir()) == []


def test_powershell_gets_quotes_doubled():
    assert dotenv.powershell_line("DB_USER", "o'brien $x") == (
        "$env:DB_USER = 'o''brien $x'"
    )


@pytest.mark.skipif(not shutil.which("pwsh"), reason="PowerShell is not installed")
def test_powershell_reads_what_was_written(tmp_path):
    dotenv.write(tmp_path, {"DB_USER": "o'brien@example.org"})

    command = f". {tmp_path}/.env.ps1; $env:DB_USER"
    result = subprocess.run(["pwsh", "-c", command], capture_output=True, text=True)

    assert result.stdout.strip() == "o'brien@example.org"


def test_a_write_that_fails_leaves_the_old_file_and_no_other(tmp_path, monkeypatch):
    (tmp_path / ".env").write_text("DEBUG=true\n")

    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.replace", full)
    with pytest.raises(CommandError, match="No space"):
        dotenv.write(tmp_path, {"DB_HOST": "h"})

    assert [path.name for path in tmp_path.iterdir()] == [".env"]
    assert (tmp_path / ".env").read_text() == "DEBUG=true\n"


def test_a_folder_that_cannot_be_written_is_a_message(azure, server, settings):
    settings.BASE_DIR = settings.BASE_DIR / "gone"

    run = azure.run("env")

    assert run.status == 1
    assert "gone/.env cannot be written (No such file" in run.text


def test_dry_run_writes_nothing(azure, server, project):
    run = azure.run("env", "--dry-run")

    assert run.status == 0
    assert list(project.iterdir()) == []


def test_a_password_in_env_is_pointed_out(azure, server, project):
    (project / ".env").write_text("export DB_PASSWORD=secret\n")

    run = azure.run("env")

    assert "has a line DB_PASSWORD" in run.text


def test_env_without_a_server_names_create(azure, project):
    run = azure.run("env")

    assert run.status == 1
    assert "azdeploy.sh create" in run.text
    assert list(project.iterdir()) == []


def test_env_without_an_administrator_names_admin(azure, project):
    azure.change(servers={SERVER: az.server(SERVER)})

    run = azure.run("env")

    assert run.status == 1
    assert "azdeploy.sh admin" in run.text
    assert list(project.iterdir()) == []


def test_env_while_the_server_is_stopped_says_so(azure, project):
    azure.change(servers={SERVER: az.server(SERVER, state="Stopped")})

    run = azure.run("env")

    assert run.status == 1
    assert "not ready: Stopped" in run.text


def test_somebody_who_is_not_an_administrator_is_reported(azure, project):
    admins = {"another-id": ["grace@example.org", "User"]}
    azure.change(servers={SERVER: az.server(SERVER, _admins=admins)})

    run = azure.run("env")

    assert f"{az.USER} is not an administrator" in run.text
    assert f"DB_USER={az.USER}" in (project / ".env").read_text()


def test_the_administrators_name_on_the_server_wins(azure, project):
    admins = {az.OBJECT_ID.upper(): ["Ada.Old@example.org", "User"]}
    azure.change(servers={SERVER: az.server(SERVER, _admins=admins)})

    azure.run("env")

    assert "DB_USER=Ada.Old@example.org" in (project / ".env").read_text()
