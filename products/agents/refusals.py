"""Requests that are refused before an operation answers, as UCP names them."""

from __future__ import annotations

from typing import Any


class Refusal(Exception):
    """A request that no operation answers; the message says what to do next.

    code: the name of the error, such as "invalid_request"; status: of HTTP.
    """

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.status = status

    def as_json(self) -> dict[str, Any]:
        """Return the error as UCP's REST binding writes it."""
        return {"code": self.code, "content": str(self)}
