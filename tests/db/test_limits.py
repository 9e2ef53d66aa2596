"""A real server on both engines: a slow statement, a lock, and no free connection."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg
import pytest

from tests.db.test_outage import ROOT, environment_for, get, wait_for
from tests.serving import free_port
from vectorshop.db.embedded.cluster import Cluster

MODULE = """
from django.db import connection
from django.http import HttpResponse
from django.urls import path
from vectorshop.settings import *

ROOT_URLCONF = __name__
handler500 = "vectorshop.errors.failed"
# Each request asks for a connection of its own.
DATABASES["default"]["CONN_MAX_AGE"] = 0
if not DB_HOST:
    DATABASES["default"]["OPTIONS"]["data_dir"] = {data_dir!r}

def ask(request):
    with connection.cursor() as cursor:
        cursor.execute(request.GET["sql"])
        return HttpResponse(str(cursor.fetchone()[0]))

urlpatterns = [path("ask/", ask)]
"""
LIMITS = "SHOW statement_timeout", "SHOW lock_timeout"
AT_ONCE = 10  # seconds, on a busy machine; without the cure it takes 60


@pytest.fixture(scope="module")
def cluster():
    """A server of its own with room for few connections."""
    folder = Path(tempfile.mkdtemp(prefix="vs-")).resolve()
    folder.chmod(0o711)
    cluster = Cluster(folder / "postgres")
    cluster.create()
    with (cluster.data_dir / "postgresql.conf").open("a") as file:
        file.write("max_connections = 12\nfsync = off\n")
    yield cluster
    if cluster.answers():
        cluster.stop()
    shutil.rmtree(folder)


@pytest.fixture(scope="module", params=["embedded", "entra"])
def environment(request, cluster, tmp_path_factory):
    """The environment of a shop on that server, by each of the two engines."""
    if not cluster.answers():  # the embedded engine stops it at the end
        cluster.start()
    folder = tmp_path_factory.mktemp("settings")
    module = MODULE.format(data_dir=str(cluster.data_dir))
    (folder / "shop_of_test.py").write_text(module)
    server = environment_for(cluster) if request.param == "entra" else os.environ
    return {
        **server,
        "DB_NAME": "postgres",
        "DJANGO_SETTINGS_MODULE": "shop_of_test",
        "PYTHONPATH": f"{folder}:{ROOT}",
        "DB_STATEMENT_TIMEOUT": "2",
        "DB_LOCK_TIMEOUT": "1",
    }


@pytest.fixture(scope="module")
def shop(environment):
    """The address of a worker with four threads."""
    port = free_port()
    command = [sys.executable, ROOT / "manage.py", "serve", "--workers", "1"]
    with subprocess.Popen(
        [*command, "--threads", "4", "--port", str(port)],
        env=environment,
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            wait_for(f"http://127.0.0.1:{port}/ask/?sql=SELECT+1")
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def ask(shop, sql):
    return get(f"{shop}/ask/?sql={sql.replace(' ', '+')}")


def run_command(environment, code):
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, ROOT / "manage.py", "shell", "--no-imports", "-c", code],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    return done, time.monotonic() - started


@contextmanager
def no_connection_free(cluster):
    """Take the connections that are left."""
    with ExitStack() as stack:
        try:
            while True:
                connection = cluster.connect(cluster.address())
                stack.callback(connection.close)
        except psycopg.OperationalError as err:
            assert "too many clients" in str(err)
        yield


def test_a_web_request_has_limits_and_a_command_has_none(shop, environment):
    code = "from django.db import connection as c; k = c.cursor()"
    for show in LIMITS:
        code += f"; k.execute('{show}'); print(k.fetchone()[0])"

    done, _ = run_command(environment, code)

    assert [ask(shop, show)[2] for show in LIMITS] == ["2s", "1s"]
    assert done.stdout.split() == ["0", "0"], done.stderr


def test_a_statement_that_takes_too_long_gets_a_page_that_says_so(shop):
    status, _, page = ask(shop, "SELECT pg_sleep(60)")

    assert status == 504
    assert "This took too long" in page
    assert ask(shop, "SELECT 7")[2] == "7"


def test_a_lock_that_others_hold_gets_a_page_that_says_so(shop, cluster):
    with cluster.connect(cluster.address()) as other:
        other.execute("SELECT pg_advisory_lock(13)")

        status, headers, page = ask(shop, "SELECT pg_advisory_lock(13)")

    assert (status, headers["Retry-After"]) == (503, "30")
    assert "not finished in time" in page


def test_without_a_free_connection_the_answer_comes_at_once(shop, cluster, environment):
    code = "from django.db import connection; connection.ensure_connection()"
    with no_connection_free(cluster):
        started = time.monotonic()
        answers = [ask(shop, "SELECT 1") for _ in range(8)]
        seconds = time.monotonic() - started
        command, command_seconds = run_command(environment, code)

    assert [status for status, _, _ in answers] == 8 * [503]
    assert seconds < AT_ONCE
    assert all("More people are in the shop" in page for _, _, page in answers)
    assert command.returncode == 1
    assert "too many clients already" in command.stderr
    assert command_seconds < 2 * AT_ONCE
    assert ask(shop, "SELECT 1")[0] == 200
