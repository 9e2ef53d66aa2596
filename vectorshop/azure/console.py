"""What the person at the terminal sees and is asked."""

from __future__ import annotations

import shlex
import sys
import threading
import time
from collections.abc import Sequence

from django.core.management.base import CommandError, OutputWrapper
from django.core.management.color import Style

# How often a long step says that it still runs, where a line cannot be rewritten.
QUIET_SECONDS = 30


class Console:
    """Writes lines, echoes commands, shows progress and asks questions.

    Safe to use from the thread that passes az's messages on. With *assume_yes*
    questions are answered with yes.
    """

    def __init__(
        self,
        stdout: OutputWrapper,
        stderr: OutputWrapper,
        style: Style,
        *,
        assume_yes: bool = False,
    ) -> None:
        self.stdout = stdout
        self.stderr = stderr
        self.style = style
        self.assume_yes = assume_yes
        self.lock = threading.RLock()
        self.progress_width = 0
        self.progress_at = 0.0
        # A Windows console may use a code page that has neither sign.
        encoding = getattr(stdout, "encoding", None) or "utf-8"
        self.tick, self.dots = "✓", "…"
        try:
            "✓…".encode(encoding)
        except UnicodeEncodeError:
            self.tick, self.dots = "ok", "..."

    def say(self, text: str = "") -> None:
        with self.lock:
            self.end_progress()
            self.stdout.write(text)

    def done(self, text: str) -> None:
        self.say(f"{self.style.SUCCESS(self.tick)} {text}")

    def warn(self, text: str) -> None:
        self.say(f"{self.style.WARNING('!')} {text}")

    def command(self, argv: Sequence[str]) -> None:
        """Echo a command that changes something, ready to be pasted into a shell."""
        self.say(f"{self.style.MIGRATE_HEADING('$')} {shlex.join(argv)}")

    def error(self, text: str) -> None:
        """Pass on what az wrote to its standard error."""
        with self.lock:
            self.end_progress()
            self.stderr.write(text)

    def progress(self, what: str, seconds: float) -> None:
        """Show that *what* has been running for so many seconds."""
        clock = f"{int(seconds) // 60}:{int(seconds) % 60:02}"
        line = f"  {what}{self.dots} {clock}"
        with self.lock:
            if self.stdout.isatty():
                self.stdout.write("\r" + line.ljust(self.progress_width), ending="")
                self.progress_width = len(line)
                self.stdout.flush()
            elif time.monotonic() - self.progress_at >= QUIET_SECONDS:
                self.progress_at = time.monotonic()
                self.stdout.write(line)

    def end_progress(self) -> None:
        if self.progress_width:
            self.stdout.write("\r" + " " * self.progress_width + "\r", ending="")
            self.progress_width = 0

    def ask(self, question: str) -> str:
        """Return the line that was typed. Raises EOFError at the end of the input."""
        with self.lock:
            self.end_progress()
            self.stdout.write(question, ending=" ")
            self.stdout.flush()
        line = sys.stdin.readline()
        if not line:
            self.stdout.write("")
            raise EOFError
        return line.strip()

    def confirm(self, question: str) -> None:
        """Return if the answer is yes; raise CommandError otherwise."""
        if self.assume_yes:
            return
        try:
            answer = self.ask(f"{question} [y/N]")
        except EOFError as err:
            raise CommandError(
                "No answer, so nothing was changed. Add --yes to go on without "
                "questions."
            ) from err
        if answer.lower() not in ("y", "yes"):
            raise CommandError("Stopped. Nothing was changed.")
