"""A shop with a standby, whose servers stop, lag and come back."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
import pytest
from psycopg import OperationalError

from tests.db.test_outage import environment_for, running_shop
from vectorshop.db.embedded.cluster import SUPERUSER, Cluster

if os.name == "nt":
    pytest.skip("the servers have Unix sockets on Unix only", allow_module_level=True)

SECONDS = 60  # more than a slow machine needs for anything here
ROUNDS = 200
PAGES = [
    "/",
    "/?q=mat",
    "/?q=mat&mode=keyword",
    "/?q=mat&mode=semantic",
    "/?category=Sports",
    "/?like=1",
    "/products/1/",
    "/similar/?product=1",
    "/map/",
    "/map.svg",
    "/exact/?like=1",
    "/products/2/why/?like=1",
    "/api/v1/search?q=mat",
    "/api/v1/facets?q=mat",
    "/api/v1/suggest?q=mat",
    "/api/v1/products/yoga-mat",
    "/api/v1/products/yoga-mat/similar?category=Sports",
    "/api/v1/products/yoga-mat/why-not?q=shoes",
]


@contextmanager
def servers(standbys=1):
    """A primary and standbys that stream from it, each in a folder of its own."""
    folder = Path(tempfile.mkdtemp(prefix="vs-")).resolve()
    folder.chmod(0o711)
    primary, *others = (Cluster(folder / name) for name in "abc"[: 1 + standbys])
    primary.create()
    primary.start()
    for standby in others:
        standby.create_standby(primary)
        standby.start()
    yield primary, *others
    for cluster in (primary, *others):
        if cluster.answers():
            cluster.stop()
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def pair():
    with servers() as clusters:
        yield clusters


def environment(primary, *standbys):
    return environment_for(primary) | {
        "DB_REPLICA_HOSTS": ",".join(str(standby.data_dir) for standby in standbys),
        "DB_REPLICA_LAG": "2",
        "DB_LOCK_TIMEOUT": "60",
        "EMBEDDING_BACKEND": "",  # the one that embedded the samples
        "OPEN_CATALOG": "true",
        "SECRET_KEY": 50 * "x",
    }


@pytest.fixture(scope="module")
def address(pair):
    """The address of a shop with the samples and an account, on both servers."""
    settings = environment(*pair) | {"DJANGO_SUPERUSER_PASSWORD": "secret"}
    manage = [sys.executable, "manage.py"]
    with running_shop(settings) as address:
        for command in (
            ["loaddata", "-v", "0", "sample_products"],
            [
                "createsuperuser",
                "--noinput",
                "--username",
                "ada",
                "--email",
                "ada@shop.example",
            ],
        ):
            subprocess.run([*manage, *command], env=settings, check=True)
        with visitor(address) as client:
            wait_until(lambda: answered_by(client) == "replica1")
        yield address


@pytest.fixture
def shop(pair, address):
    """The shop, with both servers running before the test and after it."""
    yield address
    for cluster in pair:
        if not cluster.answers():
            cluster.start()
    execute(pair[1], "SELECT pg_wal_replay_resume()")
    with visitor(address) as client:
        wait_until(lambda: answered_by(client) == "replica1")


@contextmanager
def visitor(address):
    with httpx.Client(base_url=address, timeout=SECONDS) as client:
        yield client


def wait_until(is_so):
    deadline = time.monotonic() + SECONDS
    while True:
        try:
            if is_so():
                return
        except httpx.TransportError:
            pass  # the shop has not begun to listen
        assert time.monotonic() < deadline
        time.sleep(0.1)


def answered_by(client, path="/"):
    return client.get(path).headers.get("X-Answered-By")


def execute(cluster, statement):
    with cluster.connect(cluster.address()) as connection:
        connection.execute(statement)


def value(cluster, query):
    """The value that a query finds."""
    with cluster.connect(cluster.address()) as connection:
        return connection.execute(query).fetchone()[0]


def add(client, name):
    """Add a product, as the form does."""
    token = client.cookies.get("csrftoken")
    if token is None:
        client.get("/products/add/")
        token = client.cookies["csrftoken"]
    return client.post(
        "/products/add/",
        data={
            "csrfmiddlewaretoken": token,
            "name": name,
            "description": "for a test",
            "price": "1",
            "confirmed": "1",
        },
    )


def sign_in(client):
    client.get("/login/")
    token = client.cookies["csrftoken"]
    data = {"username": "ada", "password": "secret", "csrfmiddlewaretoken": token}
    return client.post("/login/", data=data)


@pytest.mark.parametrize(
    ("path", "question"),
    [
        ("/ucp/catalog/search", {"query": "mat"}),
        ("/ucp/catalog/lookup", {"ids": ["yoga-mat"]}),
        ("/mcp", {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}),
    ],
)
def test_what_agents_ask_by_post_is_read_from_the_standby(shop, path, question):
    agent = {"UCP-Agent": 'profile="https://agent.example/profile.json"'}
    with visitor(shop) as client:
        answer = client.post(path, json=question, headers=agent)

    assert answer.status_code == 200
    assert answer.headers["X-Answered-By"] == "replica1"
    assert "Set-Cookie" not in answer.headers


def test_pages_that_only_read_come_from_the_standby(shop):
    with visitor(shop) as client:
        read = [client.get(path) for path in PAGES]
        written = add(client, "Chair from the primary")

    assert {page.status_code for page in read} == {200}
    assert {page.headers["X-Answered-By"] for page in read} == {"replica1"}
    assert (written.status_code, written.headers["X-Answered-By"]) == (302, "default")


def test_a_visitor_always_sees_what_they_wrote(shop):
    with visitor(shop) as client:
        answers = []
        for number in range(ROUNDS):
            written = add(client, f"Stool number {number}")
            page = client.get(written.headers["Location"])
            answers.append((written.status_code, page.status_code))

    assert answers == ROUNDS * [(302, 200)]


def test_a_standby_that_stops_is_passed_over_and_used_again(shop, pair):
    _, standby = pair
    with visitor(shop) as client:
        standby.stop()
        during = [client.get(path) for path in PAGES]
        standby.start()

        wait_until(lambda: answered_by(client) == "replica1")

    assert {page.status_code for page in during} == {200}
    assert {page.headers["X-Answered-By"] for page in during} == {"default"}


def test_a_standby_that_crashed_is_used_again(shop, pair):
    _, standby = pair
    with visitor(shop) as client:
        crash(standby)
        during = client.get("/")
        standby.start()

        wait_until(lambda: answered_by(client) == "replica1")

    assert (during.status_code, during.headers["X-Answered-By"]) == (200, "default")


def crash(cluster):
    """Stop a server as pg_ctl's mode "immediate" does: it recovers when it starts."""
    process = psutil.Process(int(cluster.pid_file.read_text().split()[0]))
    processes = [process, *process.children()]
    process.send_signal(signal.SIGQUIT)
    _, alive = psutil.wait_procs(processes, timeout=SECONDS)
    assert alive == []


