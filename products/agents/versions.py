"""The versions of MCP that the shop speaks, and what a call says of its own.

Until 2025-11-25 a client shakes hands by `initialize` and names the version in a header
afterwards. Since 2026-07-28 there is no handshake: each call carries its version, in a
header and in its params. See https://modelcontextprotocol.io/specification/versioning
"""

from __future__ import annotations

from collections.abc import Mapping

from products.agents.jsonrpc import INVALID_PARAMS, Call, RpcError

MODERN = "2026-07-28"
HANDSHAKE = ("2025-11-25", "2025-06-18")
SUPPORTED = (MODERN, *HANDSHAKE)

HEADER_MISMATCH = -32020
UNSUPPORTED_VERSION = -32022

VERSION_KEY = "io.modelcontextprotocol/protocolVersion"
CAPABILITIES_KEY = "io.modelcontextprotocol/clientCapabilities"


def is_modern(call: Call, headers: Mapping[str, str]) -> bool:
    """Return whether a call is of a version without handshake.

    Raises RpcError for a version that the shop does not speak, and for a call that
    contradicts its headers.
    """
    header = headers.get("MCP-Protocol-Version")
    meta = call.params.get("_meta")
    meta = meta if isinstance(meta, dict) else {}
    version = meta.get(VERSION_KEY, header)
    if version is None or (VERSION_KEY not in meta and version in HANDSHAKE):
        return False
    if call.is_notification and version == MODERN:
        return True
    if VERSION_KEY in meta:
        check_headers(call, headers, version)
    if version != MODERN:
        raise unsupported(version)
    if VERSION_KEY not in meta or CAPABILITIES_KEY not in meta:
        raise RpcError(
            INVALID_PARAMS,
            f"params._meta must have {VERSION_KEY!r} and {CAPABILITIES_KEY!r}.",
            status=400,
        )
    return True


def check_headers(call: Call, headers: Mapping[str, str], version: object) -> None:
    """Raise RpcError where a header says something else than the body."""
    expected = {"MCP-Protocol-Version": version, "Mcp-Method": call.method}
    if call.method == "tools/call" and "name" in call.params:
        expected["Mcp-Name"] = call.params["name"]
    for name, value in expected.items():
        if headers.get(name) != value:
            raise RpcError(
                HEADER_MISMATCH,
                f"The header {name} and the body must say the same.",
                status=400,
            )


def unsupported(version: object) -> RpcError:
    """Return the refusal of a version, with those that the shop speaks."""
    data = {"supported": list(SUPPORTED), "requested": str(version)[:40]}
    return RpcError(
        UNSUPPORTED_VERSION, "Unsupported protocol version", data=data, status=400
    )


def agreed(wanted: object) -> str:
    """Return the version after a handshake: the wanted one, or the newest with one."""
    return wanted if isinstance(wanted, str) and wanted in HANDSHAKE else HANDSHAKE[0]
