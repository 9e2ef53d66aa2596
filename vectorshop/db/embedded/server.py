"""One server for all processes of a folder: the first starts it, the last stops it.

Two files next to the data folder are locked. `<name>.lock` is held while somebody
starts or stops the server. `<name>.users` is held, shared, by every process that uses
it: who can lock it alone is the last. The kernel drops the locks of a killed process,
and a forked child does not inherit them.
"""

from __future__ import annotations

import atexit
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import psycopg
from django.db.utils import OperationalError
from fasteners import InterProcessLock, InterProcessReaderWriterLock
from psycopg import sql

from vectorshop.db.embedded.cluster import SUPERUSER, Address, Cluster
from vectorshop.db.limits import is_full

logger = logging.getLogger(__name__)

# Longer than another process may take to make the folder and start.
LOCK_SECONDS = 120
# By default these end a process at once, without what it does at its end. Windows has
# no SIGHUP.
ENDING = [
    getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)
]
# These, sent once more, must not interrupt the stopping of the server.
IMPATIENT = [
    *ENDING,
    *(getattr(signal, name) for name in ("SIGINT", "SIGQUIT") if hasattr(signal, name)),
]


@dataclass(frozen=True)
class Server:
    """A running server: *host* is the folder of its unix socket, or 127.0.0.1."""

    data_dir: Path
    host: str
    port: int
    user: str
    password: str | None
    bin_dir: Path


@dataclass
class _Use:
    """What this process knows of a server that it uses."""

    cluster: Cluster
    server: Server
    users: InterProcessReaderWriterLock
    databases: set[str]


_uses: dict[Path, _Use] = {}
_threads = threading.Lock()


def ensure_running(data_dir: Path | str) -> Server:
    """Return the running server of *data_dir*, which is made and started if need be.

    If it runs already, this costs one connect to its socket. The server stops when the
    last process that called this ends. Raises OperationalError with advice when the
    server cannot run.
    """
    path = Path(data_dir).resolve()
    with _threads:
        use = _uses.get(path)
        if use is None or not _listens(use.server):
            use = _start(Cluster(path))
        return use.server


def revive(data_dir: Path) -> bool:
    """Return whether the server, in use here, was gone or not ready, and is back.

    Call it when a connection fails. It raises as `ensure_running` does.
    """
    path = data_dir.resolve()
    with _threads:
        if _uses[path].cluster.answers():
            return False
        _start(Cluster(path))
        return True


def ensure_database(data_dir: Path | str, name: str) -> Server:
    """Return the running server of *data_dir*, with a database *name* in it.

    Looks for the database once in the life of a process. Raises OperationalError as
    `ensure_running` does.
    """
    server = ensure_running(data_dir)
    with _threads:
        use = _uses[server.data_dir]
        if name not in use.databases:
            _create_database(use, name)
            use.databases.add(name)
    return server


def leave(data_dir: Path) -> None:
    """Stop using the server of *data_dir*, and stop it when nobody else uses it."""
    with _threads:
        use = _uses.pop(data_dir)
        with _starting_or_stopping(use.cluster):
            use.users.release_read_lock()
            if not use.users.acquire_write_lock(blocking=False):
                return
            try:
                if use.cluster.answers():
                    use.cluster.stop()
            finally:
                use.users.release_write_lock()


def _start(cluster: Cluster) -> _Use:
    use = _uses.get(cluster.data_dir)
    users = use.users if use else None
    with _starting_or_stopping(cluster):
        if users is None:
            users = _locked_as_user(cluster)
        try:
            server = _started(cluster)
        except BaseException:
            if use is None:
                users.release_read_lock()
            raise
    use = _uses[cluster.data_dir] = _Use(cluster, server, users, {"postgres"})
    _end_in_order()
    return use