def test_a_page_under_way_when_its_standby_stops_comes_from_the_primary(shop, pair):
    primary, standby = pair
    with (
        visitor(shop) as client,
        ThreadPoolExecutor() as threads,
        primary.connect(primary.address()) as writer,
    ):
        assert answered_by(client) == "replica1"
        writer.execute("BEGIN; LOCK TABLE products")
        # An open transaction's log is sent with the next commit.
        execute(primary, "SELECT pg_logical_emit_message(true, 'test', 'a commit')")
        wait_until(lambda: value(standby, LOCKS) == 1)
        page = threads.submit(client.get, "/")
        wait_until(lambda: value(standby, WAITING) == 1)
        standby.stop()
        writer.execute("ROLLBACK")
        answer = page.result(SECONDS)

    assert (answer.status_code, answer.headers["X-Answered-By"]) == (200, "default")


LOCKS = """
SELECT count(*) FROM pg_locks
WHERE relation = 'products'::regclass AND mode = 'AccessExclusiveLock'
"""
WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted"


def test_a_standby_that_is_late_is_passed_over(shop, pair):
    _, standby = pair
    with visitor(shop) as writer, visitor(shop) as other:
        execute(standby, "SELECT pg_wal_replay_pause()")
        written = add(writer, "Bench that the standby lacks")
        location = written.headers["Location"]

        seen = writer.get(location)
        wait_until(lambda: other.get(location).status_code == 200)

    assert (seen.status_code, seen.headers["X-Answered-By"]) == (200, "default")


