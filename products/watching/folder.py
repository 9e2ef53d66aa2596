"""The folder in which the processes of a server put what they count.

prometheus_client keeps the numbers of each process in files that another process adds
up. It learns of the folder when it is first imported, so this module comes before it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import psutil
from django.conf import settings

if settings.METRICS_ADDRESS:
    settings.METRICS_DIR.mkdir(parents=True, exist_ok=True)
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(settings.METRICS_DIR)


def files_of_the_dead(folder: Path) -> Iterator[tuple[Path, int]]:
    """Yield the files of processes that no longer run, each with the process's id."""
    for path in folder.glob("*.db"):
        number = path.stem.rpartition("_")[2]
        if number.isdecimal() and not psutil.pid_exists(int(number)):
            yield path, int(number)


def begin_anew(folder: Path) -> None:
    """Delete what former processes counted, when a server starts."""
    for path, _ in files_of_the_dead(folder):
        path.unlink(missing_ok=True)
