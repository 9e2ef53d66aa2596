"""Django's development server, which leaves no connection to the database behind."""

from __future__ import annotations

from typing import Any

from django.core.servers.basehttp import WSGIServer
from django.db import connections
from whitenoise.runserver_nostatic.management.commands import runserver


class ClosingServer(WSGIServer):
    """Closes the connections of a request's thread, which ends with the request.

    Django keeps them for the thread's next request (CONN_MAX_AGE), which never comes.
    """

    def close_request(self, request: Any) -> None:
        connections.close_all()
        super().close_request(request)


class Command(runserver.Command):  # type: ignore[misc]
    server_cls = ClosingServer
