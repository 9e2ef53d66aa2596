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
ON_POSTGRESQL = """
from bare.settings import *

DATABASES = {"default": {"ENGINE": "django.db.backends.postgresql", "NAME": "shop"}}
INSTALLED_APPS = [*INSTALLED_APPS, "django.contrib.postgres"]
"""


def measure_check() -> dict[str, float]:
    """Return the least seconds of `check`: of the shop, and of empty projects.

    bare: as startproject makes it; bare_postgresql: with PostgreSQL as its database, as
    the shop has it, so that psycopg is imported too. Modules are compiled before.
    """
    with tempfile.TemporaryDirectory() as name:
        call_command("startproject", "bare", name)
        Path(name, "bare", "on_postgresql.py").write_text(ON_POSTGRESQL)
        projects = {
            "shop": (ROOT, "vectorshop.settings"),
            "bare": (Path(name), "bare.settings"),
            "bare_postgresql": (Path(name), "bare.on_postgresql"),
        }
        best = dict.fromkeys(projects, float("inf"))
        for _ in range(TIMES):
            for which, (folder, settings) in projects.items():
                started = time.perf_counter()
                subprocess.run(
                    [sys.executable, "manage.py", "check"],
                    cwd=folder,
                    env=environment(folder, settings),
                    check=True,
                    capture_output=True,
                )
                best[which] = min(best[which], time.perf_counter() - started)
    return best


def environment(folder: Path, settings: str) -> dict[str, str]:
    """Return the environment without what the benchmark has set."""
    kept = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPATH": str(folder), "DJANGO_SETTINGS_MODULE": settings}
