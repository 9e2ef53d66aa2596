"""`manage.py demo`: bring an empty machine to a running shop."""

from __future__ import annotations

import os
import signal
import socket
import sys
from pathlib import Path
from typing import Any, NoReturn

from django.core.management import (
    BaseCommand,
    CommandError,
    CommandParser,
    call_command,
)
from django.db import connection, transaction

from products.models import Product
from products.samples import load_sample_products
from vectorshop.db.embedded.cluster import Cluster

HOST = "127.0.0.1"
STANDBY = "standby"  # its folder, beside that of the embedded server
STEPS = 4

WELCOME = """
VectorShop is at http://{host}:{port}/

Try next:
- choose Wireless Bluetooth Headphones and press "Find similar"
- add Espresso Machine, then find what is like the Coffee Maker
- in another terminal: {python} manage.py similar coffee-maker

Stop it with Ctrl-C; what you added stays.
"""


class Command(BaseCommand):
    help = "Set the database up, load the sample products once, and serve the shop."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--port",
            type=int,
            default=8000,
            help="The port to serve on (default 8000).",
        )
        parser.add_argument(
            "--standby",
            action="store_true",
            help="Copy the server to a standby, and let it answer the pages that only "
            "read. Each answer names its server in the header X-Answered-By.",
        )
        parser.add_argument(
            "--reset",
            action="store_true",
            help="First delete all that is in the embedded database: products, accounts, "
            "judgements. It asks you before.",
        )
        parser.add_argument(
            "--no-input",
            action="store_true",
            help="Do not ask before --reset.",
        )

    def handle(
        self, *, port: int, standby: bool, reset: bool, no_input: bool, **options: Any
    ) -> None:
        other = port + 1 if port < 65535 else 8000
        require_free_port(HOST, port, advice=f"make demo PORT={other}")
        stop_cleanly_when_terminated()
        embedded = connection.settings_dict["ENGINE"] == "vectorshop.db.embedded"
        starting = "starting PostgreSQL, which sets up its files the first time"
        self.step(1, f"{starting if embedded else 'connecting to PostgreSQL'} ...")
        connection.ensure_connection()
        if reset:
            empty_database(asked=not no_input)
        self.step(2, "bringing the tables up to date ...")
        call_command("migrate", verbosity=0)
        self.step(3, "looking for products ...")
        if not Product.objects.exists():
            self.stdout.write(f"Loaded {load_sample_products()} sample products.")
        self.step(4, f"serving the shop on port {port} ...")
        python = "python" if sys.prefix == sys.base_prefix else sys.executable
        self.stdout.write(WELCOME.format(host=HOST, port=port, python=python))
        if standby:
            self.stdout.write("Copying the server to a standby ...", ending="\n\n")
            self.stdout.flush()
            serve_with_standby(f"{HOST}:{port}")
        self.stdout.flush()
        call_command("runserver", f"{HOST}:{port}", use_reloader=False)

    def step(self, number: int, doing: str) -> None:
        """Say at once what is done now, also into a file."""
        self.stdout.write(f"Step {number} of {STEPS}: {doing}")
        self.stdout.flush()


def empty_database(*, asked: bool) -> None:
    """Delete everything in the embedded database, as if it had just been made.

    asked: whether the person at the terminal has to agree. Raises CommandError if they do
    not, and for another database than the embedded one.
    """
    if "data_dir" not in connection.settings_dict["OPTIONS"]:
        raise CommandError(
            "--reset deletes the embedded database only. Of a server of your own, drop "
            "the database yourself."
        )
    if asked:
        sys.stdout.write(
            f"Everything in the database {connection.settings_dict['NAME']} will be "
            'deleted. Type "yes" to go on: '
        )
        sys.stdout.flush()
        if sys.stdin.readline().strip() != "yes":
            raise CommandError("Nothing was deleted.")
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DROP SCHEMA public CASCADE")
        cursor.execute("CREATE SCHEMA public")


def serve_with_standby(address: str) -> NoReturn:
    """Serve in place of this process, with a new standby beside the embedded server.

    Raises CommandError when the database is not the embedded one, or a standby runs.
    """
    options = connection.settings_dict["OPTIONS"]
    if "data_dir" not in options:
        raise CommandError(
            "The demo's standby is one of the embedded server. For a server of your own "
            "set DB_REPLICA_HOSTS; manage.py replicas says how to make a standby."
        )
    primary = Cluster(Path(options["data_dir"]).resolve())
    standby = Cluster(primary.data_dir.with_name(STANDBY))
    if standby.answers():
        raise CommandError(
            f"A server runs in {standby.data_dir}. End the other demo, and try again."
        )
    standby.create_standby(primary)
    environment = os.environ | {"DB_REPLICA_HOSTS": STANDBY}
    command = [sys.executable, sys.argv[0], "runserver", address, "--noreload"]
    os.execve(sys.executable, command, environment)


def require_free_port(host: str, port: int, *, advice: str) -> None:
    """Raise CommandError when nothing can be served on *port* of *host*."""
    if not 1 <= port <= 65535:
        raise CommandError(f"{port} is not a port. Choose one from 1024 to 65535.")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as err:
            raise CommandError(
                f"Port {port} cannot be used ({err.strerror}). Choose another: {advice}"
            ) from err


def stop_cleanly_when_terminated() -> None:
    """Let SIGTERM end the process like Ctrl-C does, so that PostgreSQL stops too."""

    def stop(*args: Any) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # once is enough
        sys.exit(0)

    signal.signal(signal.SIGTERM, stop)
