"""How long `manage.py check` takes, beside that of an empty Django project."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from django.core.management import call_command

ROOT = Path(__file__).resolve().parent.parent.parent
TIMES = 7


def measure_check() -> dict[str, float]:
    """Return the least seconds of `check` in the shop and in an empty project."""
    with tempfile.TemporaryDirectory() as name:
        call_command("startproject", "bare", name)
        folders = {"shop": ROOT, "bare": Path(name)}
        best = dict.fromkeys(folders, float("inf"))
        for _ in range(TIMES):
            for which, folder in folders.items():
                started = time.perf_counter()
                subprocess.run(
                    [sys.executable, "manage.py", "check"],
                    cwd=folder,
                    env=environment(folder),
                    check=True,
                    capture_output=True,
                )
                best[which] = min(best[which], time.perf_counter() - started)
    return best


def environment(folder: Path) -> dict[str, str]:
    """Return the environment without the settings of the benchmark."""
    kept = {k: v for k, v in os.environ.items() if k != "DJANGO_SETTINGS_MODULE"}
    return {**kept, "PYTHONPATH": str(folder)}
