"""A server whose pgvector is older than the shop works with is refused by name."""

import os
import subprocess
import sys

import pytest
from django.conf import settings

if os.name == "nt":
    pytest.skip("the old wheels are for Linux", allow_module_level=True)

from tests.stand_ins.old_pgvector import OLDEST, REFUSED, OldServer, why_not


@pytest.fixture
def manage(request):
    """Return a function that runs manage.py on a server with the version *param*."""
    if reason := why_not(request.param):
        pytest.skip(reason)
    server = OldServer(request.param)

    def run(*argv):
        return subprocess.run(
            [sys.executable, "manage.py", *argv],
            cwd=settings.BASE_DIR,
            env={
                **os.environ,
                **server.environment(),
                "DJANGO_SETTINGS_MODULE": "vectorshop.settings",
            },
            capture_output=True,
            text=True,
            timeout=120,
        )

    yield run
    server.stop()


@pytest.mark.parametrize("manage", [REFUSED], indirect=True)
def test_nothing_is_made_on_a_server_whose_pgvector_is_too_old(manage):
    migrated = manage("migrate")
    unchecked = manage("migrate", "--skip-checks")
    checked = manage("check", "--database", "default")

    for result in (migrated, checked):
        assert result.returncode == 1
        assert "(products.E005) Database 'default' has pgvector 0.6.2." in result.stderr
        assert "oldest that this shop works with is 0.8.0" in result.stderr
        assert "Install pgvector 0.8.0 or newer" in result.stderr
        assert "Traceback" not in result.stderr
    assert "Applying" not in migrated.stdout
    assert unchecked.returncode == 0, unchecked.stderr  # its own tables can be made


@pytest.mark.parametrize("manage", [OLDEST], indirect=True)
def test_the_oldest_pgvector_serves_the_shop(manage):
    for line in ("migrate", "loaddata sample_products", "build_index"):
        result = manage(*line.split())
        assert result.returncode == 0, result.stderr

    checked = manage("check", "--database", "default")
    found = manage("search", "headphones", "--max-price", "1000")

    assert checked.returncode == 0
    for id in ("products.W013", "products.W014", "products.W015"):
        assert id in checked.stderr
    assert "Wireless Bluetooth Headphones" in found.stdout
