"""Runs `manage.py azdeploy` against the stand-in az and shows what it did."""

import io
import json
import sys
from dataclasses import dataclass
from pathlib import Path

from django.core.management import CommandError, call_command

from tests.stand_ins import az
from vectorshop.management.commands.azdeploy import Command

CHANGING = ("build", "create", "delete", "register", "set", "start", "update", "wait")


@dataclass
class Run:
    """How one run of azdeploy ended: exit status, all its text, its calls of az."""

    status: int
    text: str
    calls: list[list[str]]

    @property
    def changes(self):
        """Return the calls that change something, as one line each."""
        return [" ".join(call) for call in self.calls if is_change(call)]


class AzureStandIn:
    """A folder with the stand-in as `az`, the state it keeps, and its calls."""

    def __init__(self, folder: Path, monkeypatch):
        self.folder = folder
        self.monkeypatch = monkeypatch
        self.state = az.fresh()
        program = folder / "az"
        # A module is compiled once, a script at every start.
        start = (
            f"import sys; sys.path.insert(0, {str(Path(az.__file__).parent)!r}); "
            "import az; sys.exit(az.main(sys.argv[1:]))"
        )
        program.write_text(f'#!/bin/sh\nexec {sys.executable} -IS -c "{start}" "$@"\n')
        program.chmod(0o755)
        monkeypatch.setenv("AZ_STAND_IN", str(folder))
        monkeypatch.setenv("PATH", str(folder), prepend=":")

    @property
    def state(self):
        return json.loads((self.folder / "state.json").read_text())

    @state.setter
    def state(self, state):
        (self.folder / "state.json").write_text(json.dumps(state))

    def change(self, **changes):
        self.state = {**self.state, **changes}

    def fail(self, start, text, *, status=1):
        """Let commands that begin with *start* fail with az's *text*."""
        self.change(faults={start: {"status": status, "stderr": text}})

    def heal(self):
        self.change(faults={})

    @property
    def server(self):
        """Return the only server."""
        (server,) = self.state["servers"].values()
        return server

    def calls(self):
        """Return the arguments of every call since the last time, and forget them."""
        path = self.folder / "calls.jsonl"
        lines = path.read_text().splitlines() if path.exists() else []
        path.unlink(missing_ok=True)
        return [json.loads(line) for line in lines]

    def run(self, *argv, typed=""):
        """Run azdeploy with *typed* on its standard input."""
        self.calls()
        status, text = azdeploy(self.monkeypatch, *argv, typed=typed)
        return Run(status, text, self.calls())


def azdeploy(monkeypatch, *argv, typed=""):
    """Run the command with the az on PATH; return its exit status and all its text."""
    monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
    out, err = io.StringIO(), io.StringIO()
    status, error = 0, ""
    try:
        call_command(Command(), *argv, stdout=out, stderr=err, no_color=True)
    except CommandError as failure:
        status, error = failure.returncode, str(failure)
    return status, out.getvalue() + err.getvalue() + error


def is_change(call):
    return any(word in CHANGING for word in az.parse(call)[0].split())
