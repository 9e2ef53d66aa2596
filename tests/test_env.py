"""Settings read from the environment: what is refused, and the secret's file."""

import os
import stat
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from vectorshop.env import (
    env_address,
    env_bool,
    env_hosts,
    env_int,
    env_list,
    secret_from_file,
)

MAKE_SECRET = """
import sys, time
from pathlib import Path
from vectorshop.env import secret_from_file
time.sleep(max(0, float(sys.argv[2]) - time.time()))
print(secret_from_file(Path(sys.argv[1])))
"""


def run_manage(*arguments, **environment):
    return run_python("-W", "error", "manage.py", *arguments, **environment)


def run_python(*arguments, **environment):
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=settings.BASE_DIR,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "vectorshop.settings"}
        | environment,
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("true", True),
        (" Yes ", True),
        ("ON", True),
        ("1", True),
        ("false", False),
        ("No", False),
        ("off", False),
        ("0", False),
    ],
)
def test_words_for_yes_and_no_are_understood(monkeypatch, word, value):
    monkeypatch.setenv("DEBUG", word)

    assert env_bool("DEBUG", not value) is value


@pytest.mark.parametrize("default", [True, False])
def test_an_empty_variable_means_the_default(monkeypatch, default):
    monkeypatch.setenv("DEBUG", " ")

    assert env_bool("DEBUG", default) is default
    assert env_bool("NOT_SET_AT_ALL", default) is default


@pytest.mark.parametrize("word", ["maybe", "2", "ja", "truee", "None"])
def test_other_words_are_refused_by_name(monkeypatch, word):
    monkeypatch.setenv("DEBUG", word)

    with pytest.raises(ImproperlyConfigured, match=f"DEBUG='{word}'"):
        env_bool("DEBUG", False)


@pytest.mark.parametrize("word", ["abc", "0", "65536", "-1", "1.5", "٣", "1_000", "²"])
def test_what_is_not_a_port_is_refused_by_name(monkeypatch, word):
    monkeypatch.setenv("DB_PORT", word)

    with pytest.raises(ImproperlyConfigured, match=f"DB_PORT='{word}'.* 1 to 65535"):
        env_int("DB_PORT", 5432, low=1, high=65535)


def test_a_number_is_read(monkeypatch):
    monkeypatch.setenv("DB_PORT", " 6432 ")

    assert env_int("DB_PORT", 5432, low=1, high=65535) == 6432
    assert env_int("NOT_SET_AT_ALL", 5432) == 5432


@pytest.mark.parametrize(
    ("text", "words"),
    [("a, b,,c ,", ["a", "b", "c"]), ("", ["default"]), (" , ", ["default"])],
)
def test_a_list_is_read(monkeypatch, text, words):
    monkeypatch.setenv("ALLOWED_HOSTS", text)

    assert env_list("ALLOWED_HOSTS", ["default"]) == words


# The secret


def test_a_secret_is_made_once(tmp_path):
    path = tmp_path / "new folder" / "secret_key"

    first, second = secret_from_file(path), secret_from_file(path)

    assert first == second == path.read_text()
    assert len(first) >= 50
    assert list(path.parent.iterdir()) == [path]


def test_two_secrets_differ(tmp_path):
    assert secret_from_file(tmp_path / "a") != secret_from_file(tmp_path / "b")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_only_the_owner_may_read_the_secret(tmp_path):
    path = tmp_path / "secret_key"
    before = os.umask(0)

    try:
        secret_from_file(path)
    finally:
        os.umask(before)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_processes_that_start_together_share_one_secret(tmp_path):
    path, start = tmp_path / "secret_key", time.time() + 0.7
    command = [sys.executable, "-c", MAKE_SECRET, str(path), str(start)]

    def run(_):
        return subprocess.check_output(command, cwd=settings.BASE_DIR, text=True)

    with ThreadPoolExecutor(4) as threads:
        secrets = set(threads.map(run, range(4)))

    assert len(secrets) == 1
    assert list(tmp_path.iterdir()) == [path]


def test_the_secret_of_the_process_that_was_first_stays(monkeypatch, tmp_path):
    path = tmp_path / "secret_key"

    def be_overtaken(size):
        path.write_text("theirs")
        return "ours"

    monkeypatch.setattr("vectorshop.env.secrets.token_urlsafe", be_overtaken)

    assert secret_from_file(path) == "theirs"
    assert list(tmp_path.iterdir()) == [path]


def test_threads_that_start_together_share_one_secret(tmp_path):
    with ThreadPoolExecutor(8) as threads:
        secrets = set(
            threads.map(lambda _: secret_from_file(tmp_path / "secret"), range(8))
        )

    assert len(secrets) == 1


def test_a_folder_that_cannot_be_written_is_reported(tmp_path):
    (tmp_path / "file").write_text("")

    with pytest.raises(ImproperlyConfigured, match="Set SECRET_KEY"):
        secret_from_file(tmp_path / "file" / "secret_key")


def test_a_secret_that_cannot_be_read_is_reported(tmp_path):
    (tmp_path / "secret_key").mkdir()

    with pytest.raises(ImproperlyConfigured, match="Set SECRET_KEY"):
        secret_from_file(tmp_path / "secret_key")


def test_an_empty_secret_is_reported(tmp_path):
    (tmp_path / "secret_key").write_text("\n")

    with pytest.raises(ImproperlyConfigured, match="is empty"):
        secret_from_file(tmp_path / "secret_key")


# The settings themselves


