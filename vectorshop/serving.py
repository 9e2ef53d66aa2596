"""Whether this process answers web requests, as `wsgi` does, or runs a command."""

from __future__ import annotations

_serving = False


def start_serving() -> None:
    """Say that this process answers web requests from now on."""
    global _serving
    _serving = True


def is_serving() -> bool:
    """Return whether this process answers web requests.

    Then its statements and its embeddings have limits that commands do not have.
    """
    return _serving
