"""The baseline: the same SQL, run by pgbench."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from django.db import connection

from serving.figures import Figures, percentiles
from vectorshop.db.embedded.cluster import Cluster
from vectorshop.db.embedded.options import data_dir_of


def pgbench_path() -> str:
    """Return pgbench: the wheel's beside the embedded server, else that of the PATH."""
    if "embedded" in connection.settings_dict["ENGINE"]:
        return str(Cluster(data_dir_of(connection.settings_dict)).bin_dir / "pgbench")
    found = shutil.which("pgbench")
    if found is None:
        raise RuntimeError("pgbench is not installed (Debian: postgresql-contrib).")
    return found


def run_pgbench(
    sql: list[list[str]],
    *,
    clients: int,
    seconds: float,
    protocol: str = "simple",
    ids: tuple[int, int] | None = None,
) -> Figures:
    """Return how fast a number of clients gets through pages, chosen at random.

    sql: the statements of a page each; one transaction is one page. protocol: simple,
    each statement as text, as pgbench does by itself; prepared, planned once a client.
    ids: from where to where `:id` is chosen, for each page. See
    https://www.postgresql.org/docs/current/pgbench.html
    """
    params = connection.get_connection_params()
    options = {
        "host": "PGHOST",
        "port": "PGPORT",
        "user": "PGUSER",
        "dbname": "PGDATABASE",
    }
    environment = {
        **os.environ,
        **{name: str(params[key]) for key, name in options.items() if params.get(key)},
    }
    if params.get("password"):
        environment["PGPASSWORD"] = str(params["password"])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        command = [pgbench_path(), "-n", "-M", protocol, "-l", "-T", f"{seconds:.0f}"]
        command += ["-c", str(clients), "-j", "1"]
        for number, statements in enumerate(sql):
            path = folder / f"{number}.sql"
            path.write_text(script(statements, ids))
            command += ["-f", str(path)]
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True
        )
        if done.returncode:
            raise RuntimeError(f"pgbench failed: {done.stderr.strip()[-2000:]}")
        latencies = [
            int(line.split()[2]) / 1000
            for log in folder.glob("pgbench_log.*")
            for line in log.read_text().splitlines()
        ]
    found = re.search(r"tps = ([0-9.]+)", done.stdout)
    assert found, done.stdout
    return Figures(float(found[1]), *percentiles(latencies))


def script(statements: list[str], ids: tuple[int, int] | None) -> str:
    """Return statements as pgbench reads them, with the choice of an id before."""
    choice = "\\set id random({}, {})\n".format(*ids) if ids else ""
    return choice + "".join(f"{without_variables(sql)}\n;\n" for sql in statements)


def without_variables(sql: str) -> str:
    """Return a statement in which pgbench takes no colon but `:id` for a variable.

    Its lines stay, as one may end with a comment.
    """
    return re.sub(r"(?<!:):(?=[A-Za-z_])(?!id\b)", ": ", sql.strip().rstrip(";"))
