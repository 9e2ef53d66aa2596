"""The system account that PostgreSQL runs as: it refuses root."""

from __future__ import annotations

import logging
import os
import stat
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db.utils import OperationalError

logger = logging.getLogger(__name__)

# The first start by root makes this user, unless the folder belongs to another one.
SERVICE_USER = "pgserver"


@dataclass(frozen=True)
class SystemAccount:
    """The user that the server runs as and that owns its files."""

    name: str
    uid: int
    gid: int
    switch: bool  # whether this process is root and has to become that user

    @property
    def process_options(self) -> dict[str, Any]:
        """Return the options with which subprocess starts a program as this user."""
        if not self.switch:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def own(self, path: Path) -> None:
        """Give *path*, made by root, to this user."""
        if self.switch:
            os.chown(path, self.uid, self.gid)

    def let_through(self, path: Path) -> None:
        """Let this user pass through the folders above *path*, when root starts it.

        Adds only the right to traverse (o+x, no listing), only where it is missing,
        and logs that. Raises OperationalError when it cannot.
        """
        if not self.switch:
            return
        closed = [folder for folder in path.parents if not self._can_pass(folder)]
        for folder in closed:
            try:
                folder.chmod(stat.S_IMODE(folder.stat().st_mode) | stat.S_IXOTH)
            except OSError as err:
                raise OperationalError(
                    f"PostgreSQL refuses to run as root, and the user {self.name} "
                    f"cannot pass through {folder} ({err.strerror}). Run as an "
                    f"ordinary user, or move the project out of {folder}."
                ) from err
        if closed:
            logger.warning(
                "PostgreSQL refuses root and runs as %s: made these folders passable "
                "for other users (o+x, no listing): %s",
                self.name,
                ", ".join(map(str, closed)),
            )

    def _can_pass(self, folder: Path) -> bool:
        info = folder.stat()
        right = stat.S_IXUSR if info.st_uid == self.uid else stat.S_IXOTH
        return bool(info.st_mode & right)


def account_for(data_dir: Path) -> SystemAccount:
    """Return the account that runs the server on *data_dir*.

    It is the user of this process. For root it is the folder's owner, so that root and
    the owner share one server, or, if that is root, a system user, made when missing.
    Raises OperationalError when the folder belongs to somebody else.
    """
    if not hasattr(os, "geteuid"):  # Windows
        return SystemAccount(name="", uid=0, gid=0, switch=False)
    uid, owner = os.geteuid(), data_dir.stat() if data_dir.exists() else None
    if uid != 0:
        if owner and owner.st_uid != uid:
            raise OperationalError(
                f"The database folder {data_dir} belongs to {_name(owner.st_uid)}. Run "
                f"as that user, or give the folder to {_name(uid)}: "
                f"sudo chown -R {_name(uid)} '{data_dir}'"
            )
        return SystemAccount(_name(uid), uid, os.getegid(), switch=False)
    if owner and owner.st_uid != 0:
        return SystemAccount(
            _name(owner.st_uid), owner.st_uid, owner.st_gid, switch=True
        )
    return _service_account()


def _name(uid: int) -> str:
    import pwd  # not on Windows

    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:  # usual in containers
        return f"user {uid}"


@contextmanager
def _one_process_at_a_time() -> Iterator[None]:
    """Keep other first starts from making the user at the same time.

    Two runs of useradd can both succeed, and the second changes the user's number, so
    that the first cannot enter the folder it was given. The lock is one of flock(2),
    which useradd neither takes nor waits for.
    """
    import fcntl  # not on Windows

    with Path("/etc/passwd").open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _service_account() -> SystemAccount:
    import pwd

    try:
        with _one_process_at_a_time():
            if SERVICE_USER not in (user.pw_name for user in pwd.getpwall()):
                command = ["useradd", "--system", "--shell", "/bin/false", SERVICE_USER]
                subprocess.run(command, check=True, capture_output=True, text=True)
            user = pwd.getpwnam(SERVICE_USER)
    except (OSError, subprocess.CalledProcessError) as err:
        raise OperationalError(
            "PostgreSQL refuses to run as root, and the system user "
            f"{SERVICE_USER} cannot be made ({err}). Run as an ordinary user, or make "
            f"that user: useradd {SERVICE_USER}"
        ) from err
    return SystemAccount(user.pw_name, user.pw_uid, user.pw_gid, switch=True)
