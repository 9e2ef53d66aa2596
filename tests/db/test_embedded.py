"""The embedded server: real servers, each in a folder of its own."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path

import psutil
import psycopg
import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import close_old_connections, connection, transaction
from django.db.utils import DatabaseError, OperationalError

from vectorshop.db.embedded import (
    cluster as cluster_module,
    memory,
    server as server_module,
)
from vectorshop.db.embedded.account import account_for
from vectorshop.db.embedded.client import DatabaseClient
from vectorshop.db.embedded.cluster import Cluster
from vectorshop.db.embedded.memory import machine_memory, memory_settings
from vectorshop.db.embedded.options import data_dir_of
from vectorshop.db.embedded.server import ensure_database, ensure_running, leave

ROOT = Path(__file__).resolve().parents[2]

# Says its server's process, then uses the server until its standard input ends.
USER = """
import sys
from pathlib import Path
from vectorshop.db.embedded.server import ensure_database
server = ensure_database(sys.argv[1], "shop")
print((server.data_dir / "postmaster.pid").read_text().split()[0], flush=True)
sys.stdin.read()
"""


@pytest.fixture
def folder():
    """A short path, unlike tmp_path, which pytest also closes to other users.

    In memory where there is room: a server waits for its disk at every turn.
    """
    memory = Path("/dev/shm")
    roomy = memory.is_dir() and shutil.disk_usage(memory).free > 2_000_000_000
    path = Path(tempfile.mkdtemp(prefix="vs-", dir=memory if roomy else None)).resolve()
    path.chmod(0o711)
    yield path
    for pid_file in path.rglob("postmaster.pid"):
        leave_or_stop(pid_file.parent)
    shutil.rmtree(path)


def leave_or_stop(data_dir):
    if data_dir in server_module._uses:
        leave(data_dir)
    cluster = Cluster(data_dir)
    if cluster.wait_for_other_server():
        cluster.stop()


@pytest.fixture
def data_dir(folder):
    """The path of a data folder that is not made yet."""
    return folder / "postgres"


@pytest.fixture(scope="session")
def empty_cluster(tmp_path_factory):
    """A data folder whose server does not wait for the disk, to be copied."""
    path = tmp_path_factory.mktemp("cluster") / "postgres"
    Cluster(path).create()
    with (path / "postgresql.conf").open("a") as file:
        file.write("fsync = off\n")
    return path


@pytest.fixture
def made_dir(empty_cluster, data_dir):
    """A data folder that is made."""
    shutil.copytree(empty_cluster, data_dir)
    account = account_for(empty_cluster)
    for path in [data_dir, *data_dir.rglob("*")]:
        account.own(path)
    return data_dir


@contextmanager
def user_of(data_dir, code=USER):
    process = subprocess.Popen(
        [sys.executable, "-c", code, data_dir],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def end(process):
    process.stdin.close()
    return process.wait(timeout=60)


def postmaster(data_dir):
    return int((data_dir / "postmaster.pid").read_text().split()[0])


def kill_postmaster(data_dir):
    """Kill the server as a crash does: its pid file and its socket stay."""
    os.kill(postmaster(data_dir), signal.SIGKILL)
    cluster = Cluster(data_dir)
    deadline = time.monotonic() + 30
    while cluster._processes() and time.monotonic() < deadline:
        time.sleep(0.02)


def query(server, statement, database="postgres"):
    with psycopg.connect(
        host=server.host,
        port=server.port,
        user=server.user,
        password=server.password,
        dbname=database,
        autocommit=True,
    ) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchone()[0] if cursor.description else None


def settings_with(data_dir):
    """The environment for the project's settings but a database in *data_dir*."""
    module = data_dir.parent / "settings_of_test.py"
    module.write_text(
        "import os; from vectorshop.settings import *\n"
        "DATABASES['default']['OPTIONS']['data_dir'] = "
        f"os.fsdecode({os.fsencode(data_dir)!r})\n"
    )
    return os.environ | {
        "DJANGO_SETTINGS_MODULE": module.stem,
        "PYTHONPATH": str(module.parent),
    }


