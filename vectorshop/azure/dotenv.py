"""Writes .env (Bash and Django) and .env.ps1 (PowerShell), keeping other lines."""

from __future__ import annotations

import getpass
import os
import re
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from django.core.management.base import CommandError

# What azdeploy owns in these files. PGPASSWORD is a token, read by psql only: Django
# must fetch its own for each connection.
NAMES = ("DB_HOST", "DB_PORT", "DB_NAME", "DB_USER", "PGPASSWORD")
PLAIN = re.compile(r"[A-Za-z0-9_@%+=:,./-]*")


def bash_line(name: str, value: str) -> str:
    """Return a line that `source` and django-environ read as the same value.

    Raises CommandError for a value that cannot be quoted for both.
    """
    # `source` sets a variable of the shell; psql needs its password exported.
    prefix = "export " if name == "PGPASSWORD" else ""
    return f"{prefix}{name}={bash_quoted(value)}"


def bash_quoted(value: str) -> str:
    if PLAIN.fullmatch(value):
        return value
    if value.isprintable():
        if "'" not in value:
            return f"'{value}'"
        if not re.search(r'["$`\\]', value):
            return f'"{value}"'
    raise CommandError(f"{value!r} cannot be written into .env. Set it by hand.")


def powershell_line(name: str, value: str) -> str:
    escaped = value.replace("'", "''")
    return f"$env:{name} = '{escaped}'"


# File name: how a line is written, and what one looks like.
FORMATS: dict[str, tuple[Callable[[str, str], str], str]] = {
    ".env": (bash_line, r"\s*(?:export\s+)?{names}\s*="),
    ".env.ps1": (powershell_line, r"\s*\$env:{names}\s*="),
}


def write(folder: Path, values: Mapping[str, str]) -> list[Path]:
    """Return the paths of both files, with *values* written into them.

    Lines of NAMES are replaced, or removed when *values* lacks them; all other lines
    stay. The files are for their owner only (mode 0600) from the first byte, and a
    reader sees the old file or the new one, never half of it.
    """
    return [
        replace(folder / name, [line(key, value) for key, value in values.items()])
        for name, (line, _) in FORMATS.items()
    ]


def forget(folder: Path, host: str) -> list[Path]:
    """Return the files from which the lines of *host* were removed."""
    changed = []
    for name in FORMATS:
        path = folder / name
        if path.exists() and re.search(
            rf"DB_HOST\s*=\s*'?{re.escape(host)}\b", path.read_text(encoding="utf-8")
        ):
            changed.append(replace(path, []))
    return changed


def other_lines(path: Path) -> list[str]:
    """Return the lines of *path* that azdeploy does not own."""
    if not path.exists():
        return []
    pattern = FORMATS[path.name][1].replace("{names}", f"(?:{'|'.join(NAMES)})")
    flags = re.IGNORECASE if path.suffix == ".ps1" else 0
    owned = re.compile(pattern, flags)
    lines = path.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if not owned.match(line)]


def replace(path: Path, lines: list[str]) -> Path:
    """Return *path*, with *lines* put behind its other lines in one step.

    Raises CommandError, leaving *path* as it was, when it cannot be written.
    """
    try:
        text = "".join(line + "\n" for line in [*other_lines(path), *lines])
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name)
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
                file.write(text)
            if os.name == "nt":
                restrict_on_windows(temporary)
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as err:
        raise CommandError(f"{path} cannot be written ({err.strerror}).") from err
    return path


def restrict_on_windows(path: str) -> None:
    """Let nobody but the owner read *path*: file modes mean nothing on Windows."""
    subprocess.run(
        ["icacls", path, "/inheritance:r", "/grant:r", f"{getpass.getuser()}:F"],
        check=True,
        stdout=subprocess.DEVNULL,
    )
