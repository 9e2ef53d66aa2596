"""What importing costs: rows, memory, texts and the index, against bare baselines.

    .venv/bin/python benchmarks/bench_import.py

Takes about 25 minutes; --rows 10000 --memory-rows 20000 and the like make it shorter.
Works in a database of its own, which it drops at the end. Every ratio compares
measurements of one run on one machine, the best of --repeat each.
"""

# ruff: noqa: E402 - the settings must be set up before the imports that need them.

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "vectorshop.settings")
os.environ["DB_NAME"] = DATABASE = "vectorshop_bench_import"

import django

django.setup()

from django.core.management import call_command
from django.db import connection
from importing.command import bench_memory
from importing.index import bench_index
from importing.rows import bench_rows
from importing.texts import bench_texts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--loaddata-rows", type=int, default=20_000)
    parser.add_argument("--memory-rows", type=int, default=1_000_000)
    parser.add_argument("--texts", type=int, default=3_000)
    parser.add_argument("--index-rows", type=int, nargs="*", default=[10_000, 100_000])
    parser.add_argument("--repeat", type=int, default=2)
    parser.add_argument("--only", choices=["rows", "memory", "texts", "index"])
    options = parser.parse_args()
    call_command("migrate", verbosity=0, skip_checks=True)
    try:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            if options.only in (None, "rows"):
                bench_rows(folder, options.rows, options.loaddata_rows, options.repeat)
            if options.only in (None, "memory"):
                bench_memory(folder, options.memory_rows)
            if options.only in (None, "texts"):
                bench_texts(folder, options.texts, options.repeat)
            if options.only in (None, "index"):
                bench_index(options.index_rows)
    finally:
        connection.close()
        with connection._nodb_cursor() as cursor:
            cursor.execute(f"DROP DATABASE {DATABASE} WITH (FORCE)")


if __name__ == "__main__":
    main()