def manage(*arguments, data_dir, root=ROOT, **environment):
    """Run manage.py with a database in *data_dir*."""
    return subprocess.run(
        [sys.executable, root / "manage.py", *arguments],
        env=settings_with(data_dir) | environment,
        capture_output=True,
        text=True,
        timeout=60,
    )


@contextmanager
def managed(*arguments, data_dir):
    """A running manage.py with a database in *data_dir*."""
    process = subprocess.Popen(
        [sys.executable, "-u", ROOT / "manage.py", *arguments],
        env=settings_with(data_dir),
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


# One server for all


def test_two_processes_share_a_server_that_stops_with_the_last(made_dir):
    with user_of(made_dir) as first, user_of(made_dir) as second:
        pids = {first.stdout.readline(), second.stdout.readline()}

        end(first)
        alive_after_first = Cluster(made_dir).answers()
        end(second)

    assert len(pids) == 1
    assert alive_after_first
    assert not (made_dir / "postmaster.pid").exists()


def test_a_killed_process_leaves_a_server_that_the_next_one_uses_and_stops(made_dir):
    with user_of(made_dir) as killed:
        pid = killed.stdout.readline()
        killed.kill()
        killed.wait()
    alive = Cluster(made_dir).answers()

    with user_of(made_dir) as following:
        next_pid = following.stdout.readline()
        end(following)

    assert alive
    assert next_pid == pid
    assert not (made_dir / "postmaster.pid").exists()


def test_a_forked_child_uses_the_server_longer_than_its_parent(made_dir):
    code = """
import os, sys
from vectorshop.db.embedded.server import ensure_running
ensure_running(sys.argv[1])
child = os.fork()
if not child:
    ensure_running(sys.argv[1])
    print("child", flush=True)
    sys.stdin.read()
"""
    with user_of(made_dir, code) as parent:
        parent.stdout.readline()
        parent.wait(timeout=60)

        alive_after_parent = Cluster(made_dir).answers()
        parent.stdin.close()
        parent.stdout.read()  # ends with the child

    assert alive_after_parent
    assert not (made_dir / "postmaster.pid").exists()


def test_the_end_of_a_forked_child_leaves_its_parent_the_server(made_dir):
    code = """
import os, sys
from vectorshop.db.embedded.server import ensure_running
ensure_running(sys.argv[1])
child = os.fork()
if not child:
    ensure_running(sys.argv[1])
    sys.exit()
os.waitpid(child, 0)
print("child ended", flush=True)
sys.stdin.read()
"""
    with user_of(made_dir, code) as parent, user_of(made_dir) as other:
        parent.stdout.readline()
        other.stdout.readline()

        end(other)
        alive = Cluster(made_dir).answers()
        end(parent)

    assert alive
    assert not (made_dir / "postmaster.pid").exists()


def test_processes_that_make_a_database_at_once_all_get_it(data_dir):
    with user_of(data_dir) as one, user_of(data_dir) as two, user_of(data_dir) as three:
        pids = [user.stdout.readline() for user in (one, two, three)]

        exit_codes = [end(user) for user in (one, two, three)]

    assert len(set(pids)) == 1
    assert exit_codes == [0, 0, 0]


# What may have happened to the folder


def test_data_survives_a_killed_server(made_dir):
    server = ensure_database(made_dir, "shop")
    query(server, "CREATE TABLE kept AS SELECT 42 AS answer", "shop")
    kill_postmaster(made_dir)

    server = ensure_database(made_dir, "shop")

    assert query(server, "SELECT answer FROM kept", "shop") == 42


def test_requests_share_the_connections_of_a_pool(made_dir):
    code = """
from django.db import connection
def backend():
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return cursor.fetchone()
def ended(pid):
    connection.close()
    return pid
print(len({ended(backend()) for request in range(5)}))
connection.close_pool()
"""

    counts = [
        manage("shell", "-v", "0", "-c", code, data_dir=made_dir, DB_POOL=pool).stdout
        for pool in ("0", "1")
    ]

    assert counts == ["5\n", "1\n"]


@pytest.mark.parametrize("pool", ["", "4"])
def test_a_running_application_gets_its_killed_server_back(made_dir, pool):
    code = """
import os, select, signal
from django.db import connection
connection.ensure_connection()
data_dir = connection.settings_dict["OPTIONS"]["data_dir"]
pid = connection.connection.execute("SELECT pg_backend_pid()").fetchone()[0]
os.kill(int(open(data_dir + "/postmaster.pid").readline()), signal.SIGKILL)
# Killed processes die a moment later, and this one's server after the postmaster.
assert select.select([connection.connection.fileno()], [], [], 60)[0]
connection.close()
with connection.cursor() as cursor:
    cursor.execute("SELECT 6 * 7, pg_backend_pid() <> %s", [pid])
    print(cursor.fetchone())
"""

    done = manage("shell", "-v", "0", "-c", code, data_dir=made_dir, DB_POOL=pool)

    assert done.stdout == "(42, True)\n", done.stderr
    # The threads of the pool may meet the dying server, and log that they try again.
    said = [line for line in done.stderr.splitlines() if "pool-1" not in line]
    assert "Traceback" not in done.stderr
    assert pool or not said


@pytest.mark.parametrize(
    ("gigabytes", "shared_buffers", "maintenance_work_mem"),
    [
        (0.25, "128MB", "64MB"),
        (8, "2048MB", "1024MB"),
        (24, "6144MB", "3072MB"),
        (512, "8192MB", "4096MB"),
    ],
)
def test_the_sizes_fit_the_memory(gigabytes, shared_buffers, maintenance_work_mem):
    settings = memory_settings(int(gigabytes * 2**30))

    assert settings["shared_buffers"] == shared_buffers
    assert settings["maintenance_work_mem"] == maintenance_work_mem


@pytest.mark.parametrize(
    ("limit", "expected"), [("1073741824\n", 2**30), ("max\n", None)]
)
def test_a_container_has_the_memory_of_its_limit(
    tmp_path, monkeypatch, limit, expected
):
    file = tmp_path / "memory.max"
    file.write_text(limit)
    monkeypatch.setattr(memory, "LIMITS", (file, tmp_path / "missing"))

    assert machine_memory() == (expected or psutil.virtual_memory().total)


def test_a_new_server_has_the_sizes_for_this_machine(made_dir):
    expected = memory_settings()

    server = ensure_running(made_dir)

    for name, size in expected.items():
        shown = f"SELECT pg_size_bytes(current_setting('{name}')) / 1024 / 1024"
        assert f"{query(server, shown)}MB" == size


@pytest.mark.parametrize(
    ("written", "cost"),
    [
        ("#random_page_cost = 4.0\n", "1.1"),  # a folder made before it was set
        ("  Random_Page_Cost 2 # mine\n", "2"),
        ("random_page_cost=4\n", "4"),
    ],
    ids=["not set", "set", "set to the default"],
)
def test_an_old_folder_has_ssd_costs_unless_it_says_otherwise(made_dir, written, cost):
    configuration = made_dir / "postgresql.conf"
    lines = configuration.read_text().splitlines(keepends=True)
    configuration.write_text(
        "".join(line for line in lines if "random_page_cost" not in line) + written
    )

    server = ensure_running(made_dir)

    assert query(server, "SHOW random_page_cost") == cost


def test_an_altered_system_keeps_its_own_costs(made_dir):
    (made_dir / "postgresql.auto.conf").write_text("random_page_cost = '3'\n")

    server = ensure_running(made_dir)

    assert query(server, "SHOW random_page_cost") == "3"


@pytest.mark.parametrize(("setting", "cost"), [("", "1.1"), ("2.5", "2.5")])
def test_the_shops_sessions_have_the_costs_of_the_setting(made_dir, setting, cost):
    code = (
        "from django.db import connection as c; cursor = c.cursor(); "
        "print(cursor.execute('SHOW random_page_cost').fetchone()[0])"
    )

    done = manage(
        "shell", "-v", "0", "-c", code, data_dir=made_dir, DB_RANDOM_PAGE_COST=setting
    )

    assert (done.stdout, done.stderr) == (f"{cost}\n", "")


@pytest.fixture
def session(transactional_db):
    """A connection of the tests' own server, opened anew and closed at the end."""
    connection.close()
    connection.ensure_connection()
    yield connection
    connection.close()


def end_session_of(session):
    """Have the server end the connection, as it does with all when it stops."""
    with session.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        pid = cursor.fetchone()
    other = session.copy()
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 60000)", pid)
    other.close()


