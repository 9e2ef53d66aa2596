"""A server of the shop, or of another application, under the load of wrk."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError

import psutil

from serving.figures import Figures

WORKERS, CONNECTIONS = 2, 8
START_SECONDS = 60

# How Python starts each server. The first serves the shop alone, as docs/production.md
# has it; the others serve any application.
COMMANDS = {
    "granian": "manage.py serve --verbosity 0 --workers 2 --threads 4 --port {port}",
    "gunicorn": "-m gunicorn {application} --workers 2 --threads 4 "
    "--limit-request-line 8190 --worker-tmp-dir /dev/shm --log-level warning "
    "--bind 127.0.0.1:{port}",
    "granian, WSGI": "-m granian {application} --interface wsgi --workers 2 "
    "--blocking-threads 4 --http 1 --workers-kill-timeout 40 --log-level warning "
    "--host 127.0.0.1 --port {port}",
    "granian, ASGI": "-m granian {application} --interface asgi --workers 2 --http 1 "
    "--no-ws --workers-kill-timeout 40 --log-level warning --host 127.0.0.1 "
    "--port {port}",
    "uvicorn": "-m uvicorn {application} --workers 2 --no-access-log "
    "--log-level warning --host 127.0.0.1 --port {port}",
}

# wrk takes its URLs from a file, each thread from its beginning, and ends with JSON.
SCRIPT = """
local urls = {}
function init(args)
  for line in io.lines(args[1]) do urls[#urls + 1] = line end
end
local number = 0
function request()
  number = number % #urls + 1
  return wrk.format("GET", urls[number], {["Host"] = "localhost"})
end
function done(summary, latency, requests)
  io.write("\\n", string.format(
    '{"requests": %d, "microseconds": %d, "errors": %d, "p50": %f, "p99": %f}\\n',
    summary.requests, summary.duration,
    summary.errors.connect + summary.errors.read + summary.errors.write
      + summary.errors.status + summary.errors.timeout,
    latency:percentile(50), latency:percentile(99)))
end
"""


@dataclass(frozen=True)
class Server:
    """A running server; *seconds* from its start to its first answer."""

    process: psutil.Process
    port: int
    seconds: float

    def load(self, urls: list[str], *, seconds: float) -> Figures:
        """Return how fast 8 connections of wrk get the pages, one after the other."""
        with tempfile.TemporaryDirectory() as name:
            script, paths = Path(name, "load.lua"), Path(name, "urls")
            script.write_text(SCRIPT)
            paths.write_text("".join(f"{url}\n" for url in urls))
            command = ["wrk", "-t", "1", "-c", str(CONNECTIONS)]
            command += ["-d", f"{seconds:.0f}s", "--timeout", "60s", "-s", str(script)]
            command += [f"http://127.0.0.1:{self.port}", "--", str(paths)]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
        result = json.loads(done.stdout.strip().splitlines()[-1])
        if result["errors"]:
            raise RuntimeError(f"{result['errors']} requests failed: {done.stdout}")
        rate = result["requests"] / (result["microseconds"] / 1e6)
        return Figures(rate, result["p50"] / 1000, result["p99"] / 1000)

    def page(self, url: str) -> bytes:
        """Return a page."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{url}")
        request.add_header("Host", "localhost")
        with urllib.request.urlopen(request, timeout=START_SECONDS) as response:
            body: bytes = response.read()
        return body

    def memory_mb(self) -> float:
        """Return the megabytes a worker has for itself: the mean of the workers."""
        children = self.process.children()  # some servers have helpers besides
        used = sorted(child.memory_full_info().uss for child in children)[-WORKERS:]
        return float(sum(used) / len(used) / 2**20)


@contextmanager
def serving(
    application: str,
    server: str,
    *,
    folder: Path,
    python: str = sys.executable,
    log: Path | None = None,
    **variables: str,
) -> Iterator[Server]:
    """Run an application, 2 workers of 4 threads.

    application: `module:name`. server: one of COMMANDS. python: whose packages are
    taken. log: where its standard error stream goes, by default that of this process.
    variables: of the environment, besides those of this process.
    """
    if shutil.which("wrk") is None:
        raise RuntimeError("wrk is not installed (Debian: apt-get install wrk).")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = COMMANDS[server].format(application=application, port=port).split()
    started = time.perf_counter()
    with ExitStack() as stack:
        errors = stack.enter_context(log.open("wb")) if log else None
        process = subprocess.Popen(
            [python, *command],
            cwd=folder,
            env={**os.environ, **variables},
            stderr=errors,
        )
    try:
        wait_for_answer(process, port, server)
        seconds = time.perf_counter() - started
        yield Server(psutil.Process(process.pid), port, seconds)
    finally:
        process.terminate()
        process.wait(60)


def wait_for_answer(process: subprocess.Popen[bytes], port: int, server: str) -> None:
    """Return with the first answer of the server."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=30):
                return
        except (URLError, ConnectionError):
            time.sleep(0.02)
    raise RuntimeError(f"{server} does not answer. Is it installed? See above.")
