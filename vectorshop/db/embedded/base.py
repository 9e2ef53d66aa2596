"""Django's PostgreSQL backend, on a server that starts with the first connection.

The modules that start the server are imported only then: many commands never connect.
"""

from __future__ import annotations

from typing import Any

import psycopg
from django.db.backends.postgresql import base
from django.utils.asyncio import async_unsafe

from vectorshop.db.embedded.client import DatabaseClient
from vectorshop.db.embedded.options import data_dir_of
from vectorshop.db.limits import apply_limits, is_full
from vectorshop.db.socket_check import takes_queries


class DatabaseWrapper(base.DatabaseWrapper):
    client_class = DatabaseClient

    def get_connection_params(self) -> dict[str, Any]:
        """Return psycopg's parameters, with the server running and the database made.

        Raises ImproperlyConfigured for unusable settings, OperationalError
        with advice when the server cannot run.
        """
        from vectorshop.db.embedded.server import ensure_database

        data_dir = data_dir_of(self.settings_dict)
        params: dict[str, Any] = super().get_connection_params()
        del params["data_dir"]
        apply_limits(params)
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
        except psycopg.OperationalError as err:
            # A server whose connections are all in use is not dead: there is nothing to
            # start, and whoever waits for the lock of the start would wait in vain.
            if is_full(err) or not revive(data_dir):
                raise
        return super().get_new_connection(self.get_connection_params())

    def is_usable(self) -> bool:
        """Return whether the connection takes queries.

        Django asks before the first query of each request. The socket is enough: it is
        on this machine, so the kernel closes it when the server ends.
        """
        return takes_queries(self.connection)