def test_a_connection_is_usable_until_the_server_ends_it(session):
    before = session.is_usable()
    end_session_of(session)

    assert before
    assert not session.is_usable()


def test_a_connection_is_not_usable_in_a_failed_transaction(session):
    with pytest.raises(DatabaseError), transaction.atomic():
        try:
            session.cursor().execute("SELECT nonsense")
        finally:
            usable = session.is_usable()

    assert not usable
    assert session.is_usable()


def test_a_request_replaces_a_connection_that_was_ended(session, client):
    end_session_of(session)

    close_old_connections()  # as each request does before it begins
    response = client.get("/")

    assert response.status_code == 200


@pytest.fixture
def foreign_process(data_dir):
    """A program of the server's user that is not a server."""
    process = subprocess.Popen(
        ["sleep", "600"], **account_for(data_dir).process_options
    )
    yield process.pid
    process.kill()
    process.wait()


@pytest.mark.parametrize("content", ["", "{pid}\n{data_dir}\n1\n5432\n", "{pid}"])
def test_a_stale_pid_file_does_not_stop_the_start(made_dir, content, foreign_process):
    ensure_running(made_dir)
    leave(made_dir)
    pid_file = made_dir / "postmaster.pid"
    pid_file.write_text(content.format(pid=foreign_process, data_dir=made_dir))
    account_for(made_dir).own(pid_file)

    server = ensure_running(made_dir)

    assert query(server, "SHOW data_directory") == str(made_dir)


