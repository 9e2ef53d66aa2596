"""The command in a process of its own: its time and its memory."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from importing.data import write_csv
from importing.measuring import empty, say, verdict

ROOT = Path(__file__).resolve().parent.parent.parent

# Runs the command and reports its own peak: the peak that wait4() reports of a child
# includes the memory of its parent at the fork.
CHILD = """
import manage
manage.main()
status = open("/proc/self/status").read()
print(status.split("VmHWM:")[1].split()[0])
"""


def import_command(path: Path, *options: str) -> tuple[float, float]:
    """Run the command in a process; return its seconds and its peak memory in MB."""
    arguments = ["import_products", str(path), "-v0", *options]
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", CHILD, *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    seconds = time.perf_counter() - started
    return seconds, int(done.stdout.split()[-1]) / 1024


def bench_memory(folder: Path, large: int) -> None:
    say("\nMemory of the process, rows without vectors")
    peaks = []
    for rows in (10_000, large):
        path = folder / "memory.csv"
        write_csv(path, rows)
        empty()
        seconds, peak = import_command(path, "--no-embed")
        peaks.append(peak)
        say(f"  {rows:10,} rows: {peak:7.1f} MB at most, {rows / seconds:8,.0f} rows/s")
    verdict("memory at 10,000 rows to memory at the most", peaks[0] / peaks[1], 0.95)
