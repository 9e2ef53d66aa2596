"""Two `migrate` of one database: the second waits."""

import io
import threading
import time

import pytest
from django.core.management import call_command
from django.db import connection, connections

from vectorshop.management.commands import migrate


@pytest.fixture
def other(transactional_db):
    """Another process that migrates: a connection that has the lock."""
    other = connection.copy()
    other.set_autocommit(False)
    assert migrate.acquired(other)
    yield other
    other.close()


def locks():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks JOIN pg_database ON oid = database "
            "WHERE locktype = 'advisory' AND datname = current_database()"
        )
        return cursor.fetchone()[0]


def locks_in_the_end():
    """The locks once the server has noticed that a connection is closed."""
    deadline = time.monotonic() + 30
    while locks() and time.monotonic() < deadline:
        time.sleep(0.05)
    return locks()


def test_the_second_waits_until_the_first_is_done(other, monkeypatch):
    said = io.StringIO()
    waiting = threading.Event()
    monkeypatch.setattr(migrate, "pause", waiting.set)

    def run():
        call_command("migrate", stdout=said)
        connections.close_all()

    second = threading.Thread(target=run)
    second.start()
    assert waiting.wait(30)
    while_waiting = said.getvalue()
    other.rollback()  # the first is done
    second.join(60)

    assert while_waiting == "Another migrate is running; waiting for it.\n"
    assert "No migrations to apply." in said.getvalue()
    assert locks_in_the_end() == 0


def test_who_waits_holds_no_snapshot(other, monkeypatch):
    """CREATE INDEX CONCURRENTLY of the first waits for all snapshots of others."""
    held = []

    def look():
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE pid <> pg_backend_pid() "
                "AND datname = current_database() AND backend_xmin IS NOT NULL"
            )
            held.append(cursor.fetchone()[0])
        other.rollback()

    monkeypatch.setattr(migrate, "pause", look)

    call_command("migrate", verbosity=0)

    assert held == [0]


@pytest.mark.parametrize("option", ["--plan", "--check"])
def test_looking_does_not_wait(other, option):
    call_command("migrate", option, stdout=io.StringIO())


def test_a_migration_that_fails_leaves_no_lock(transactional_db, monkeypatch):
    def fail(*args, **options):
        assert locks() == 1
        raise ValueError("no")

    monkeypatch.setattr("django.core.management.commands.migrate.Command.handle", fail)

    with pytest.raises(ValueError, match="no"):
        call_command("migrate", verbosity=0)

    assert locks_in_the_end() == 0