def test_a_pid_file_that_leads_to_another_server_is_stale(folder):
    other = ensure_running(folder / "other")
    ensure_running(folder / "postgres")
    leave(folder / "postgres")
    pid_file = folder / "postgres" / "postmaster.pid"
    shutil.copy(other.data_dir / "postmaster.pid", pid_file)
    account_for(folder / "postgres").own(pid_file)

    server = ensure_running(folder / "postgres")

    assert query(server, "SHOW data_directory") == str(folder / "postgres")


def test_data_of_another_major_version_is_left_alone_with_advice(data_dir):
    data_dir.mkdir()
    (data_dir / "PG_VERSION").write_text("16\n")

    with pytest.raises(OperationalError) as error:
        ensure_running(data_dir)

    for part in (str(data_dir), "PostgreSQL 16", "PostgreSQL 18", "pg_dumpall", "move"):
        assert part in str(error.value)
    assert [file.name for file in data_dir.iterdir()] == ["PG_VERSION"]


def test_a_folder_of_other_files_is_left_alone(data_dir):
    data_dir.mkdir()
    (data_dir / "thesis.txt").write_text("mine")

    with pytest.raises(OperationalError, match="no PostgreSQL data"):
        ensure_running(data_dir)

    assert [file.name for file in data_dir.iterdir()] == ["thesis.txt"]


def test_what_an_interrupted_start_left_behind_is_removed(data_dir):
    unfinished = data_dir.with_name("postgres.new-interrupted")
    unfinished.mkdir()
    (unfinished / "PG_VERSION").write_text("18")

    ensure_running(data_dir)

    assert not unfinished.exists()


@pytest.mark.parametrize(
    "name",
    ["a folder with spaces", "quo\"te's, $HOME `id` \\ é", 15 * "deeply/" + "nested"],
    ids=["spaces", "awkward", "over 100 characters"],
)
def test_any_path_works(folder, name):
    server = ensure_running(folder / name)

    assert query(server, "SHOW data_directory") == str(folder / name)


