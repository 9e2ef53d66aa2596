"""Which refusals mean that all connections are in use."""

import psycopg
import pytest

from vectorshop.db.limits import is_full


@pytest.mark.parametrize(
    "text",
    [
        "FATAL:  sorry, too many clients already",
        "FATAL:  remaining connection slots are reserved for roles with the "
        "SUPERUSER attribute",
        'FATAL:  too many connections for role "shop"',
        'FATAL:  too many connections for database "shop"',
        "FATAL:  no more connections allowed (max_client_conn)",
        "FATAL:  query_wait_timeout",
        "couldn't get a connection after 5.00 sec",
    ],
)
def test_a_server_without_a_free_connection_is_known_by_its_words(text):
    assert is_full(psycopg.OperationalError(f"connection failed: {text}"))


@pytest.mark.parametrize(
    "text",
    [
        "FATAL:  the database system is starting up",
        "Connection refused",
        'FATAL:  role "shop" does not exist',
        "couldn't get a connection after 5.00 sec. The token was refused.",
        "",
    ],
)
def test_other_refusals_are_not_for_want_of_a_connection(text):
    assert not is_full(psycopg.OperationalError(text))
