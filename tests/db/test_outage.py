"""A PostgreSQL server that stops under a running shop, and comes back."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.serving import free_port
from vectorshop.db.embedded.cluster import SUPERUSER, Cluster

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 60  # more than a slow machine needs for anything here


@pytest.fixture
def cluster():
    """A server of its own, that no process of the shop would start again."""
    # A short path, unlike tmp_path, which pytest also closes to other users.
    folder = Path(tempfile.mkdtemp(prefix="vs-")).resolve()
    folder.chmod(0o711)
    cluster = Cluster(folder / "postgres")
    cluster.create()
    cluster.start()
    yield cluster
    if cluster.answers():
        cluster.stop()
    shutil.rmtree(folder)


def environment_for(cluster):
    address = cluster.address()
    return os.environ | {
        "DJANGO_SETTINGS_MODULE": "vectorshop.settings",
        "DB_HOST": address.host,
        "DB_PORT": str(address.port),
        "DB_NAME": "postgres",
        "DB_USER": SUPERUSER,
        "DB_PASSWORD": cluster.password or "none is asked for",
    }


@contextmanager
def running_shop(environment):
    """The address of a shop in a process of its own, with the commands people use."""
    manage, port = [sys.executable, ROOT / "manage.py"], free_port()
    subprocess.run([*manage, "migrate", "-v", "0"], env=environment, check=True)
    with subprocess.Popen(
        [*manage, "runserver", "--noreload", f"127.0.0.1:{port}"],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            process.kill()


def get(url):
    """The status, headers and text of a page, whatever the status is."""
    try:
        with urllib.request.urlopen(url, timeout=SECONDS) as response:
            return response.status, response.headers, response.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, error.read().decode()


def wait_for(url):
    deadline = time.monotonic() + SECONDS
    while True:
        try:
            return get(url)
        except urllib.error.URLError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def test_a_shop_whose_server_stops_says_so_and_recovers_by_itself(cluster):
    with running_shop(environment_for(cluster)) as shop:
        before, _, _ = wait_for(f"{shop}/")
        cluster.stop()
        during, headers, page = get(f"{shop}/")
        search, _, _ = get(f"{shop}/?q=lamp")
        style, _, _ = get(f"{shop}/static/products/shop.css")
        cluster.start()
        after, _, catalogue = get(f"{shop}/")

    assert (before, during, search, style, after) == (200, 503, 503, 200, 200)
    assert headers["Retry-After"] == "30"
    assert "Back in a moment" in page
    assert "/static/products/shop.css" in page
    assert "The catalogue is empty" in catalogue