def test_a_socket_folder_that_others_may_enter_is_refused(folder, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    data_dir = folder / (100 * "x")
    ensure_running(data_dir)
    socket_dir = Path(ensure_running(data_dir).host)
    leave(data_dir)
    socket_dir.mkdir()
    socket_dir.chmod(0o755)

    with pytest.raises(OperationalError, match=f"{socket_dir}.*not a private folder"):
        ensure_running(data_dir)

    socket_dir.rmdir()


@pytest.fixture
def small_disk(folder):
    disk = folder / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=20m,mode=755", "none", str(disk)]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as err:
        pytest.skip(f"cannot mount a small disk: {err}")
    yield disk
    leave_or_stop(disk / "postgres")
    subprocess.run(["umount", str(disk)], check=True)


def test_a_full_disk_gets_a_message_and_works_once_there_is_room(
    small_disk, monkeypatch
):
    monkeypatch.setattr(cluster_module, "START_SECONDS", 10)
    data_dir = small_disk / "postgres"

    with pytest.raises(OperationalError) as error:
        ensure_running(data_dir)
    left = [path.name for path in small_disk.iterdir() if path.is_dir()]
    remount = ["mount", "-o", "remount,size=300m", str(small_disk)]
    subprocess.run(remount, check=True)

    assert "No space left on device" in str(error.value)
    assert f"in {data_dir}. The disk is almost full: " in str(error.value)
    assert left == []
    assert query(ensure_running(data_dir), "SELECT 1") == 1


def test_a_server_that_crashed_on_a_full_disk_keeps_its_data(small_disk, monkeypatch):
    monkeypatch.setattr(cluster_module, "START_SECONDS", 10)
    remount = ["mount", "-o", "remount,size=300m", str(small_disk)]
    subprocess.run(remount, check=True)
    data_dir = small_disk / "postgres"
    query(ensure_running(data_dir), "CREATE TABLE kept AS SELECT 42 AS answer")
    kill_postmaster(data_dir)
    fill(small_disk / "filler")

    message = "The disk is almost full"
    try:
        ensure_running(
            data_dir
        )  # recovery needs space only for what it had not written
    except OperationalError as err:
        message = str(err)
    (small_disk / "filler").unlink()

    assert "The disk is almost full" in message
    assert query(ensure_running(data_dir), "SELECT answer FROM kept") == 42


def fill(path):
    for size in (100_000, 1):
        with path.open("ab", buffering=0) as file:
            try:
                while file.write(bytes(size)):
                    pass
            except OSError:
                pass


def test_a_server_that_cannot_start_shows_the_end_of_its_log(made_dir):
    ensure_running(made_dir)
    leave(made_dir)
    with (made_dir / "postgresql.conf").open("a") as file:
        file.write("shared_buffers = many\n")

    with pytest.raises(OperationalError, match='invalid value .* "shared_buffers"'):
        ensure_running(made_dir)


def test_a_large_log_is_put_aside(made_dir, monkeypatch):
    monkeypatch.setattr(cluster_module, "MAX_LOG_BYTES", 100)
    ensure_running(made_dir)
    leave(made_dir)
    first = (made_dir / "server.log").read_text()

    ensure_running(made_dir)

    assert (made_dir / "server.log.1").read_text() == first


@pytest.mark.skipif(os.name == "nt", reason="Windows has no root")
@pytest.mark.skipif(os.name != "nt" and os.geteuid() != 0, reason="needs root")
def test_several_first_starts_of_root_make_one_user():
    import pwd  # not on Windows

    name = f"vs-test-{os.getpid()}"
    code = (
        "import sys, time; from vectorshop.db.embedded import account\n"
        "account.SERVICE_USER = sys.argv[1]\n"
        "time.sleep(max(0, float(sys.argv[2]) - time.time()))\n"
        "print(account.account_for(account.Path('/nowhere')).uid)"
    )
    command = [sys.executable, "-c", code, name, str(time.time() + 2)]

    def start(_):
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)

    with ThreadPoolExecutor() as threads:
        runs = list(threads.map(start, range(4)))

    try:
        assert [run.stderr for run in runs] == [""] * 4
        assert {int(run.stdout) for run in runs} == {pwd.getpwnam(name).pw_uid}
    finally:
        subprocess.run(["userdel", name], check=True)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no root")
@pytest.mark.skipif(os.name != "nt" and os.geteuid() != 0, reason="needs root")
def test_root_only_makes_closed_folders_passable(folder):
    data_dir = folder / "closed" / "postgres"
    data_dir.parent.mkdir(mode=0o700)

    ensure_running(data_dir)

    assert data_dir.parent.stat().st_mode & 0o777 == 0o701
    assert data_dir.stat().st_mode & 0o777 == 0o700
    assert data_dir.stat().st_uid != 0


# What the server is like