def _started(cluster: Cluster) -> Server:
    try:
        cluster.create()
        if not cluster.wait_for_other_server():
            cluster.start()
        address, password = cluster.address(), cluster.password
    except OSError as err:
        raise OperationalError(
            f"The database in {cluster.data_dir} cannot run: {err}. The folder and its "
            "files must be readable and writable, and none of them missing."
        ) from err
    if address is None:
        raise OperationalError(
            f"The PostgreSQL server in {cluster.data_dir} stopped as soon as it was "
            f"started. See {cluster.log}"
        )
    return Server(
        data_dir=cluster.data_dir,
        host=address.host,
        port=address.port,
        user=SUPERUSER,
        password=password,
        bin_dir=cluster.bin_dir,
    )


def _listens(server: Server) -> bool:
    """Return whether somebody listens at the server's address.

    Only the server's account can listen there, so this need not ask who it is.
    """
    try:
        if Path(server.host).is_absolute():
            with socket.socket(socket.AF_UNIX) as probe:
                probe.settimeout(5)
                probe.connect(str(Path(server.host) / f".s.PGSQL.{server.port}"))
        else:
            socket.create_connection((server.host, server.port), timeout=5).close()
    except OSError:
        return False
    return True


def _create_database(use: _Use, name: str) -> None:
    address = Address(use.server.host, use.server.port)
    try:
        with use.cluster.connect(address) as connection:
            found = connection.execute(
                "SELECT 1 FROM pg_database WHERE datname = %s", [name]
            ).fetchone()
            if not found:
                connection.execute(
                    sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name))
                )
    except (psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):
        pass  # another process was first
    except psycopg.Error as err:
        if is_full(err):
            raise OperationalError(
                f"All connections of the server in {use.server.data_dir} are in use: "
                f"{err} Try again, or end a program that uses it."
            ) from err
        raise OperationalError(
            f"The database {name} is missing and cannot be made in "
            f"{use.server.data_dir}: {err}"
        ) from err


def _lock_file(cluster: Cluster, suffix: str) -> Path:
    """Return the path of a lock, made so that the server's account can lock it too."""
    account = cluster.account  # raises with advice for another's folder
    path = cluster.data_dir.with_name(cluster.data_dir.name + suffix)
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        path.touch(mode=0o600)
        account.own(path)
    return path


@contextmanager
def _starting_or_stopping(cluster: Cluster) -> Iterator[None]:
    try:
        lock = InterProcessLock(_lock_file(cluster, ".lock"))
        locked = lock.acquire(timeout=LOCK_SECONDS)
    except (OSError, threading.ThreadError) as err:
        raise OperationalError(
            f"The database folder {cluster.data_dir} cannot be locked: {err}. Its "
            "parent folder must be writable and on a local disk."
        ) from err
    if not locked:
        raise OperationalError(
            f"Another process has been starting or stopping the server of "
            f"{cluster.data_dir} for {LOCK_SECONDS} s. End it and try again."
        )
    try:
        yield
    finally:
        lock.release()


def _locked_as_user(cluster: Cluster) -> InterProcessReaderWriterLock:
    users = InterProcessReaderWriterLock(_lock_file(cluster, ".users"))
    # This never waits: only a holder of the other lock takes it alone.
    users.acquire_read_lock(blocking=False)
    return users


def _end_in_order() -> None:
    """Let signals end the process like `sys.exit` does, so that the server stops too.

    A program with a handler of its own, such as granian, keeps it. Only the main
    thread may set one.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    for number in ENDING:
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _end)


def _end(number: int, frame: FrameType | None) -> None:
    for other in ENDING:
        signal.signal(other, signal.SIG_IGN)
    sys.exit(128 + number)  # as shells report a process that a signal ended


@atexit.register
def _leave_all() -> None:
    if _uses and threading.current_thread() is threading.main_thread():
        for number in IMPATIENT:
            # pg_ctl, which waits for the server, inherits this.
            signal.signal(number, signal.SIG_IGN)
    for data_dir in list(_uses):
        try:
            leave(data_dir)
        except OperationalError as err:
            logger.warning("%s", err)


def _forget_after_fork() -> None:
    """Forget, in a forked child, what its parent uses; it may start anew by itself."""
    global _threads
    _threads = threading.Lock()
    for use in _uses.values():
        # Closes the child's copy of the file now: closing it later would drop the
        # child's own lock (fcntl(2), "close any file descriptor").
        use.users.release_read_lock()
    _uses.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_after_fork)
