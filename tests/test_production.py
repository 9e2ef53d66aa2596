"""What docs/production.md says of serving holds."""

import http.client
import os
import re
import shlex
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import urlencode

import psutil
import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from tests.serving import free_port

ROOT = Path(settings.BASE_DIR)
SERVE = re.compile(r"^\.venv/bin/python manage\.py (serve.*)$", re.M)
# What stands in the address besides the text: the other fields, as the form sends them.
OTHERS = {"mode": "semantic", "min_price": "1", "max_price": "99999999.99", "sort": "x"}
MAXLENGTH = re.compile(r'<input type="search" name="q"[^>]* maxlength="(\d+)"')
SECONDS = 60  # more than a slow machine needs for anything here
# The shop's settings with pages of the test's, none of which asks the database.
MODULE = """
import os, time
from django.http import HttpResponse
from django.urls import path, reverse
from vectorshop.settings import *

ROOT_URLCONF = __name__

def echo(request):
    return HttpResponse(request.META["QUERY_STRING"])

def slow(request):
    print("asked", flush=True)
    time.sleep(2)
    return HttpResponse("finished")

def worker(request):
    return HttpResponse(str(os.getpid()))

def here(request):
    return HttpResponse(reverse("here"))

urlpatterns = [path("", echo), path("slow/", slow), path("worker/", worker)]
urlpatterns += [path("here/", here, name="here")]
"""


def read_until(process, text):
    """Read what the process prints, up to the line with the text."""
    while text not in (line := process.stdout.readline()):
        assert line, "The server ended."


@contextmanager
def served(folder, *arguments):
    """The process of `manage.py serve` with these arguments, once all workers answer."""
    (folder / "shop_of_test.py").write_text(MODULE)
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "shop_of_test",
        "PYTHONPATH": f"{folder}{os.pathsep}{ROOT}",
        "DB_HOST": "127.0.0.1",
        "DB_PASSWORD": "never asked for",
    }
    server = subprocess.Popen(
        [sys.executable, "-u", ROOT / "manage.py", *arguments],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    with server:
        try:
            read_until(server, "Embedding model: ")
            for _ in range(1 if sys.platform == "win32" else 2):
                read_until(server, "Started worker")
            yield server
        finally:
            server.terminate()


@pytest.fixture(scope="module", params=["README.md", "docs/production.md"])
def port(request, tmp_path_factory):
    """The port of the shop, served as a page says."""
    command = SERVE.search((ROOT / request.param).read_text(encoding="utf-8"))[1]
    port = free_port()
    folder = tmp_path_factory.mktemp("settings")
    with served(folder, *shlex.split(command), "--port", str(port)):
        yield port


@pytest.fixture
def server(tmp_path):
    """The process of a shop with two workers, and its port."""
    port = free_port()
    with served(tmp_path, "serve", "--port", str(port)) as process:
        yield process, port


def get(port, path):
    """The status and the text of a page."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    with closing(connection):
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read().decode()


several_workers = pytest.mark.skipif(
    sys.platform == "win32", reason="Windows has one worker, and no signals"
)


def search(port, text):
    query = urlencode({"q": text} | OTHERS)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    # A browser names the page it comes from, and htmx the page it is on.
    page = f"http://127.0.0.1:{port}/?{query}"
    headers = {"Referer": page, "HX-Current-URL": page}
    connection.request("GET", f"/?{query}", headers=headers)
    response = connection.getresponse()
    answer = response.read().decode()
    connection.close()
    return response.status, answer == query


@pytest.mark.parametrize(
    "text",
    [700 * "ж", 500 * "中", 800 * "中", 400 * "🎧"],
    ids=["Cyrillic", "Chinese", "as much as the box takes", "emoji"],
)
def test_a_long_search_reaches_the_shop(port, text):
    assert search(port, text) == (200, True)


@several_workers
def test_a_request_that_runs_is_finished_when_the_server_stops(server):
    process, port = server
    with ThreadPoolExecutor() as threads:
        answer = threads.submit(get, port, "/slow/")
        read_until(process, "asked")
        process.terminate()

    assert answer.result() == (200, "finished")
    assert process.wait(SECONDS) == 0


@several_workers
def test_a_killed_worker_is_replaced(server):
    process, port = server
    main = psutil.Process(process.pid)
    before = {worker.pid for worker in main.children()}
    killed = int(get(port, "/worker/")[1])
    assert killed in before

    os.kill(killed, signal.SIGKILL)
    read_until(process, "Started worker")

    after = {worker.pid for worker in main.children()}
    assert len(after) == 2
    assert len(after & before) == 1
    assert int(get(port, "/worker/")[1]) in after


@several_workers
def test_workers_end_when_their_main_process_is_killed(server):
    process, _ = server
    workers = psutil.Process(process.pid).children()
    assert len(workers) == 2

    process.kill()

    assert psutil.wait_procs(workers, timeout=SECONDS)[1] == []


def test_a_second_server_cannot_share_the_port(server):
    _, port = server

    with pytest.raises(CommandError, match=f"Port {port} cannot be used"):
        call_command("serve", port=port)


def test_below_a_path_the_addresses_begin_with_it(tmp_path):
    port = free_port()
    with served(tmp_path, "serve", "--below", "/shop", "--port", str(port)):
        assert get(port, "/shop/here/") == (200, "/shop/here/")


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--below", "shop", "'shop' is not a path such as /shop."),
        ("--below", "/shop/", "'/shop/' is not a path such as /shop."),
        ("--workers", "0", "'0' is not a number from 1 on."),
        ("--threads", "two", "'two' is not a number from 1 on."),
    ],
)
def test_options_that_are_none_are_refused(option, value, message):
    with pytest.raises(CommandError, match=re.escape(message)):
        call_command("serve", f"{option}={value}")


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/", "/similar/"])
def test_the_boxes_take_no_more_than_an_address_can_hold(client, path):
    [limit] = set(MAXLENGTH.findall(client.get(path, {"q": "x"}).content.decode()))

    # maxlength counts UTF-16 units, of which none takes more than nine bytes.
    assert 9 * int(limit) + len(urlencode(OTHERS)) < 8190 - 200
    assert int(limit) >= 700


@pytest.mark.django_db
@pytest.mark.parametrize("text", [700 * "ж", 500 * "中"], ids=["Cyrillic", "Chinese"])
@pytest.mark.parametrize("path", ["/", "/similar/"])
def test_a_long_search_is_answered(client, path, text):
    assert client.get(path, {"q": text}).status_code == 200
