"""An import that is stopped in the middle: the next one finishes the work."""

import os
import re
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from django.core.management import call_command
from django.db import connection

from products.catalog.importing import CHUNK_ROWS
from products.models import Product
from products.upkeep import vector_index

ROOT = Path(__file__).resolve().parents[2]
HEADER = "sku,name,price\n"
ROWS = CHUNK_ROWS + 100
PATIENCE_SECONDS = 60


def kill(importer, backend):
    importer.send_signal(signal.SIGKILL)


def interrupt(importer, backend):
    importer.send_signal(signal.SIGINT)


def lose_database(importer, backend):
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", [backend])


def waiting_backend():
    """Return the id of the server process that waits for the lock on a row."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' "
                "AND datname = current_database()"
            )
            if found := cursor.fetchone():
                return found[0]
        time.sleep(0.05)
    raise AssertionError("The import never came to the locked row.")


def start_import(path):
    environment = os.environ | {"DB_NAME": connection.settings_dict["NAME"]}
    command = ["manage.py", "import_products", str(path), "--no-embed"]
    return subprocess.Popen(
        [sys.executable, *command],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("stop", "status", "message"),
    [
        (kill, -signal.SIGKILL, ""),
        (interrupt, 130, f"Stopped. {CHUNK_ROWS:,} products of the file are in"),
        (lose_database, 2, f"The database failed: .* {CHUNK_ROWS:,} products"),
    ],
    ids=["kill -9", "Ctrl-C", "database gone"],
)
def test_an_import_stopped_in_the_middle_of_a_statement_is_finished_by_the_next(
    tmp_path, stop, status, message
):
    path = tmp_path / "a.csv"
    path.write_text(HEADER + "".join(f"m{i},Mug {i},{i}\n" for i in range(ROWS)))
    Product(sku=f"m{ROWS - 1}", name="Held", price=0).save(embed=False)
    with (
        closing(psycopg.connect(**connection.get_connection_params())) as held,
        start_import(path) as importer,
    ):
        held.execute("SELECT FROM products FOR UPDATE")
        try:
            stop(importer, waiting_backend())
            output, _ = importer.communicate(timeout=PATIENCE_SECONDS)
        finally:
            importer.kill()

    assert importer.returncode == status, output
    assert re.search(message, output)
    assert "Traceback" not in output
    assert Product.objects.count() == CHUNK_ROWS + 1  # one chunk, whole, and "Held"

    call_command("import_products", str(path), "--no-embed", verbosity=0)

    assert Product.objects.count() == ROWS
    assert not Product.objects.filter(name="Held").exists()


@pytest.mark.django_db(transaction=True)
def test_an_import_finds_the_index_missing_and_builds_it(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(HEADER + "m1,Mug,1\n")
    assert vector_index.drop_index(vector_index.VECTOR, using="default")

    call_command("import_products", str(path), verbosity=0)

    assert vector_index.is_usable(vector_index.VECTOR, using="default")
