"""PostgreSQL 16 with an older pgvector, from wheels that `make test-old-pgvector` fetches."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

WHEELS = Path(__file__).resolve().parents[2] / ".data"
OLDEST, REFUSED = "0.8.0", "0.6.2"


class OldServer:
    """A server with this version of pgvector; `port` on 127.0.0.1 trusts everybody."""

    def __init__(self, version: str) -> None:
        [self.bin] = WHEELS.glob(f"pgvector-{version}/*/pginstall/bin")
        # PostgreSQL refuses to run as root.
        self.account = "nobody" if os.geteuid() == 0 else None
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        self.folder = Path(tempfile.mkdtemp(prefix="pgvector-"))
        if self.account:
            shutil.chown(self.folder, self.account)
        self.data = self.folder / "data"
        self._run("initdb", "--username=postgres", "--auth=trust", "--encoding=UTF8")
        options = (
            f"-p {self.port} -h 127.0.0.1 -k '{self.folder}' -c fsync=off "
            "-c max_connections=50 -c random_page_cost=1.1 -c jit=off"
        )
        self._run(
            *("pg_ctl", "start", "--wait", "--silent", f"--log={self.folder}/log"),
            f"--options={options}",
        )

    def stop(self) -> None:
        self._run("pg_ctl", "stop", "--mode=immediate", "--silent")
        shutil.rmtree(self.folder)

    def environment(self) -> dict[str, str]:
        """Return the variables by which the shop uses this server."""
        return self.environment_of(str(self.port))

    @staticmethod
    def environment_of(port: str) -> dict[str, str]:
        """Return the variables by which the shop uses a server on this port."""
        return {
            "DB_HOST": "127.0.0.1",
            "DB_PORT": port,
            "DB_NAME": "postgres",
            "DB_USER": "postgres",
            "DB_PASSWORD": "not asked for",
            "OPEN_CATALOG": "true",  # as with the embedded server
        }

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [self.bin / program, f"--pgdata={self.data}", *arguments],
            check=True,
            cwd=self.folder,
            user=self.account,
            stdout=subprocess.DEVNULL,
        )


def why_not(version: str) -> str:
    """Return why this version cannot run here, "" if it can."""
    if not [*WHEELS.glob(f"pgvector-{version}/*/pginstall/bin")]:
        return f"pgvector {version} is not here: `make test-old-pgvector` fetches it"
    if os.geteuid() == 0 and "nobody" not in {user.pw_name for user in pwd.getpwall()}:
        return "root needs the user nobody to run PostgreSQL"
    return ""
