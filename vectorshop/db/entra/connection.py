"""psycopg connections that ask for a token each time they are opened."""

from __future__ import annotations

import asyncio
from typing import Any, TypeVar

import psycopg
from psycopg.rows import TupleRow

from vectorshop.db.entra.parameters import SignIn
from vectorshop.db.entra.tokens import Token

C = TypeVar("C", "Connection", "AsyncConnection")


class Connection(psycopg.Connection[TupleRow]):
    """A connection whose password is a fresh token if `sign_in` is given.

    It serves single connections and pools (`connection_class`) alike.
    """

    @classmethod
    def connect(  # type: ignore[override]
        cls, conninfo: str = "", *, sign_in: SignIn | None = None, **params: Any
    ) -> Connection:
        """Return a new connection. Raises psycopg.OperationalError with advice."""
        if sign_in is None:
            return super().connect(conninfo, **params)
        token = sign_in.token()
        result = cls._attempt(conninfo, sign_in, token, params)
        if newer := sign_in.replacement(token, _error(result)):
            token = newer
            result = cls._attempt(conninfo, sign_in, token, params)
        return _settled(result, sign_in, token)

    @classmethod
    def _attempt(
        cls, conninfo: str, sign_in: SignIn, token: Token, params: dict[str, Any]
    ) -> Connection | psycopg.Error:
        params = {**params, "user": sign_in.user_of(token)}
        try:
            return super().connect(conninfo, **params, password=token.secret.reveal())
        except psycopg.Error as err:
            return _without_token(err)
        except BaseException as err:
            _drop_frames(err)
            raise


class AsyncConnection(psycopg.AsyncConnection[TupleRow]):
    """A connection as above, for asyncio and psycopg_pool.AsyncConnectionPool."""

    @classmethod
    async def connect(  # type: ignore[override]
        cls, conninfo: str = "", *, sign_in: SignIn | None = None, **params: Any
    ) -> AsyncConnection:
        """Return a new connection. Raises psycopg.OperationalError with advice."""
        if sign_in is None:
            return await super().connect(conninfo, **params)
        # A token may take seconds, so the event loop's thread does not ask for it.
        token = await asyncio.to_thread(sign_in.token)
        result = await cls._attempt(conninfo, sign_in, token, params)
        newer = await asyncio.to_thread(sign_in.replacement, token, _error(result))
        if newer:
            token = newer
            result = await cls._attempt(conninfo, sign_in, token, params)
        return _settled(result, sign_in, token)

    @classmethod
    async def _attempt(
        cls, conninfo: str, sign_in: SignIn, token: Token, params: dict[str, Any]
    ) -> AsyncConnection | psycopg.Error:
        params = {**params, "user": sign_in.user_of(token)}
        try:
            return await super().connect(
                conninfo, **params, password=token.secret.reveal()
            )
        except psycopg.Error as err:
            return _without_token(err)
        except BaseException as err:
            _drop_frames(err)
            raise


# Django's error pages print the local names of every frame, and psycopg's frames, like
# the `pgconn` of its exceptions, have the password. Neither may leave this module.


def _without_token(error: psycopg.Error) -> psycopg.Error:
    return type(error)(str(error))


def _drop_frames(error: BaseException) -> None:
    error.__traceback__ = error.__cause__ = error.__context__ = None


def _error(result: C | psycopg.Error) -> psycopg.Error | None:
    return result if isinstance(result, psycopg.Error) else None


def _settled(result: C | psycopg.Error, sign_in: SignIn, token: Token) -> C:
    if isinstance(result, psycopg.Error):
        raise sign_in.with_advice(result, token)
    sign_in.last_error = ""
    return result
