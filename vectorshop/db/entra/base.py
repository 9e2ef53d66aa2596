"""Django's PostgreSQL backend, signing in with Entra tokens instead of a password."""

from __future__ import annotations

import math
import os
import time
from types import ModuleType
from typing import Any, ClassVar

import psycopg
from django.db import connections
from django.db.backends.postgresql import base as postgresql
from psycopg_pool import ConnectionPool, PoolTimeout

from vectorshop.db.entra.client import DatabaseClient
from vectorshop.db.entra.connection import Connection
from vectorshop.db.entra.errors import POOLER, POOLER_ADVICE
from vectorshop.db.entra.parameters import SignIn, sign_in_parameters
from vectorshop.db.entra.schema import DatabaseSchemaEditor
from vectorshop.db.limits import apply_limits
from vectorshop.db.socket_check import takes_queries

# A firewall or load balancer may forget a connection that sends nothing, and says so
# only to the next packet. Those of Azure wait four minutes or longer.
IDLE_SECONDS = 60

# Where Django finds psycopg's exceptions and connect().
psycopg_with_tokens = ModuleType("psycopg_with_tokens")
psycopg_with_tokens.__dict__.update(vars(psycopg), connect=Connection.connect)


class DatabaseWrapper(postgresql.DatabaseWrapper):
    """A connection to Azure Database for PostgreSQL.

    OPTIONS["entra"] may name the `credential` (default "auto"), the `client_id` of a
    user-assigned identity and the `scope`. If USER is empty, the token's user is
    taken. TLS with the server's name checked is the default. With a PASSWORD none of
    this applies. OPTIONS["pooler"] says that a pooler shares out the sessions, and how
    to pass it by (products.sql.own_session).
    """

    Database = psycopg_with_tokens
    client_class = DatabaseClient
    SchemaEditorClass = DatabaseSchemaEditor
    _connection_pools: ClassVar[dict[str, ConnectionPool]] = {}
    checked_at = -math.inf  # time.monotonic() of the last check

    def get_connection_params(self) -> dict[str, Any]:
        """Return psycopg's parameters; no token is among them.

        A pool takes the parameters only once, so a token would expire there.
        """
        params: dict[str, Any] = super().get_connection_params()
        for name in ("entra", "pooler"):
            params.pop(name, None)
        apply_limits(params)
        if not self.settings_dict["PASSWORD"]:
            params.update(sign_in_parameters(self.settings_dict))
        return params

    def get_async_connection_params(self) -> dict[str, Any]:
        """Return the parameters for `vectorshop.db.entra.connection.AsyncConnection`.

        They also serve as `kwargs` of psycopg_pool.AsyncConnectionPool.
        """
        params = self.get_connection_params()
        del params["cursor_factory"]  # Django's is not for asyncio
        return params

    @property
    def pool(self) -> ConnectionPool | None:
        pool: ConnectionPool | None = super().pool
        if pool is not None and _sign_in(pool):
            pool.connection_class = Connection
        return pool

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Return a connection. Raises psycopg.OperationalError, with advice if known."""
        try:
            return self.connected(conn_params)
        except psycopg.OperationalError as err:
            if POOLER not in str(err):
                raise
            message = f"{str(err).strip()}\n{POOLER_ADVICE}"
        raise psycopg.OperationalError(message)

    def connected(self, conn_params: dict[str, Any]) -> Any:
        """Return a connection, or one of the pool's."""
        if not (pool := self.pool) or not (sign_in := _sign_in(pool)):
            return super().get_new_connection(conn_params)
        # Here a missing token is an error at once; in the pool's thread, a timeout.
        sign_in.token()
        try:
            return super().get_new_connection(conn_params)
        except PoolTimeout as err:
            # Only the pool's own threads know the reason.
            raise PoolTimeout(f"{err}. {sign_in.last_error}".strip()) from err

    def is_usable(self) -> bool:
        """Return whether the connection takes queries.

        Django asks before the first query of each request. The socket is enough for a
        connection that was checked a moment ago. After IDLE_SECONDS the server is asked.
        """
        idle = time.monotonic() - self.checked_at
        self.checked_at = time.monotonic()
        return takes_queries(self.connection) and (
            idle < IDLE_SECONDS or super().is_usable()
        )


def _sign_in(pool: ConnectionPool) -> SignIn | None:
    return pool.kwargs.get("sign_in") if isinstance(pool.kwargs, dict) else None


_orphans: list[Any] = []


def _forget_parents_sessions() -> None:
    """Let a forked child open its own sessions, and leave its parent's alone.

    The sessions are kept, not closed: closing would end them for the parent too, and a
    pool would wait for threads, and for their locks, that the child does not have.
    """
    _orphans.extend(DatabaseWrapper._connection_pools.values())
    DatabaseWrapper._connection_pools.clear()
    for wrapper in connections.all(initialized_only=True):
        if isinstance(wrapper, DatabaseWrapper) and wrapper.connection is not None:
            _orphans.append(wrapper.connection)
            wrapper.connection = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_parents_sessions)
