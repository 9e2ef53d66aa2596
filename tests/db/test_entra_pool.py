"""psycopg's pool: its connections are opened hours after it was made."""

import threading
from contextlib import contextmanager

import psycopg_pool
import pytest
from django.db import OperationalError, connections
from django.db.backends.postgresql.base import DatabaseWrapper as DjangosOwn

from tests.stand_ins.entra import HOUR, OUT_OF_ORDER

pytest_plugins = ["tests.stand_ins.azure"]

POOL = {"pool": {"min_size": 1, "max_size": 2, "timeout": 10}}


def backend_pid():
    with connections["entra"].cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return cursor.fetchone()[0]


@contextmanager
def in_use_elsewhere():
    """Keep one connection of the pool busy in another thread."""
    busy, done, pids = threading.Event(), threading.Event(), []

    def work():
        pids.append(backend_pid())
        busy.set()
        done.wait(10)
        pids.append(backend_pid())
        connections["entra"].close()

    thread = threading.Thread(target=work)
    thread.start()
    busy.wait(10)
    yield pids
    done.set()
    thread.join()


def test_a_connection_opened_after_expiry_has_a_new_token(
    connect, gateway, identity, clock
):
    wrapper = connect(POOL)
    wrapper.pool.open(wait=True)

    with in_use_elsewhere() as others:
        clock.advance(2 * HOUR)
        mine = backend_pid()

    assert [login.token for login in gateway.logins] == identity.issued
    assert len(identity.issued) == 2
    assert others == 2 * others[:1], "the open connection outlives its token"
    assert mine not in others


def test_a_broken_connection_is_replaced_with_a_new_token(
    connect, gateway, identity, clock, backend
):
    wrapper = connect({"pool": {"min_size": 1, "max_size": 1}}, CONN_HEALTH_CHECKS=True)
    before = backend_pid()
    wrapper.close()
    clock.advance(2 * HOUR)
    with backend.admin() as admin:
        admin.execute("SELECT pg_terminate_backend(%s)", [before])

    after = backend_pid()

    assert after != before
    assert [login.token for login in gateway.logins] == identity.issued
    assert len(identity.issued) == 2


def test_the_pool_holds_no_token(connect, identity):
    wrapper = connect(POOL)
    backend_pid()

    assert "password" not in wrapper.pool.kwargs
    assert identity.issued[0] not in repr(wrapper.pool.kwargs)


def test_no_token_is_an_error_at_once(connect, identity):
    connect(POOL)
    identity.failure = OUT_OF_ORDER

    with pytest.raises(OperationalError, match="out of order") as caught:
        backend_pid()

    assert not isinstance(caught.value.__cause__, psycopg_pool.PoolTimeout)


def test_a_refused_login_is_told_when_the_pool_gives_up(connect):
    connect({"pool": {"min_size": 1, "timeout": 0.5}}, USER="somebody")

    with pytest.raises(OperationalError, match="DB_USER is 'somebody'") as caught:
        backend_pid()

    assert isinstance(caught.value.__cause__, psycopg_pool.PoolTimeout)


def test_an_old_error_is_not_told_again(connect, identity):
    wrapper = connect({"pool": {"min_size": 1, "max_size": 1, "timeout": 0.5}})
    identity.failure = OUT_OF_ORDER
    with pytest.raises(OperationalError):
        backend_pid()
    identity.failure = None

    with in_use_elsewhere(), pytest.raises(OperationalError) as caught:
        backend_pid()

    assert "out of order" not in str(caught.value)
    assert wrapper.pool.kwargs["sign_in"].last_error == ""


def test_with_a_password_it_is_djangos_own_pool(connect, backend, identity):
    wrapper = connect(
        OPTIONS={"pool": True},
        HOST=backend.host,
        PORT=backend.port,
        PASSWORD="secret",
    )
    own = DjangosOwn(wrapper.settings_dict, "own")

    assert wrapper.pool.connection_class is own.pool.connection_class
    assert backend_pid()
    assert identity.requests == []
    own.close_pool()
