"""A server that does not answer is tried by one request at a time."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
from django.db import OperationalError, connections

from vectorshop import replicas
from vectorshop.replicas import Server


class SlowConnection:
    """Gives up once it is told to, as the one to a host that is gone."""

    def __init__(self):
        self.begun, self.give_up, self.tried = Event(), Event(), 0

    def close_if_health_check_failed(self):
        pass

    def ensure_connection(self):
        self.tried += 1
        self.begun.set()
        self.give_up.wait(60)
        raise OperationalError("timeout expired")


@pytest.fixture
def connection(monkeypatch):
    connection = SlowConnection()
    monkeypatch.setattr(replicas, "connections", {"replica1": connection})
    monkeypatch.setattr(replicas, "TRY_AGAIN_SECONDS", 0)
    yield connection
    connection.give_up.set()


def test_while_one_tries_the_others_go_on(connection, monkeypatch):
    server = Server("replica1")
    connection.give_up.set()
    assert not server.answers()
    connection.begun.clear()
    connection.give_up.clear()
    monkeypatch.setattr(replicas, "TRY_AGAIN_SECONDS", 60)

    with ThreadPoolExecutor() as threads:
        first = threads.submit(server.answers)
        connection.begun.wait(60)
        second = server.answers()
        connection.give_up.set()

    assert (first.result(), second) == (False, False)
    assert connection.tried == 2  # the first time, and by one of the two


@pytest.mark.django_db
def test_a_server_that_is_back_is_there_for_all(connection, monkeypatch):
    server = Server("replica1")
    connection.give_up.set()
    assert not server.answers()

    monkeypatch.setattr(replicas, "connections", {"replica1": connections["default"]})

    assert [server.answers() for _ in range(3)] == [True, True, True]
