"""Readers of settings from the environment that refuse values they do not know."""

from __future__ import annotations

import math
import os
import re
import secrets
import tempfile
from collections.abc import Collection, Sequence
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

TRUE = {"true", "yes", "on", "1"}
FALSE = {"false", "no", "off", "0"}


def env_bool(name: str, default: bool) -> bool:
    """Return the truth value of the variable *name*, or *default* when it is empty.

    Raises ImproperlyConfigured for a word that means neither yes nor no: a typing
    error must not silently switch something on or off.
    """
    value = os.environ.get(name, "").strip()
    if not value:
        return default
    if value.lower() in TRUE:
        return True
    if value.lower() in FALSE:
        return False
    raise ImproperlyConfigured(
        f"{name}={value!r} is neither true nor false. Set {name}=true or {name}=false."
    )


def env_int(name: str, default: int, *, low: int = 0, high: int = 2**31 - 1) -> int:
    """Return the whole number in the variable *name*, from *low* to *high*.

    Raises ImproperlyConfigured for anything else.
    """
    value = os.environ.get(name, "").strip()
    if not value:
        return default
    if not value.isascii() or not value.isdigit() or not low <= int(value) <= high:
        raise ImproperlyConfigured(
            f"{name}={value!r} is not a whole number from {low} to {high}."
        )
    return int(value)


def env_float(name: str, default: float, *, low: float, high: float) -> float:
    """Return the number in the variable *name*, from *low* to *high*.

    Raises ImproperlyConfigured for anything else.
    """
    value = os.environ.get(name, "").strip()
    if not value:
        return default
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not low <= number <= high:  # nor is NaN
        raise ImproperlyConfigured(
            f"{name}={value!r} is not a number from {low:g} to {high:g}."
        )
    return number


def env_choice(
    name: str, default: str, choices: Collection[str], *, dotted_path: bool = False
) -> str:
    """Return the variable *name*, which must be one of *choices*, or *default*.

    With dotted_path it may also be the path of a class or function. Raises
    ImproperlyConfigured for anything else.
    """
    value = os.environ.get(name, "").strip()
    if not value:
        return default
    if value in choices or (dotted_path and "." in value):
        return value
    also = ", or a dotted path" if dotted_path else ""
    raise ImproperlyConfigured(
        f"{name}={value!r} is unknown. Set {name} to one of {', '.join(choices)}{also}."
    )


def env_list(name: str, default: Sequence[str] = ()) -> list[str]:
    """Return the comma-separated words of the variable *name*."""
    value = os.environ.get(name, "")
    return [word.strip() for word in value.split(",") if word.strip()] or list(default)


def env_url(name: str, schemes: Collection[str]) -> str:
    """Return the URL in the variable *name*, with one of *schemes*; "" when it is empty.

    Raises ImproperlyConfigured for anything else, without the text, which may hold a
    password.
    """
    value = os.environ.get(name, "").strip()
    scheme, found, rest = value.partition("://")
    if value and (scheme not in schemes or not found or not rest):
        raise ImproperlyConfigured(
            f"{name} is not an address that begins with one of "
            f"{', '.join(f'{scheme}://' for scheme in schemes)}."
        )
    return value


def env_address(name: str) -> tuple[str, int] | None:
    """Return a host and a port, written host:port; None where it is not set."""
    text = os.environ.get(name, "").strip()
    if not text:
        return None
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or not 1 <= int(port) <= 65535:
        raise ImproperlyConfigured(
            f"{name}={text!r} is not host:port, such as 127.0.0.1:9464."
        )
    return host.strip("[]"), int(port)


def env_hosts(name: str) -> list[str]:
    """Return the names of hosts in the variable *name*, each perhaps with a port.

    Raises ImproperlyConfigured for anything else, such as a whole address.
    """
    hosts = [word.lower() for word in env_list(name)]
    for host in hosts:
        if not re.fullmatch(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?", host):
            raise ImproperlyConfigured(
                f"{name}: {host!r} is not the name of a host. Write names only, such as "
                "cdn.example,pictures.example:8443."
            )
    return hosts


def secret_from_file(path: Path) -> str:
    """Return the secret kept in *path*, making it on the first call.

    The file is readable by its owner only (mode 0600) from its first byte, and two
    processes that start together end with the same secret: a hard link fails when
    another process was first. Raises ImproperlyConfigured when the file cannot be
    made or read, or is empty.
    """
    try:
        if not path.exists():
            make_secret(path)
        secret = path.read_text().strip()
    except (OSError, UnicodeDecodeError) as err:
        raise ImproperlyConfigured(
            f"SECRET_KEY is not set and {path} cannot be made or read ({err}). "
            "Copy the project into a folder that you can write to. A server that "
            "keeps its secrets elsewhere: Set SECRET_KEY to 50 or more random characters."
        ) from err
    if not secret:
        raise ImproperlyConfigured(
            f"SECRET_KEY is not set and {path} is empty. Delete that file, and a new "
            "secret is made."
        )
    return secret


def make_secret(path: Path) -> None:
    """Write a new secret to *path*, unless another process does so first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent)
    try:
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_urlsafe(50))
        os.link(name, path)
    except FileExistsError:
        pass
    finally:
        Path(name).unlink()