def test_the_server_speaks_unicode_and_finds_words_between_dashes(made_dir):
    server = ensure_running(made_dir)

    words = query(server, "SELECT to_tsvector('simple', 'CRÈME—“brûlée”')::text")

    assert words == "'brûlée':2 'crème':1"


def test_the_server_has_pgvector_and_listens_to_no_network(made_dir):
    server = ensure_running(made_dir)

    query(server, "CREATE EXTENSION vector")

    assert query(server, "SELECT '[1,0]'::vector <=> '[0,1]'") == 1
    assert query(server, "SHOW listen_addresses") == ""


def test_without_unix_sockets_a_password_guards_the_port(data_dir):
    cluster = Cluster(data_dir, unix_sockets=False)
    cluster.create()
    cluster.start()

    with cluster.connect(cluster.address()) as connection:
        data_directory = connection.execute("SHOW data_directory").fetchone()[0]
    guess = {"user": "postgres", "password": "guess", "dbname": "postgres"}
    with pytest.raises(psycopg.OperationalError, match="password authentication"):
        psycopg.connect(host="127.0.0.1", port=cluster.address().port, **guess)
    cluster.stop()

    assert data_directory == str(data_dir)
    assert cluster.password_file.stat().st_mode & 0o777 == 0o600


# Signals


def terminated(process, *, pauses=(), number=signal.SIGTERM):
    """Send the signal, and again after each pause; return the exit status."""
    process.send_signal(number)
    for pause in pauses:
        time.sleep(pause)
        process.send_signal(number)
    return process.wait(timeout=60)


@pytest.mark.skipif(os.name == "nt", reason="Windows ends a process without signals")
@pytest.mark.parametrize(
    "pauses", [(), (0,), (0.02,), 20 * (0.01,)], ids=["1", "2 at once", "2", "21"]
)
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_a_signal_stops_the_server_however_often_it_comes(made_dir, name, pauses):
    number = getattr(signal, name)
    with user_of(made_dir) as process:
        process.stdout.readline()

        status = terminated(process, pauses=pauses, number=number)

    assert status == 128 + number
    assert not (made_dir / "postmaster.pid").exists()


@pytest.mark.skipif(os.name == "nt", reason="Windows ends a process without signals")
@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGQUIT"])
def test_a_program_with_its_own_handler_stops_the_server_too(made_dir, name):
    """One that ends it each time."""
    code = "import signal, sys\nfor name in ('SIGTERM', 'SIGINT', 'SIGQUIT'):\n"
    code += "    signal.signal(getattr(signal, name), lambda *args: sys.exit(3))\n"
    with user_of(made_dir, code=code + USER) as process:
        process.stdout.readline()

        process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + 60
        while process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
            process.send_signal(getattr(signal, name))

    assert process.returncode == 3
    assert not (made_dir / "postmaster.pid").exists()


def first_answer(port):
    """What a server answers as soon as it listens: a worker says before that it started."""
    deadline = time.monotonic() + 60
    while True:
        with closing(HTTPConnection("127.0.0.1", port, timeout=60)) as visitor:
            try:
                visitor.request("GET", "/")
            except ConnectionRefusedError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
            else:
                return visitor.getresponse().read()


@pytest.mark.skipif(os.name == "nt", reason="Windows ends a process without signals")
@pytest.mark.parametrize(
    ("command", "status"),
    [
        (["runserver", "--noreload", "0"], 128 + signal.SIGTERM),
        (["runserver", "0"], 0),
        (["demo"], 0),
        (["serve", "--workers", "1"], 0),
    ],
    ids=["runserver", "reloader", "demo", "serve"],
)
def test_terminated_commands_that_serve_stop_the_server(made_dir, command, status):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    command = [port if word == "0" else word for word in command]
    if command[0] in ("demo", "serve"):
        command = [*command, "--port", port]
    with managed(*command, data_dir=made_dir) as process:
        line = ""
        while "Quit the server" not in line and "Started worker-1" not in line:
            line = process.stdout.readline()
            assert process.poll() is None
        if command[0] == "serve":
            # Its worker uses the database too. There are no tables: any answer will do.
            assert first_answer(int(port))

        ended = terminated(process, pauses=(0.02,))

    assert ended == status
    assert not (made_dir / "postmaster.pid").exists()


# Django


