"""What docs/production.md says of serving holds."""

import http.client
import re
import shlex
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlencode

import pytest
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
DOCUMENTED = re.compile(r"^\.venv/bin/gunicorn (vectorshop\.wsgi.*)$", re.M)
# What stands in the address besides the text: the other fields, as the form sends them.
OTHERS = {"mode": "semantic", "min_price": "1", "max_price": "99999999.99", "sort": "x"}
MAXLENGTH = re.compile(r'<input type="search" name="q"[^>]* maxlength="(\d+)"')


@pytest.fixture(scope="module", params=["README.md", "docs/production.md"])
def port(request):
    """The port of gunicorn, run as a page says, with an application that echoes."""
    command = DOCUMENTED.search((ROOT / request.param).read_text(encoding="utf-8"))[1]
    options = shlex.split(command.split("--bind")[0])[1:]
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "tests.serving:echo", *options]
        + ["--bind", f"127.0.0.1:{port}", "--log-level", "error"],
        cwd=ROOT,
    )
    try:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=5).close()
                break
            except OSError:
                time.sleep(0.1)
        yield port
    finally:
        server.terminate()
        server.wait(60)


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


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no gunicorn")
@pytest.mark.parametrize(
    "text",
    [700 * "ж", 500 * "中", 800 * "中", 400 * "🎧"],
    ids=["Cyrillic", "Chinese", "as much as the box takes", "emoji"],
)
def test_a_long_search_reaches_the_shop(port, text):
    assert search(port, text) == (200, True)


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
