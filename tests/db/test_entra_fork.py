"""A forked child has sessions of its own, as the workers of `manage.py serve`."""

import os

import pytest

pytest_plugins = ["tests.stand_ins.azure"]
pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")

SESSIONS = """
import os, threading, warnings
warnings.filterwarnings("ignore", "This process", DeprecationWarning)  # fork + threads
import django
django.setup()
from django.conf import settings
from django.db import connection
from vectorshop.db.entra import tokens

def session():
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid(), session_user")
        return cursor.fetchone()

def fork(*, wait=True):
    if child := os.fork():
        return os.waitpid(child, 0) if wait else None
    print("child", *session(), flush=True)
    connection.close()
    os._exit(0)
"""


def sessions(result):
    """Return {who: [its backends' process ids]} as printed."""
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stderr == "", "a connection was lost, or a thread waited for"
    found = {}
    for line in result.stdout.splitlines():
        who, pid, *_ = line.split()
        found.setdefault(who, []).append(pid)
    return found


@pytest.mark.parametrize("pool", ["", "2"], ids=["plain", "pool"])
def test_parent_and_children_have_their_own_sessions(manage, pool):
    script = """
print("parent", *session(), flush=True)
fork(); fork()
print("parent", *session(), flush=True)
connection.close(); connection.close_pool()
"""

    lost = "default::ResourceWarning"
    result = manage(code=SESSIONS + script, DB_POOL=pool, PYTHONWARNINGS=lost)

    found = sessions(result)

    assert len(set(found["child"])) == 2
    assert not set(found["child"]) & set(found["parent"])
    assert len(found["parent"]) == 2
    assert len(set(found["parent"])) == 1


def test_a_child_works_when_a_thread_held_the_lock(manage):
    script = """
session(); connection.close()
provider, = tokens._providers.values()
provider.discard(provider.token())
held, release = threading.Event(), threading.Event()
def hold():
    with provider._lock:
        held.set()
        release.wait(30)
thread = threading.Thread(target=hold)
thread.start(); held.wait()
fork()
release.set(); thread.join()
print("parent", *session(), flush=True)
"""

    found = sessions(manage(code=SESSIONS + script))

    assert found["child"] != found["parent"]


def test_a_child_in_the_middle_of_a_transaction_starts_afresh(manage):
    script = """
from django.db import transaction
with transaction.atomic():
    print("parent", *session(), flush=True)
    fork()
    print("parent", *session(), flush=True)
"""

    found = sessions(manage(code=SESSIONS + script))

    assert len(set(found["parent"])) == 1
    assert not set(found["child"]) & set(found["parent"])


def test_with_a_password_sessions_are_not_shared_either(manage, backend):
    script = """
print("parent", *session(), flush=True)
fork()
print("parent", *session(), flush=True)
"""

    found = sessions(
        manage(
            code=SESSIONS + script,
            DB_HOST=backend.host,
            DB_PORT=str(backend.port),
            DB_PASSWORD="secret",
            DB_SSLROOTCERT="",
        )
    )

    assert not set(found["child"]) & set(found["parent"])
