"""The shop behind PgBouncer, which gives each transaction another session."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import psycopg
import pytest
from django.conf import settings

if os.name == "nt":
    pytest.skip("Debian's PgBouncer needs Debian", allow_module_level=True)

from tests.stand_ins.pgbouncer import PgBouncer, why_not
from vectorshop.db.embedded.server import ensure_running, leave

pytestmark = pytest.mark.skipif(bool(why_not()), reason=why_not() or "it can run")

PRODUCTS = 40
PATHS = [
    "/",
    *(
        f"/?q=lamp{number}&mode={mode}"
        for number in range(3)
        for mode in ("", "keyword")
    ),
    *(f"/products/{number}/" for number in (1, 2, 3)),
    "/products/1/why/?q=lamp1",
    "/exact/?q=lamp1",
    "/similar/?name=lamp",
    "/map/",
    "/map.svg",
    "/admin/login/",
]
# Asks for each page *rounds* times, eight at a time, with the connections of the
# threads kept; prints the status of each answer and the products it names, in order.
VISITORS = """
import json, re, sys
from concurrent.futures import ThreadPoolExecutor
import django
django.setup()
from django.test import Client
paths, rounds, threads = json.loads(sys.argv[1])
def visit(path):
    answer = Client(raise_request_exception=False, headers={"host": "localhost"}).get(path)
    return path, answer.status_code, re.findall(r"/products/(\\d+)/", answer.text)
with ThreadPoolExecutor(threads) as pool:
    print(json.dumps(list(pool.map(visit, paths * rounds))))
"""


# Signs in, reads the pages of the staff, adds a product and imports a file; prints the
# status of each answer and how many products there are.
CLERK = """
import json, re
import django
django.setup()
from django.contrib.auth import get_user_model
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from products.models import Product
client = Client(raise_request_exception=False, headers={"host": "localhost"})
user, made = get_user_model().objects.get_or_create(
    username="ada", defaults={"is_staff": True, "is_superuser": True})
client.force_login(user)
admin = "/admin/products/product/"
answers = [client.get(path) for path in (
    "/admin/", admin, f"{admin}?q=lamp1", f"{admin}1/change/", f"{admin}import/",
    "/quality/", "/products/add/")]
