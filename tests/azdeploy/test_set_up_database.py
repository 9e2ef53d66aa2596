"""What a deployment's job does, on a real PostgreSQL as Azure hands it over."""

import os
import subprocess
import sys

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from tests.azdeploy.test_roles import APP, run
from vectorshop.azure import roles

ROLE = ("--role", APP.name, "--object-id", APP.object_id)


@pytest.fixture
def set_up(connect, postgres):
    """Return a function that runs the command as the administrator, on its own."""
    environment = os.environ | {
        "DB_HOST": postgres["host"],
        "DB_USER": "ada",
        "DB_PASSWORD": "not asked for on this server",
        "DB_NAME": "postgres",
        "DB_ASSUME_ROLE": roles.OWNER,
        "SECRET_KEY": "test",
    }

    def run_command(*arguments):
        return subprocess.run(
            [sys.executable, "manage.py", "set_up_database", *arguments],
            cwd=settings.BASE_DIR,
            env=environment,
            capture_output=True,
            text=True,
        )

    return run_command


def test_the_app_serves_what_the_job_has_set_up(set_up, connect):
    made = set_up(*ROLE, "--samples")

    assert made.returncode == 0, made.stderr
    assert "Loaded 10 sample products." in made.stdout
    app = connect(APP.name)
    assert run(app, "SELECT count(*) FROM products") == [(10,)]
    owners = (
        "SELECT DISTINCT tableowner FROM pg_tables WHERE tablename LIKE 'products%'"
    )
    assert (roles.OWNER,) in run(app, owners)
    with pytest.raises(Exception, match="must be owner"):
        run(app, "DROP TABLE products")

    run(app, "DELETE FROM products WHERE sku <> 'smart-watch'")
    run(app, "UPDATE products SET name = 'Mine'")
    again = set_up(*ROLE, "--samples")

    assert again.returncode == 0, again.stderr
    assert "No migrations to apply." in again.stdout
    assert "so no samples are loaded" in again.stdout
    assert run(app, "SELECT name FROM products") == [("Mine",)]


@pytest.mark.parametrize("half", [ROLE[:2], ROLE[2:]])
def test_a_role_needs_its_object_id(half):
    with pytest.raises(CommandError, match="go together"):
        call_command("set_up_database", *half)
