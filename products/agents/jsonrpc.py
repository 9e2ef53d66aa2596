"""Messages of JSON-RPC 2.0, https://www.jsonrpc.org/specification."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
SERVER_ERROR = -32000

VERSION = "2.0"
Id = str | int | None


class RpcError(Exception):
    """An error of a call: its code, its message, and data for programs.

    status: of HTTP, None for what the version of MCP has.
    """

    def __init__(
        self, code: int, message: str, *, data: Any = None, status: int | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.data = data
        self.status = status

    def as_json(self, call_id: Id) -> dict[str, Any]:
        """Return the message that answers the call with this id."""
        error: dict[str, Any] = {"code": self.code, "message": str(self)}
        if self.data is not None:
            error["data"] = self.data
        return {"jsonrpc": VERSION, "id": call_id, "error": error}


@dataclass(frozen=True)
class Call:
    """A request, or a notification, which has no id and gets no answer."""

    method: str
    params: dict[str, Any]
    id: Id = None

    @property
    def is_notification(self) -> bool:
        return self.id is None

    def answered(self, result: dict[str, Any]) -> dict[str, Any]:
        """Return the message that answers this call."""
        return {"jsonrpc": VERSION, "id": self.id, "result": result}


def read_call(data: Any) -> Call:
    """Return the call that a message is. Raises RpcError for anything else."""
    if isinstance(data, list):
        raise RpcError(INVALID_REQUEST, "Send one message, not a batch.")
    if not isinstance(data, dict) or data.get("jsonrpc") != VERSION:
        raise RpcError(INVALID_REQUEST, 'Send an object with "jsonrpc": "2.0".')
    method, params = data.get("method"), data.get("params", {})
    if not isinstance(method, str):
        raise RpcError(INVALID_REQUEST, "The method must be a text.")
    if "id" in data and not is_id(data["id"]):
        raise RpcError(INVALID_REQUEST, "The id must be a text or a whole number.")
    if not isinstance(params, dict):
        raise RpcError(INVALID_REQUEST, "The params must be an object.")
    return Call(method, params, data.get("id"))


def is_id(value: Any) -> bool:
    """Return whether a value can be the id of a request."""
    return isinstance(value, str | int) and not isinstance(value, bool)
