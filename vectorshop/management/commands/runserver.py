"""Django's development server, which leaves no connection and no database behind."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

from django.core.servers.basehttp import WSGIServer
from django.db import connection, connections
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

    def run(self, **options: Any) -> None:
        """Serve; with the reloader, stop the embedded server that its child leaves.

        A signal ends the reloader, which kills the child that serves, and a killed
        process stops no server.
        """
        try:
            super().run(**options)
        except SystemExit:
            if options["use_reloader"] and server_runs():
                signal.signal(signal.SIGTERM, signal.SIG_IGN)  # once is enough
                # This process now uses the server, and stops it when it ends.
                connection.ensure_connection()
            raise


def server_runs() -> bool:
    """Return whether an embedded server runs for the shop's database."""
    data_dir = connection.settings_dict["OPTIONS"].get("data_dir")
    return data_dir is not None and (Path(data_dir) / "postmaster.pid").exists()
