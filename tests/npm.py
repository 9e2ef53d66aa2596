"""Files of npm packages that tests need: fetched once, checked, kept in `.data`."""

import base64
import hashlib
import io
import tarfile
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from django.conf import settings

REGISTRY = "https://registry.npmjs.org"
SECONDS = 60


def npm_file(package, version, integrity, member):
    """The path of one file of a package; skips the test where npm cannot be reached.

    integrity: the SHA-512 of the package as npm writes it, in Base64.
    """
    folder = Path(settings.BASE_DIR) / ".data" / "npm" / f"{package}-{version}"
    path = folder / Path(member).name
    if not path.exists():
        content = extracted(fetched(package, version, integrity), member)
        folder.mkdir(parents=True, exist_ok=True)
        # Another process may do the same: each renames a file of its own.
        unfinished = folder / f"{path.name}.{id(content)}"
        unfinished.write_bytes(content)
        unfinished.replace(path)
    return path


def fetched(package, version, integrity):
    """The package's archive, if it is the one that was pinned."""
    address = f"{REGISTRY}/{package}/-/{package}-{version}.tgz"
    try:
        with urllib.request.urlopen(address, timeout=SECONDS) as response:
            archive = response.read()
    except (urllib.error.URLError, TimeoutError) as err:
        pytest.skip(f"{address} cannot be fetched: {err}")
    found = base64.b64encode(hashlib.sha512(archive).digest()).decode()
    assert found == integrity, f"{address} is not the file that was pinned."
    return archive


def extracted(archive, member):
    """The content of one file of an archive."""
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as files:
        return files.extractfile(member).read()