def test_pages_are_served_while_the_primary_is_away(shop, pair):
    primary, standby = pair
    with visitor(shop) as anybody, visitor(shop) as writer, visitor(shop) as ada:
        assert sign_in(ada).status_code == 302
        assert "Sign out" in ada.get("/").text
        add(writer, "Shelf before the outage")
        anybody.get("/products/add/")
        session = ada.cookies["sessionid"]

        primary.stop()
        pages = [client.get(path) for client in (anybody, writer) for path in PAGES]
        signed_out = ada.get("/")
        refused = add(anybody, "Desk in an outage")
        standby.stop()
        standby.start()
        old = anybody.get("/")
        primary.start()
        wait_until(lambda: add(anybody, "Desk after it").status_code == 302)
        wait_until(lambda: "Sign out" in ada.get("/").text)

    assert {page.status_code for page in pages} == {200}
    assert {page.headers["X-Answered-By"] for page in pages} == {"replica1"}
    assert signed_out.status_code == 200
    assert "Sign in" in signed_out.text
    assert "sessionid" not in signed_out.headers.get("Set-Cookie", "")
    assert ada.cookies["sessionid"] == session
    assert (refused.status_code, old.status_code) == (503, 200)
    assert old.headers["X-Answered-By"] == "replica1"


def test_a_standby_that_is_promoted_takes_the_writes():
    with servers(standbys=2) as (primary, standby, other):
        settings = environment(primary, standby, other) | {
            "DB_HOST": f"{primary.data_dir},{standby.data_dir}",
        }
        with running_shop(settings) as address, visitor(address) as client:
            wait_until(lambda: answered_by(client) == "replica1")
            client.get("/products/add/")

            primary.stop()
            standby.promote()
            wait_until(lambda: add(client, "Lamp afterwards").status_code == 302)
            page = client.get("/")
            follow(other, standby)
            wait_until(lambda: answered_by(client) == "replica2")
            followed = client.get("/")

    assert page.status_code == 200
    assert "Lamp afterwards" in page.text
    assert page.headers["X-Answered-By"] == "default"
    assert followed.headers["X-Answered-By"] == "replica2"
    assert "Lamp afterwards" in followed.text


def follow(standby, primary):
    """Let a standby stream from another server than before."""
    where = f"host={primary.address().host} port={primary.address().port}"
    execute(standby, f"ALTER SYSTEM SET primary_conninfo = '{where} user={SUPERUSER}'")
    execute(standby, "SELECT pg_reload_conf()")


def test_a_position_that_nobody_signed_is_none(shop, pair):
    _, standby = pair
    with visitor(shop) as client:
        for forged in ("9" * 30, "x", "9:a:b"):
            client.cookies.set("written", forged)
            assert answered_by(client) == "replica1"


def replicas(pair, *options, expect=0):
    """The output of `manage.py replicas`."""
    return manage(pair, "replicas", *options, expect=expect)


def manage(pair, *arguments, expect=0):
    """The output of a command of the shop with these servers."""
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        env=environment(*pair),
        capture_output=True,
        text=True,
    )
    assert done.returncode == expect, done.stderr
    return done.stdout + done.stderr


@pytest.mark.usefixtures("shop")
def test_the_command_shows_how_a_standby_is(pair):
    _, standby = pair

    fit = replicas(pair, "--wait")
    with conflicts_of(standby, "30s"):
        risky = replicas(pair, expect=1)
    standby.stop()
    away = replicas(pair, expect=1)

    assert "On replica1 max_standby_streaming_delay is 30s" in risky
    assert f"replica1 ({standby.data_dir}): 0.0 s behind the primary" in fit
    assert "replica1 does not answer" in away
    assert "Unfit: replica1." in away