@pytest.mark.parametrize(
    "variable",
    ["DEBUG", "HTTPS", "BEHIND_PROXY", "OPEN_CATALOG", "DB_PORT"],
)
def test_a_wrong_setting_is_refused_by_name(variable):
    run = run_manage("check", **{"DB_HOST": "db.invalid", variable: "perhaps"})

    assert run.returncode != 0
    assert f"{variable}='perhaps'" in run.stderr


def test_the_defaults_are_safe():
    assert settings.DEBUG is False
    assert "*" not in settings.ALLOWED_HOSTS


@pytest.mark.parametrize(
    ("environment", "is_open"),
    [
        ({}, True),
        ({"OPEN_CATALOG": "false"}, False),
        ({"DB_HOST": "db.invalid"}, False),
        ({"DB_HOST": "db.invalid", "OPEN_CATALOG": "true"}, True),
    ],
)
def test_the_catalogue_is_open_only_at_home_or_when_asked(environment, is_open):
    code = "from vectorshop.settings import OPEN_CATALOG; print(OPEN_CATALOG)"

    run = run_python("-c", code, **environment)

    assert (run.returncode, run.stdout.strip()) == (0, str(is_open))


def test_help_starts_no_server(tmp_path):
    code = (
        "from vectorshop.db.embedded import server\n"
        "def refuse(*args): raise AssertionError('started')\n"
        "server.ensure_running = server.ensure_database = refuse\n"
        "from django.core.management import execute_from_command_line\n"
        "execute_from_command_line(['manage.py', 'help'])\n"
    )

    run = run_python("-c", code)

    assert run.stderr == ""
    assert "embed_products" in run.stdout


def test_check_imports_no_more_than_it_needs():
    code = (
        "import sys, django; django.setup()\n"
        "from django.core.management import call_command\n"
        "call_command('check')\n"
        "heavy = {'numpy', 'onnxruntime', 'openai'}\n"
        "print(heavy & sys.modules.keys())"
    )

    run = run_python(
        "-c", code, EMBEDDING_BACKEND=""
    )  # the shop's own, not that of the tests

    assert run.returncode == 0
    assert run.stdout.splitlines()[-1] == "set()"


def test_the_production_settings_pass_djangos_checks():
    run = run_manage(
        "check",
        "--deploy",
        "--fail-level",
        "WARNING",
        DB_HOST="db.invalid",
        HTTPS="true",
        ALLOWED_HOSTS="shop.example",
        SECRET_KEY="".join(chr(33 + number % 90) for number in range(60)),
    )

    assert run.returncode == 0, run.stderr


@pytest.mark.parametrize(
    ("environment", "warns"),
    [
        ({}, True),
        ({"DB_HOST": "db.invalid"}, False),
        ({"DB_HOST": "db.invalid", "OPEN_CATALOG": "true"}, True),
        ({"OPEN_CATALOG": "false"}, False),
    ],
)
def test_the_deployment_check_warns_of_an_open_catalogue(environment, warns):
    deploying = run_manage("check", "--deploy", **environment)
    at_home = run_manage("check", **environment)

    assert ("vectorshop.W001" in deploying.stderr) == warns
    assert ("Set OPEN_CATALOG=false" in deploying.stderr) == warns
    assert "W001" not in at_home.stderr


def test_the_data_folder_is_ignored_by_git():
    assert "/.data/" in Path(settings.BASE_DIR / ".gitignore").read_text().split()


def test_hosts_have_names_and_perhaps_a_port(monkeypatch):
    monkeypatch.setenv("IMAGE_HOSTS", "CDN.example, 10.0.0.1:8443")

    assert env_hosts("IMAGE_HOSTS") == ["cdn.example", "10.0.0.1:8443"]


@pytest.mark.parametrize(
    "word",
    ["https://cdn.example", "cdn.example/a", "*", "'unsafe-inline'", "a;script-src *"],
)
def test_what_is_no_host_stays_out_of_the_pages_policy(monkeypatch, word):
    monkeypatch.setenv("IMAGE_HOSTS", word)

    with pytest.raises(ImproperlyConfigured, match="is not the name of a host"):
        env_hosts("IMAGE_HOSTS")


def test_the_pages_policy_lets_pictures_of_the_named_hosts_through():
    program = (
        "from django.conf import settings\n"
        "print(settings.CONTENT_SECURITY_POLICY['DIRECTIVES']['img-src'])"
    )

    none = run_python("-c", program).stdout
    named = run_python("-c", program, IMAGE_HOSTS="cdn.example,b.example:8443").stdout

    assert none == "[\"'self'\", 'data:']\n"
    assert named == (
        "[\"'self'\", 'data:', 'https://cdn.example', 'https://b.example:8443']\n"
    )


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("", None),
        ("127.0.0.1:9464", ("127.0.0.1", 9464)),
        ("[::1]:9464", ("::1", 9464)),
    ],
)
def test_an_address_is_a_host_and_a_port(monkeypatch, text, address):
    monkeypatch.setenv("METRICS_ADDRESS", text)

    assert env_address("METRICS_ADDRESS") == address


@pytest.mark.parametrize(
    "text", ["9464", ":9464", "localhost", "localhost:0", "a:99999"]
)
def test_what_is_no_address_is_refused(monkeypatch, text):
    monkeypatch.setenv("METRICS_ADDRESS", text)

    with pytest.raises(ImproperlyConfigured, match="such as 127.0.0.1:9464"):
        env_address("METRICS_ADDRESS")