answers.append(client.post("/samples/load/", follow=True))
added = {"sku": "new", "name": "Lamp new", "price": "1", "category": "", "description": ""}
answers.append(client.post("/products/add/", added, follow=True))
rows = b"sku,name,price\\n" + b"".join(b"i%d,Mug,1\\n" % n for n in range(50))
file = SimpleUploadedFile("mugs.csv", rows)
preview = client.post(f"{admin}import/", {"file": file})
token = re.search(r'name="token" value="([^"]+)"', preview.text)[1]
answers += [preview, client.post(f"{admin}import/", {"token": token}, follow=True)]
print(json.dumps([[a.status_code for a in answers], Product.objects.count()]))
"""


@pytest.fixture(scope="module")
def server():
    """Return a server of its own, with a pooler of two sessions in front of it."""
    # Not pytest's folder, which it closes to other users: root's server is one.
    folder = Path(tempfile.mkdtemp(prefix="pooler-"))
    folder.chmod(0o711)
    server = ensure_running(folder / "postgres")
    if server.password:
        pytest.skip("The pooler cannot answer a server that asks for a password.")
    (folder / "pooler").mkdir()
    address = {"host": server.host, "port": server.port, "user": server.user}
    pooler = PgBouncer(folder / "pooler", sessions=2, database="postgres", **address)
    run = Shop(pooler, server)
    run("migrate", "--verbosity", "0", pooled=False)
    catalogue = folder / "lamps.csv"
    catalogue.write_text(
        "sku,name,category,description,price\n"
        + "".join(
            f"l{n},Lamp lamp{n},Home,Bright {n},{n + 1}\n" for n in range(PRODUCTS)
        )
    )
    run.catalogue = catalogue
    run.restore()
    yield run
    pooler.stop()
    leave(server.data_dir)
    shutil.rmtree(folder)


class Shop:
    """Runs manage.py, or visitors, through the pooler or right at the server."""

    def __init__(self, pooler, server):
        self.pooler, self.server = pooler, server

    def environment(self, *, pooled=True, **variables):
        direct = {"DB_HOST": self.server.host, "DB_PORT": str(self.server.port)}
        through = {
            "DB_HOST": "127.0.0.1",
            "DB_PORT": str(self.pooler.port),
            "DB_POOLER": "true",
            "DB_DIRECT_HOST": self.server.host,
            "DB_DIRECT_PORT": str(self.server.port),
        }
        return {
            **os.environ,
            **(through if pooled else direct),
            "DB_NAME": "postgres",
            "DB_USER": self.server.user,
            "DB_PASSWORD": "not asked for",
            "DJANGO_SETTINGS_MODULE": "vectorshop.settings",
            **variables,
        }

    def run(self, *argv, **changes):
        return subprocess.run(
            [sys.executable, *argv],
            cwd=Path(settings.BASE_DIR),
            env=self.environment(**changes),
            capture_output=True,
            text=True,
            timeout=120,
        )

    def __call__(self, *argv, **changes):
        """Return what manage.py printed, having made sure that it ended well."""
        result = self.run("manage.py", *argv, **changes)
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout

    def restore(self):
        """Leave the catalogue as it was."""
        self("import_products", str(self.catalogue), "--delete-missing", pooled=False)

    def visit(self, *, rounds=1, threads=8, **changes):
        """Return path, status and products of each answer."""
        result = self.run(
            "-c", VISITORS, json.dumps([PATHS, rounds, threads]), **changes
        )
        assert result.returncode == 0, result.stderr
        return json.loads(result.stdout)


def test_the_pooler_gives_each_transaction_another_session(server):
    """Or the other tests would prove nothing."""
    with psycopg.connect(
        host="127.0.0.1",
        port=server.pooler.port,
        dbname="postgres",
        autocommit=True,
        prepare_threshold=None,
    ) as client:
        found = [
            client.execute("SELECT pg_backend_pid()").fetchone() for _ in range(99)
        ]

    assert len(set(found)) == 2


def test_every_page_is_that_of_a_server_without_pooler(server):
    expected = server.visit(pooled=False, threads=1)

    found = server.visit(rounds=4)

    assert [path for path, status, _ in expected if status != 200] == []
    assert sum(len(products) for _, _, products in expected) > PRODUCTS
    assert found == expected * 4


def test_without_the_setting_sessions_are_mixed_up(server):
    found = server.visit(DB_POOLER="false")

    assert {status for _, status, _ in found} != {200}


def test_the_pages_of_the_staff_read_and_write(server):
    answer = server.run("-c", CLERK)
    server.restore()

    assert answer.returncode == 0, answer.stderr
    samples, own = 10, 1
    assert json.loads(answer.stdout) == [[200] * 11, PRODUCTS + samples + own + 50]


@pytest.mark.parametrize(
    "line",
    [
        "migrate --check",
        "check --database default --fail-level WARNING",
        "similar l1",
        "search lamp1",
        "search lamp1 --explain",
        "embed_products",
        "export_products - --format csv",
        "build_index",
        "build_index --halfvec",
        "migrate_embeddings",
        "calibrate",
        "dumpdata products",
    ],
)
def test_a_command_does_and_says_what_it_does_without_pooler(server, line):
    same = line not in ("build_index", "build_index --halfvec")
    expected = server(*line.split(), pooled=False)

    found = server(*line.split())

    assert not same or shape(found) == shape(expected)


def shape(output):
    """Return the text of a command without how long things took."""
    return [
        line for line in output.splitlines() if " ms" not in line and " s." not in line
    ]


def test_an_import_of_many_chunks_goes_past_the_pooler(server, tmp_path):
    file = tmp_path / "many.csv"
    file.write_text(
        "sku,name,price\n" + "".join(f"m{n},Mug {n},1\n" for n in range(5000))
    )

    first = server("import_products", str(file), "--no-embed")
    again = server("import_products", str(file), "--no-embed")
    server.restore()

    assert "Imported 5,000 products: 5,000 new, 0 changed, 0 unchanged." in first
    assert "Imported 5,000 products: 0 new, 0 changed, 5,000 unchanged." in again


@pytest.mark.parametrize("command", ["import_products", "build_index"])
def test_what_needs_a_session_says_which_setting_is_missing(server, command):
    arguments = [str(server.catalogue)] if command == "import_products" else []

    result = server.run(
        "manage.py", command, *arguments, DB_DIRECT_HOST="", DB_DIRECT_PORT=""
    )

    assert result.returncode != 0
    assert "Set DB_DIRECT_PORT" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_pooler_that_the_settings_do_not_know_of_is_found_out(server):
    result = server.run(
        *("manage.py", "check", "--database", "default", "--fail-level", "WARNING"),
        DB_POOLER="false",
        DB_RANDOM_PAGE_COST="0",  # or the pooler would refuse the login
    )

    assert result.returncode == 1
    assert "products.W012" in result.stderr
    assert "DB_POOLER=true" in result.stderr


def test_a_way_past_the_pooler_that_leads_through_it_is_found_out(server):
    result = server.run(
        *("manage.py", "check", "--database", "default", "--fail-level", "WARNING"),
        DB_DIRECT_HOST="127.0.0.1",
        DB_DIRECT_PORT=str(server.pooler.port),
        DB_RANDOM_PAGE_COST="0",
    )

    assert result.returncode == 1
    assert "products.W012" in result.stderr
    assert "DB_DIRECT_PORT" in result.stderr


def test_a_login_that_the_pooler_refuses_names_the_setting(server):
    result = server.run(
        *("manage.py", "search", "lamp1"),
        PGOPTIONS="-c jit=off",
        DB_DIRECT_HOST="",
        DB_DIRECT_PORT="",
    )

    assert result.returncode == 1
    assert "unsupported startup parameter" in result.stderr
    assert "Set DB_POOLER=true, and unset PGOPTIONS." in result.stderr
    assert "Traceback" not in result.stderr
