"""Runs the Dockerfile's own steps without Docker, and serves the shop from there.

`make test-container` runs it: it installs the packages, so it is not part of `make test`.
The steps run in a folder in place of the root, by the Python of the tests. The shop then
runs as a user who may write nothing of it, as in a container whose root is read-only.
"""

import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from urllib.error import URLError

import pytest
from django.conf import settings
from dockerfile_parse import DockerfileParser
from pathspec import PathSpec

from tests.serving import free_port
from vectorshop.db.embedded.cluster import Cluster

ROOT = Path(settings.BASE_DIR)
# One that everybody may run: not within somebody's home.
PYTHON = shutil.which("python3", path="/usr/local/bin:/usr/bin")

pytestmark = [
    pytest.mark.skipif(
        os.name == "nt" or os.geteuid() != 0, reason="only root runs as another user"
    ),
    pytest.mark.skipif(not PYTHON, reason="no Python that another user may run"),
]


class Image:
    """A folder that a Dockerfile's steps fill. `/srv` of the steps lies in it."""

    def __init__(self, root, context, account):
        self.root = root
        self.context = context
        self.account = account  # who serves, by number
        self.workdir = root
        self.environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}
        self.user = None
        self.command = []
        self.healthcheck = []

    def inside(self, text):
        """What a step says, with its paths in the folder."""
        return text.replace("/srv", f"{self.root}/srv")

    def step(self, instruction, value):
        getattr(self, instruction.lower())(value)

    def from_(self, value):
        assert value.split()[0] == "python:3.13-slim"
        self.environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}

    def env(self, value):
        for pair in shlex.split(value):
            name, _, text = pair.partition("=")
            self.environment[name] = self.inside(text).replace(
                "$PATH", self.environment["PATH"]
            )

    def workdir_(self, value):
        self.workdir = Path(self.inside(value))
        self.workdir.mkdir(parents=True, exist_ok=True)

    def run(self, value):
        if value.startswith(("pip install", "useradd")):
            return  # the tests have that uv; the user is there
        value = self.inside(value).replace("--owner=10001", f"--owner={self.account}")
        tools = f"{Path(sys.executable).parent}{os.pathsep}{self.environment['PATH']}"
        subprocess.run(
            ["bash", "-euc", value],
            cwd=self.workdir,
            env={**os.environ, **self.environment, "UV_PYTHON": PYTHON, "PATH": tools},
            check=True,
        )

    def copy(self, value):
        *sources, target = value.split()
        if sources[0].startswith("--from="):
            assert value == "--from=build /srv /srv"  # the folder has it already
            return
        [source] = sources
        for name in self.context:
            if source == "." or name == source:
                path = self.workdir / (name if target == "." else target)
                path.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, path)

    def user_(self, value):
        self.user = value

    def expose(self, value):
        assert value == "8000"

    def healthcheck_(self, value):
        self.healthcheck = json.loads(value.partition("CMD ")[2])

    def cmd(self, value):
        self.command = json.loads(value)


def sent_files():
    """The files that .dockerignore lets through: the last pattern that fits decides."""
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    ignored = PathSpec.from_lines(
        "gitignore", (ROOT / ".dockerignore").read_text().splitlines()
    )
    return [name for name in tracked if not ignored.match_file(name)]


@pytest.fixture(scope="module")
def image(server):
    root = Path(tempfile.mkdtemp(prefix="image-")).resolve()
    root.chmod(0o755)
    image = Image(root, sent_files(), server.data_dir.stat().st_uid)
    parser = DockerfileParser(path=str(ROOT / "Dockerfile"))
    named = {
        "FROM": "from_",
        "WORKDIR": "workdir_",
        "USER": "user_",
        "HEALTHCHECK": "healthcheck_",
    }
    for step in parser.structure:
        if step["instruction"] != "COMMENT":
            name = named.get(step["instruction"], step["instruction"])
            image.step(name, step["value"])
    yield image
    shutil.rmtree(root)


@pytest.fixture(scope="module")
def server():
    """A server whose socket only its account may use, which is not root."""
    folder = Path(tempfile.mkdtemp(prefix="database-")).resolve()
    folder.chmod(0o711)
    cluster = Cluster(folder / "postgres")
    cluster.create()
    cluster.start()
    yield cluster
    cluster.stop()
    shutil.rmtree(folder)


@pytest.fixture
def database(server):
    return {
        "DB_HOST": str(server.data_dir),
        "DB_USER": "postgres",
        "DB_PASSWORD": "any: the socket is open",
        "DB_NAME": "postgres",
        "SECRET_KEY": "only-for-tests-" + 40 * "x",
    }


def run(image, command, environment, **options):
    """Start a command as the account, with nothing in the environment but what the image has."""
    return subprocess.Popen(
        command,
        cwd=image.workdir,
        env=image.environment | environment,
        user=image.account,
        extra_groups=[],
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        **options,
    )


def page_of(address):
    deadline = time.monotonic() + 120
    while True:
        try:
            return urllib.request.urlopen(address, timeout=30).read().decode()
        except URLError as err:
            if time.monotonic() > deadline or hasattr(err, "code"):
                raise
            time.sleep(0.2)


def test_the_image_holds_what_is_served_and_no_more(image):
    places = {path.name for path in image.workdir.iterdir()}
    packages = next((image.root / "srv" / "venv" / "lib").glob("python*/site-packages"))

    assert image.user == "10001"
    assert places == {
        *(".data", "fixtures", "locale", "locks", "manage.py", "products"),
        *("staticfiles", "templates", "vectorshop"),
    }
    assert (image.workdir / "staticfiles" / "staticfiles.json").is_file()
    assert (image.workdir / "locale/de/LC_MESSAGES/django.mo").is_file()
    assert not list(packages.glob("pixeltable*"))
    assert not list(packages.glob("pytest*"))


def test_the_shop_is_served_by_who_may_write_nothing(image, database):
    migrated = run(image, ["python", "manage.py", "migrate", "--no-input"], database)
    said, _ = migrated.communicate(timeout=120)
    assert migrated.returncode == 0, said
    loaded = run(
        image, ["python", "manage.py", "loaddata", "sample_products"], database
    )
    said, _ = loaded.communicate(timeout=120)
    assert loaded.returncode == 0, said
    port = str(free_port())
    command = [word.replace("8000", port) for word in image.command]

    with run(image, command, database) as shop:
        try:
            page = page_of(f"http://127.0.0.1:{port}/?q=earphones")
            check = [word.replace("8000", port) for word in image.healthcheck]
            healthy = run(image, check, {})
            complaint, _ = healthy.communicate(timeout=30)
        finally:
            shop.terminate()
            shop.wait(60)

    assert "Wireless Bluetooth Headphones" in page
    assert (healthy.returncode, complaint) == (0, "")
    written = [
        path
        for path in image.root.rglob("*")
        if path.is_file() and path.stat().st_uid == image.account
    ]
    assert written == []