@pytest.mark.usefixtures("shop")
def test_the_command_waits_no_longer_than_it_is_told(pair):
    primary, standby = pair
    execute(standby, "SELECT pg_wal_replay_pause()")
    execute(primary, "CREATE TABLE IF NOT EXISTS later (id int)")

    late = replicas(pair, "--wait", "0.5", expect=1)

    assert "Not after 0.5 s: replica1 lack what the primary has." in late


def test_the_system_check_tells_of_the_standby_it_is_asked_about(shop, pair):
    with conflicts_of(pair[1], "30s"):
        risky = manage(pair, "check", "--database", "replica1")
    fit = manage(pair, "check", "--database", "replica1")

    assert "(replicas.W004) On replica1 max_standby_streaming_delay is 30s" in risky
    assert "replicas." not in fit


def test_who_reads_a_standby_for_long_does_not_hold_the_pages_up(shop, pair):
    primary, standby = pair
    with (
        conflicts_of(standby, "100ms"),
        visitor(shop) as client,
        standby.connect(standby.address()) as reader,
    ):
        # As export_products --database replica1 does.
        reader.execute("BEGIN")
        reader.execute("SELECT name FROM products")
        execute(primary, CHANGE_OF_TABLE)
        pages = [client.get("/").status_code for _ in range(5)]
        wait_until(lambda: value(standby, READERS) == 0)

        with pytest.raises(OperationalError, match="conflict with recovery"):
            reader.execute("SELECT name FROM products")

    assert pages == 5 * [200]


# It locks readers out, on the standby too, as the switch of models does.
CHANGE_OF_TABLE = "DO $$ BEGIN LOCK TABLE products; END $$"
READERS = """
SELECT count(*) FROM pg_locks
WHERE relation = 'products'::regclass AND mode = 'AccessShareLock'
"""


@contextmanager
def conflicts_of(standby, longest):
    """Let readers of a standby hold back what the primary did for this long."""
    usual = value(standby, "SHOW max_standby_streaming_delay")
    set_delay(standby, longest)
    yield
    set_delay(standby, usual)


def set_delay(standby, delay):
    execute(standby, f"ALTER SYSTEM SET max_standby_streaming_delay = '{delay}'")
    execute(standby, "SELECT pg_reload_conf()")


def test_a_standby_of_another_server_is_an_error(pair):
    with servers() as (_, stranger):
        said = replicas((pair[0], stranger), expect=1)

    assert "replica1 is a standby of another server than the primary's." in said


# Programs


@pytest.fixture
def program(shop, pair):
    """A client of the JSON API, with a key that has the scope `write`."""
    command = ["api_key", "create", "till", "--user", "ada", "--scope", "write"]
    made = subprocess.run(
        [sys.executable, "manage.py", *command],
        env=environment(*pair) | {"DB_REPLICA_HOSTS": ""},
        check=True,
        capture_output=True,
        text=True,
    )
    with visitor(shop) as client:
        client.headers["Authorization"] = f"Bearer {made.stdout.strip()}"
        wait_until(lambda: client.get("/api/v1/suggest?q=a").status_code == 200)
        yield client


def test_a_program_that_sends_the_cookie_reads_what_it_wrote(shop, pair, program):
    product = "/api/v1/products/bench-of-a-program"
    with visitor(shop) as other:
        execute(pair[1], "SELECT pg_wal_replay_pause()")
        written = program.put(product, json={"name": "Bench", "price": "1"})
        seen = program.get(product)
        unseen = other.get(product)

    assert (written.status_code, written.headers["X-Answered-By"]) == (201, "default")
    assert (seen.status_code, seen.headers["X-Answered-By"]) == (200, "default")
    assert unseen.headers["X-Answered-By"] == "replica1"
    assert unseen.status_code == 404


def test_a_program_reads_while_the_primary_is_away(pair, program):
    primary, _ = pair
    primary.stop()

    read = program.get("/api/v1/search?q=mat&mode=keyword")
    refused = program.put("/api/v1/products/x", json={"name": "x", "price": "1"})

    assert (read.status_code, read.headers["X-Answered-By"]) == (200, "replica1")
    assert refused.status_code == 503
    assert refused.headers["Content-Type"] == "application/problem+json"
