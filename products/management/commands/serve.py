"""`manage.py serve`: serve the shop to the public, under granian."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from argparse import ArgumentTypeError
from importlib import import_module
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import BaseCommand, CommandError, CommandParser
from django.db import OperationalError, connections
from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.errors import ConfigurationError
from granian.log import LogLevels

from products.embeddings import get_backend
from products.management.commands.demo import require_free_port
from products.watching.folder import begin_anew
from vectorshop.db.embedded.options import data_dir_of
from vectorshop.serving import start_serving

APPLICATION = "vectorshop.wsgi"
# A thread with nothing to do ends. Its database connection is closed only when Python
# next collects garbage, so let it happen seldom: granian takes no more.
IDLE_SECONDS = 600
# Requests that run may finish when the server stops; see DB_STATEMENT_TIMEOUT. Without
# a limit, a worker that misses the signal while it starts would be waited for for ever.
STOP_SECONDS = 40


class Command(BaseCommand):
    help = "Serve the shop to the public, behind a proxy; docs/production.md says how."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--host", default="127.0.0.1", help="The address (default 127.0.0.1)."
        )
        parser.add_argument(
            "--port", type=int, default=8000, help="The port (default 8000)."
        )
        parser.add_argument(
            "--unix-socket", type=Path, help="A socket in place of address and port."
        )
        parser.add_argument(
            "--workers", type=positive, default=2, help="The processes (default 2)."
        )
        parser.add_argument(
            "--threads", type=positive, default=4, help="Threads of each (default 4)."
        )
        parser.add_argument(
            "--below", type=path, help="The path of the shop's addresses, as in /shop."
        )

    def handle(
        self,
        *,
        host: str,
        port: int,
        unix_socket: Path | None,
        workers: int,
        threads: int,
        below: str | None,
        verbosity: int,
        **options: Any,
    ) -> None:
        if unix_socket is None:
            require_free_port(host, port, advice="--port")
        start_serving()
        begin_anew(settings.METRICS_DIR)
        keep_embedded_server()
        load_before_fork()
        self.say_model()
        server = Granian(
            APPLICATION,
            address=host,
            port=port,
            uds=unix_socket,
            http=HTTPModes.http1,
            interface=Interfaces.WSGI,
            workers=workers,
            blocking_threads=threads,
            blocking_threads_idle_timeout=IDLE_SECONDS,
            respawn_failed_workers=True,
            workers_kill_timeout=STOP_SECONDS,
            url_path_prefix=below,
            log_level=LogLevels.info if verbosity else LogLevels.warning,
        )
        try:
            server.serve(target_loader=application)
        except (ConfigurationError, OSError) as err:
            raise CommandError(f"The shop cannot be served: {err}") from err

    def say_model(self) -> None:
        """Print how the model runs: which way is faster depends on the processor."""
        try:
            self.stdout.write(f"Embedding model: {get_backend().runs_as()}.")
        except ImproperlyConfigured as err:
            self.stderr.write(f"Searches go by words only: {err}")


def positive(text: str) -> int:
    """Return a number from 1 on; raise ArgumentTypeError for any other text."""
    if not (text.isdecimal() and int(text) >= 1):
        raise ArgumentTypeError(f"{text!r} is not a number from 1 on.")
    return int(text)


def path(text: str) -> str:
    """Return a path such as /shop; raise ArgumentTypeError for any other text."""
    if not text.startswith("/") or text.endswith("/"):
        raise ArgumentTypeError(f"{text!r} is not a path such as /shop.")
    return text


def keep_embedded_server() -> None:
    """Use the embedded PostgreSQL in this process, which ends after its workers.

    The last process that uses it stops it, at its end. Forked workers have no such end.
    """
    from vectorshop.db.embedded.server import ensure_running

    for connection in connections.all():
        if connection.settings_dict["ENGINE"] == "vectorshop.db.embedded":
            try:
                ensure_running(data_dir_of(connection.settings_dict))
            except OperationalError as err:
                raise CommandError(str(err)) from err


def load_before_fork() -> None:
    """Load the shop, where workers are forked: they share what is loaded by then."""
    if sys.platform == "linux":
        multiprocessing.set_start_method("fork", force=True)
        import_module(APPLICATION)


def application(module: str) -> Any:
    """Return the WSGI application, for a worker that is to end with this process."""
    threading.Thread(target=end_with_main_process, daemon=True).start()
    return import_module(module).application


def end_with_main_process() -> None:
    """End this worker in order when the main process was killed, and cannot say so."""
    main = multiprocessing.parent_process()
    assert main is not None
    main.join()
    os.kill(os.getpid(), signal.SIGTERM)
