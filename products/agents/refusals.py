"""Requests that are refused before an operation answers, as UCP names them."""

from __future__ import annotations

from typing import Any


class Refusal(Exception):
    """A request that no operation answers; the message says what to do next.

    code: the name of the error, such as "invalid_request"; status: of HTTP. retry_after:
    in how many seconds the same request will do, None where it never will.
    """

    def __init__(
        self,
        code: str,
        message: str,
        status: int = 400,
        *,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.status = status
        self.retry_after = retry_after

    def as_json(self) -> dict[str, Any]:
        """Return the error as UCP's REST binding writes it."""
        error: dict[str, Any] = {"code": self.code, "content": str(self)}
        if self.retry_after is not None:
            error["retry_after"] = self.retry_after
        return error

    def headers(self) -> dict[str, str]:
        """Return what the answer says of the error in its headers."""
        if self.retry_after is None:
            return {}
        return {"Retry-After": str(self.retry_after)}
