"""Runs the az CLI: what it answers, what it changes, and how it fails."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import threading
import time
from contextlib import suppress
from typing import IO, Any

from django.core.management.base import CommandError

from vectorshop.azure.console import Console

# From this version on `firewall-rule` and `db` take --server-name and --name, and the
# administrator's command is microsoft-entra-admin (github.com/Azure/azure-cli/pull/33343).
MINIMUM_VERSION = (2, 86, 0)
INSTALL = "https://learn.microsoft.com/cli/azure/install-azure-cli"
NOT_FOUND = 3  # az's exit status when a resource does not exist
TICK_SECONDS = 0.5
# az reads the value of an option from its standard input where this stands. See
# https://learn.microsoft.com/cli/azure/use-azure-cli-successfully-tips
FROM_INPUT = "@-"
HIDDEN = "***"

# What to do next, by a part of az's own message in lower case.
ADVICE = {
    "az login": "Sign in first: az login",
    "aadsts": "Sign in again: az login",
    "authorizationfailed": (
        "Your account may not do this here. Ask for the role Contributor on the "
        "subscription or the resource group (`app` also wants User Access Administrator, "
        "to give rights), or choose another one: --subscription, --resource-group."
    ),
    "exist in cloud": "See your subscriptions: az account list --output table",
    "missingsubscriptionregistration": (
        "Register the provider: az provider register --namespace "
        "Microsoft.DBforPostgreSQL --wait"
    ),
    "restricted": "Choose another region, for example --location canadacentral.",
    "no available skus": "Choose another region, for example --location canadacentral.",
    "--sku-name": "Choose a size that this region offers: --sku, or another --location.",
    "quota": "Choose another region or size: --location, --sku; or ask for more quota.",
    "already in use": "Server names are unique in all of Azure. Choose --server-name.",
    "not available": "Server names are unique in all of Azure. Choose --server-name.",
    "public access enabled": (
        "The server has public access switched off, so firewall rules do not apply. "
        "Connect from its virtual network, or switch public access on: "
        "az postgres flexible-server update --public-access Enabled"
    ),
    "serverisbusy": "The server works on an earlier change. Try again in a minute.",
}


class AzError(CommandError):
    """A command of az failed. *text* is what az wrote, which was shown already."""

    def __init__(self, message: str, text: str) -> None:
        super().__init__(message)
        self.text = text


def az_failed(words: tuple[str, ...], status: int, text: str) -> AzError:
    """Return the error of a command whose own *text* was shown, with advice."""
    message = f"az {command_name(words)} failed (exit status {status})."
    tips = (tip for sign, tip in ADVICE.items() if sign in text.lower())
    return AzError("\n".join([message, *tips][:2]), text)


def command_name(words: tuple[str, ...]) -> str:
    """Return the part of a command line before its first option."""
    names = []
    for word in words:
        if word.startswith("-"):
            break
        names.append(word)
    return " ".join(names)


class Az:
    """The az CLI of this machine, bound to one subscription.

    subscription: name or id; empty for az's default. With *dry_run* changing
    commands are shown and not run. Raises AzError when az is not installed.
    """

    offline = False  # is az never asked?

    def __init__(
        self, console: Console, *, subscription: str = "", dry_run: bool = False
    ) -> None:
        self.console = console
        self.subscription = subscription
        self.dry_run = dry_run
        # On Windows this is az.cmd, which cannot be started by its bare name.
        self.program = shutil.which("az")
        if not self.program:
            raise AzError(
                f"The Azure CLI (az) is not installed or not on PATH. See {INSTALL}", ""
            )

    def read(self, *words: str) -> Any:
        """Return az's answer, parsed. Raises CommandError after showing az's message."""
        result = self._run(words)
        if result.returncode:
            self._fail(words, result)
        return parsed(result.stdout)

    def find(self, *words: str) -> Any | None:
        """Return az's answer, or None when the resource does not exist."""
        result = self._run(words)
        if result.returncode == NOT_FOUND:
            return None
        if result.returncode:
            self._fail(words, result)
        return parsed(result.stdout)

    def change(self, *words: str, what: str, done: str, secret: str = "") -> None:
        """Echo and run a command that changes something, showing that it runs.

        what: names the step in the progress line; done: what is said at its end.
        secret: the value that FROM_INPUT stands for among *words*. It goes through a
        pipe, so that neither the process list nor a file ever has it, and it is taken
        out of what az says. Raises AzError; az's messages are shown as they come.
        """
        self.console.command(["az", *words, *self._subscription()])
        if self.dry_run:
            return
        with subprocess.Popen(
            self._argv(words),
            env=environment(),
            stdin=subprocess.PIPE if secret else subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stderr
            text: list[str] = []
            reader = threading.Thread(
                target=self._pass_on, args=(process.stderr, text, secret), daemon=True
            )
            reader.start()
            if process.stdin:
                # An az that ends without reading says why in its messages.
                with suppress(BrokenPipeError), process.stdin as pipe:
                    pipe.write(secret)
            status = self._wait(process, what)
            reader.join()
        if status:
            raise az_failed(words, status, "".join(text))
        self.console.done(done)

    def _pass_on(self, messages: IO[str], text: list[str], secret: str) -> None:
        for line in messages:
            if secret:
                line = line.replace(secret, HIDDEN)
            text.append(line)
            if line.strip():
                self.console.error(line.rstrip())

    def _wait(self, process: subprocess.Popen[str], what: str) -> int:
        started = time.monotonic()
        self.console.progress_at = started
        while True:
            try:
                return process.wait(timeout=TICK_SECONDS)
            except subprocess.TimeoutExpired:
                self.console.progress(what, time.monotonic() - started)
            except KeyboardInterrupt:
                # The terminal has sent the signal to az as well; let it end first.
                process.wait()
                raise

    def _run(self, words: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self._argv(words),
            env=environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )

    def _argv(self, words: tuple[str, ...]) -> list[str]:
        return [str(self.program), *words, *self._subscription()]

    def _subscription(self) -> list[str]:
        return ["--subscription", self.subscription] if self.subscription else []

    def _fail(
        self, words: tuple[str, ...], result: subprocess.CompletedProcess[str]
    ) -> None:
        self.console.error(result.stderr.strip())
        raise az_failed(words, result.returncode, result.stderr)


def environment() -> dict[str, str]:
    """Return az's environment: JSON answers, and errors without its usual warnings."""
    return {
        **os.environ,
        "AZURE_CORE_OUTPUT": "json",
        "AZURE_CORE_ONLY_SHOW_ERRORS": "true",
        "AZURE_CORE_NO_COLOR": "true",
    }


def parsed(output: str) -> Any:
    return json.loads(output) if output.strip() else None
