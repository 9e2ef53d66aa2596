"""Debian's PgBouncer in transaction mode, in front of a PostgreSQL server."""

import os
import shutil
import socket
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path

import psycopg

PROGRAM = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
CONFIGURATION = """
[databases]
{database} = host={host} port={port} user={user} dbname={database}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listen}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = {sessions}
server_round_robin = 1
max_client_conn = 200
logfile = {folder}/log
pidfile = {folder}/pid
"""


class PgBouncer:
    """A pooler of so many *sessions* on 127.0.0.1:`port`; anybody may sign in.

    host: the folder of the server's Unix socket. Each transaction takes the session
    that has rested longest, so that even a single client never has one twice running.
    """

    def __init__(
        self, folder: Path, *, sessions: int, host: str, **server: object
    ) -> None:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        # PgBouncer refuses to run as root. The socket is for its owner only.
        account = Path(host).owner() if os.geteuid() == 0 else None
        self.file = folder / "pgbouncer.ini"
        self.file.write_text(
            CONFIGURATION.format(
                folder=folder, listen=self.port, sessions=sessions, host=host, **server
            )
        )
        if account:
            shutil.chown(folder, account)
        self.process = subprocess.Popen(
            [PROGRAM, "--quiet", self.file], user=account, cwd=folder
        )
        self._wait()
        self._open(sessions, str(server["database"]))

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()

    def _open(self, sessions: int, database: str) -> None:
        """Let all sessions be opened, by as many transactions at a time."""
        with ExitStack() as clients:
            for _ in range(sessions):
                client = psycopg.connect(
                    host="127.0.0.1", port=self.port, dbname=database
                )
                clients.enter_context(client).execute("SELECT 1")

    def _wait(self) -> None:
        deadline = time.monotonic() + 30
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                if time.monotonic() > deadline or self.process.poll() is not None:
                    raise
            time.sleep(0.05)


def why_not() -> str:
    """Return why PgBouncer cannot run here, "" if it can."""
    if not PROGRAM:
        return "PgBouncer is not installed (apt install pgbouncer)"
    return ""
