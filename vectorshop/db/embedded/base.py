"""Django's PostgreSQL backend, on a server that starts with the first connection.

What starts it is imported then: many commands never connect, and each would take 5 ms
more.
"""

from __future__ import annotations

from typing import Any

import psycopg
from django.db.backends.postgresql import base
from django.utils.asyncio import async_unsafe
from psycopg.pq import TransactionStatus
from psycopg.pq.abc import PGconn

from vectorshop.db.embedded.client import DatabaseClient
from vectorshop.db.embedded.options import data_dir_of

IDLE, INTRANS = TransactionStatus.IDLE, TransactionStatus.INTRANS


class DatabaseWrapper(base.DatabaseWrapper):
    client_class = DatabaseClient

    def get_connection_params(self) -> dict[str, Any]:
        """Return psycopg's parameters, with the server running and the database made.

        Raises ImproperlyConfigured for settings that make no sense, OperationalError
        with advice when the server cannot run.
        """
        from vectorshop.db.embedded.server import ensure_database

        data_dir = data_dir_of(self.settings_dict)
        params: dict[str, Any] = super().get_connection_params()
        del params["data_dir"]
        server = ensure_database(data_dir, params["dbname"])
        params |= {"host": server.host, "port": server.port, "user": server.user}
        if server.password is not None:
            params["password"] = server.password
        return params

    @async_unsafe
    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Return a new connection, or one of the pool's.

        Raises psycopg.OperationalError when the server answers but refuses.
        """
        from vectorshop.db.embedded.server import ensure_running, revive

        data_dir = data_dir_of(self.settings_dict)
        if self.pool:
            # A pool asks for the parameters only once; the server may have stopped since.
            ensure_running(data_dir)
        try:
            return super().get_new_connection(conn_params)
        except psycopg.OperationalError:
            if not revive(data_dir):
                raise
        return super().get_new_connection(self.get_connection_params())

    def is_usable(self) -> bool:
        """Return whether the connection takes queries: open, and no transaction failed.

        Asked before the first query of each request. The socket is on this machine, so
        that the kernel closes it with the server: looking at it takes 2 µs, and a
        query of Django's 80 µs.
        """
        if self.connection is None:
            return False
        server: PGconn = self.connection.pgconn
        try:
            # Twice: the first may be the server's last words, the second its end.
            server.consume_input()
            server.consume_input()
        except psycopg.OperationalError:
            return False
        return server.transaction_status in (IDLE, INTRANS)
