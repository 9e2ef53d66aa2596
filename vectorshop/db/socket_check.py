"""The check of a kept connection by its socket, without a query."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg.pq import TransactionStatus

TAKES_QUERIES = (TransactionStatus.IDLE, TransactionStatus.INTRANS)


def takes_queries(connection: psycopg.Connection[Any] | None) -> bool:
    """Return whether a connection is open and its transaction, if any, has not failed.

    It notices that the server stopped or ended the session. It does not notice that a
    network on the way forgot the connection.
    """
    if connection is None:
        return False
    try:
        # Twice: the first may read the server's last message, the second its end.
        connection.pgconn.consume_input()
        connection.pgconn.consume_input()
    except psycopg.OperationalError:
        return False
    return connection.info.transaction_status in TAKES_QUERIES
