"""The database into a file and back, by PostgreSQL's own pg_dump and pg_restore."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path

from django.db.backends.base.base import BaseDatabaseWrapper

NOT_INSTALLED = (
    "{program} is not installed. Install PostgreSQL's client programs of the server's "
    "version or newer: apt-get install postgresql-client."
)


class BackupError(Exception):
    """The message says why there is no backup, or nothing was restored, and what to do."""


def back_up(
    connection: BaseDatabaseWrapper, path: Path, *, empty: Iterable[str] = ()
) -> int:
    """Write the database into a new file *path* and return the file's bytes.

    empty: the tables whose rows are left out.

    The file is one moment of the database, in pg_dump's custom format, and only its
    owner may read it: it holds accounts and sessions. An older file stays until the new
    one is whole. Raises BackupError. See https://www.postgresql.org/docs/current/app-pgdump.html
    """
    try:
        handle, unfinished = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                options = ["--format=custom", "--no-owner", "--no-privileges"]
                options += [f"--exclude-table-data={table}" for table in empty]
                run(connection, "pg_dump", *options, output=file.fileno())
            size = Path(unfinished).stat().st_size
            Path(unfinished).replace(path)
        except BaseException:
            Path(unfinished).unlink(missing_ok=True)
            raise
    except OSError as err:
        raise BackupError(f"{path} cannot be written ({err.strerror}).") from err
    return size


def restore(connection: BaseDatabaseWrapper, path: Path) -> None:
    """Fill the empty database of *connection* with the backup *path*, or leave it empty.

    It is one transaction. Raises BackupError. The database is analysed afterwards, since a
    plan without statistics is a bad one.
    """
    if not path.is_file():
        raise BackupError(f"There is no file {path}.")
    if tables := connection.introspection.table_names():
        raise BackupError(
            f"The database {connection.settings_dict['NAME']} has {len(tables)} tables. "
            "Restore into an empty one: set DB_NAME to a new name, look at what was "
            "restored there, and keep that DB_NAME."
        )
    connection.close()
    options = [
        "--single-transaction",
        "--exit-on-error",
        "--no-owner",
        "--no-privileges",
    ]
    # Only the owner of an extension may comment on it, and that may be an administrator.
    run(connection, "pg_restore", *options, "--no-comments", str(path))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def run(
    connection: BaseDatabaseWrapper, name: str, *options: str, output: int | None = None
) -> None:
    """Run one of PostgreSQL's programs on the database of *connection*.

    It gets the address and the secret that `manage.py dbshell` gives to psql, and lies
    beside it. What it complains of goes to standard error. Raises BackupError.
    """
    client = connection.client
    (psql, *address, database), variables = client.settings_to_cmd_args_env(
        connection.settings_dict, []
    )
    program = str(Path(psql).with_name(name))
    command = [program, *address, f"--dbname={database}", "--no-password", *options]
    environment = {**os.environ, **(variables or {})}
    try:
        done = subprocess.run(command, env=environment, stdout=output, check=False)
    except FileNotFoundError:
        raise BackupError(NOT_INSTALLED.format(program=name)) from None
    if done.returncode:
        raise BackupError(
            f"{name} ended with status {done.returncode}; it says above why."
        )
