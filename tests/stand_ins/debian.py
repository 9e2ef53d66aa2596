"""Debian's PostgreSQL, with TLS, whose users sign in by token (see ldap.py)."""

import os
import pwd
import shutil
import socket
import subprocess
from pathlib import Path

from tests.stand_ins.certificates import Authority

BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
CONFIGURATION = """
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = '{folder}'
ssl = on
ssl_cert_file = '{folder}/server.crt'
ssl_key_file = '{folder}/server.key'
fsync = off
"""
# No line is for connections without TLS, so they are refused.
CLIENTS = """
local all all trust
hostssl all all 127.0.0.1/32 ldap ldapserver=127.0.0.1 ldapport={ldap_port} ldapprefix="cn=" ldapsuffix=",dc=contoso"
"""


class DebianServer:
    """A server in *folder*; `port` on 127.0.0.1, `folder` has its Unix socket."""

    def __init__(self, folder: Path, authority: Authority, ldap_port: int) -> None:
        self.folder, self.bin = folder, BINARIES[-1].parent
        # PostgreSQL refuses to run as root.
        self.account = "postgres" if os.geteuid() == 0 else None
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        self.data = folder / "data"
        if self.account:
            shutil.chown(folder, self.account)
        self._run("initdb", "--username=postgres", "--auth=trust", "--no-sync")
        self._configure(authority, ldap_port)
        self._run("pg_ctl", "start", "--wait", "--silent", f"--log={folder}/log")

    def restart(self) -> None:
        self._run("pg_ctl", "restart", "--silent", f"--log={self.folder}/log")

    def stop(self) -> None:
        self._run("pg_ctl", "stop", "--mode=immediate", "--silent")

    def _configure(self, authority: Authority, ldap_port: int) -> None:
        for source, name in zip(
            authority.issue("localhost"), ("server.crt", "server.key"), strict=True
        ):
            target = self.folder / name
            target.touch(mode=0o600)
            target.write_bytes(source.read_bytes())
            if self.account:
                shutil.chown(target, self.account)
        with (self.data / "postgresql.conf").open("a") as file:
            file.write(CONFIGURATION.format(port=self.port, folder=self.folder))
        (self.data / "pg_hba.conf").write_text(CLIENTS.format(ldap_port=ldap_port))

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [self.bin / program, f"--pgdata={self.data}", *arguments],
            check=True,
            cwd=self.folder,
            user=self.account,
            stdout=subprocess.DEVNULL,
        )


def why_not() -> str:
    """Return why the server cannot run here, "" if it can."""
    if not BINARIES:
        return "Debian's PostgreSQL is not installed (apt install postgresql-15)"
    if os.geteuid() == 0 and "postgres" not in {
        user.pw_name for user in pwd.getpwall()
    }:
        return "root needs the user postgres to run PostgreSQL"
    return ""