@pytest.mark.parametrize("command", ["help", "check"])
def test_a_command_without_database_starts_nothing(data_dir, command):
    done = manage(command, data_dir=data_dir)

    assert done.returncode == 0, done.stderr
    assert not list(data_dir.parent.glob("postgres*"))


def test_several_first_migrations_at_once_make_the_tables_once(made_dir):
    with ThreadPoolExecutor() as threads:
        runs = list(threads.map(lambda _: manage("migrate", data_dir=made_dir), "123"))

    said = [run.stdout for run in runs]
    assert [run.stderr for run in runs] == ["", "", ""]
    assert [run.returncode for run in runs] == [0, 0, 0]
    assert sum("Applying products.0001_initial... OK" in text for text in said) == 1
    assert sum("No migrations to apply." in text for text in said) == 2


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has such a locale")
def test_a_folder_with_any_letters_serves_in_every_locale(folder, empty_cluster):
    """Both the project and its data lie there: the model too is read from it."""
    place = folder / "Geschäft für Müller, 店"
    place.mkdir(mode=0o711)
    shutil.copy(ROOT / "manage.py", place)
    for name in ("vectorshop", "products"):
        (place / name).symlink_to(ROOT / name)
    data_dir = place / "postgres"
    shutil.copytree(empty_cluster, data_dir)
    for path in [data_dir, *data_dir.rglob("*")]:
        account_for(empty_cluster).own(path)
    model = "products.embeddings.onnx.EmbeddingBackend"
    in_ascii = {"LC_ALL": "C", "PYTHONUTF8": "0", "EMBEDDING_BACKEND": model}

    def run(*arguments, **environment):
        return manage(*arguments, data_dir=data_dir, root=place, **environment)

    runs = [
        run("migrate", "--verbosity", "0", **in_ascii),
        run("loaddata", "sample_products", **in_ascii),
        run("search", "headphones", "--mode", "semantic", **in_ascii),
        run("dbshell", "--", "-Atc", "SELECT count(*) FROM products", **in_ascii),
    ]
    ensure_running(data_dir)  # started in the one locale, used in the other
    runs.append(run("similar", "coffee-maker", **in_ascii))

    assert "".join(run.stderr for run in runs) == ""
    assert "Wireless Bluetooth Headphones" in runs[2].stdout
    assert runs[3].stdout == "10\n"
    assert "Smart Watch" in runs[4].stdout


def test_dbshell_opens_the_wheels_psql_in_a_database_made_for_it(made_dir):
    statement = "SELECT current_database(), current_setting('data_directory')"
    others = {"PGHOST": "192.0.2.1", "PGPORT": "1", "PGUSER": "x", "PGDATA": "/x"}

    done = manage("dbshell", "--", "-Atc", statement, data_dir=made_dir, **others)

    assert (done.stdout.strip(), done.stderr) == (f"vectorshop|{made_dir}", "")
    assert not (made_dir / "postmaster.pid").exists()


def test_dbshell_finds_the_programs_of_the_running_server(made_dir, settings):
    database = settings.DATABASES["default"] | {"OPTIONS": {"data_dir": made_dir}}

    command, _ = DatabaseClient.settings_to_cmd_args_env(database, ["-c", "select 1"])

    server = ensure_running(made_dir)
    assert command[0] == str(server.bin_dir / "psql")
    assert command[command.index("-h") + 1] == server.host


def test_a_command_that_cannot_have_its_database_says_why_in_one_message(data_dir):
    data_dir.mkdir()
    (data_dir / "PG_VERSION").write_text("16\n")

    done = manage("migrate", data_dir=data_dir)

    assert done.returncode != 0
    assert "was made by PostgreSQL 16" in done.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"HOST": "db.example.com"}, "knows no HOST"),
        ({"USER": "x", "PASSWORD": "y"}, "knows no USER, PASSWORD"),
        ({"OPTIONS": {}}, "data_dir"),
        ({"OPTIONS": {"data_dir": "relative"}}, "absolute"),
    ],
    ids=["host", "user", "no folder", "relative folder"],
)
def test_settings_that_make_no_sense_are_refused(settings, changed, message):
    database = settings.DATABASES["default"] | changed

    with pytest.raises(ImproperlyConfigured, match=message):
        data_dir_of(database)
