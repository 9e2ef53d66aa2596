"""The catalogue over MCP: JSON-RPC by POST at /mcp, without sessions and streams.

It has three tools, which read. See
https://modelcontextprotocol.io/specification/2025-11-25/basic/transports
"""

from __future__ import annotations

import json
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import translation
from django.views.decorators.csrf import csrf_exempt

from products.agents import jsonrpc
from products.agents.catalog import Caller
from products.agents.door import let_in
from products.agents.jsonrpc import Call, Id, RpcError, read_call
from products.agents.negotiation import check_profile, invalid_profile
from products.agents.profile import VERSION
from products.agents.refusals import Refusal
from products.agents.tools import TOOLS
from products.agents.versions import SUPPORTED, agreed, is_modern
from products.api.limits import with_limits

SERVER = {"name": "vectorshop", "title": "VectorShop", "version": VERSION}
SERVER_KEY = "io.modelcontextprotocol/serverInfo"
CAPABILITIES = {"tools": {"listChanged": False}}
INSTRUCTIONS = (
    "Search the products of this shop, and look them up. Nothing can be ordered here: "
    "send the buyer to the address of a product."
)
# Milliseconds for which a client may keep the list of tools.
KEPT = {"ttlMs": 3_600_000, "cacheScope": "public"}

# UCP's codes for a client that does not say who it is, and for another version.
NEGOTIATION = {"invalid_profile_url", "version_unsupported"}
DISCOVERY_ERROR = -32001


@csrf_exempt
@with_limits
def answer_message(request: HttpRequest) -> HttpResponse:
    """Return the answer to one message: a result, an error, or 202 for a notification."""
    if request.method != "POST":
        error = RpcError(jsonrpc.INVALID_REQUEST, "Send messages by POST.", status=405)
        response = error_response(error, None, modern=False)
        response.headers["Allow"] = "POST"
        return response
    call_id: Id = None
    modern = False
    try:
        check_origin(request)
        call = read_call(let_in_call(request))
        call_id = call.id
        modern = is_modern(call, request.headers)
        if call.is_notification:
            return HttpResponse(status=202, content_type="application/json")
        with translation.override("en"):
            result = answered(call, Caller(request, "mcp"), modern=modern)
        return JsonResponse(call.answered(result))
    except RpcError as err:
        return error_response(err, call_id, modern=modern)


def check_origin(request: HttpRequest) -> None:
    """Raise RpcError for a page of another site, which a browser lets ask here.

    Without that a page could reach a shop that only its visitor can reach, by a name
    that leads there. Programs send no Origin.
    """
    origin = request.headers.get("Origin")
    own = f"{request.scheme}://{request.get_host()}"
    if origin and origin not in (own, *settings.CSRF_TRUSTED_ORIGINS):
        raise RpcError(
            jsonrpc.SERVER_ERROR, "Pages of other sites may not ask here.", status=403
        )


def let_in_call(request: HttpRequest) -> Any:
    """Return the JSON of a message. Raises RpcError for what is none."""
    try:
        return let_in(request)
    except Refusal as err:
        is_json = err.code != "invalid_json"
        code = jsonrpc.SERVER_ERROR if is_json else jsonrpc.PARSE_ERROR
        raise RpcError(code, str(err), data=err.as_json(), status=err.status) from err


def answered(call: Call, caller: Caller, *, modern: bool) -> dict[str, Any]:
    """Return the result of a call. Raises RpcError."""
    complete = {"resultType": "complete"} if modern else {}
    match call.method:
        case "initialize" if not modern:
            return greeting(call)
        case "ping" if not modern:
            return {}
        case "server/discover" if modern:
            return complete | discovery()
        case "tools/list":
            return complete | KEPT | {"tools": [t.as_json() for t in TOOLS.values()]}
        case "tools/call":
            return complete | tool_result(call, caller)
    raise RpcError(
        jsonrpc.METHOD_NOT_FOUND, f"There is no method {call.method[:60]!r} here."
    )


def greeting(call: Call) -> dict[str, Any]:
    """Return the server's side of the handshake."""
    return {
        "protocolVersion": agreed(call.params.get("protocolVersion")),
        "capabilities": CAPABILITIES,
        "serverInfo": SERVER,
        "instructions": INSTRUCTIONS,
    }


def discovery() -> dict[str, Any]:
    """Return what stands in place of the handshake since MODERN."""
    return {
        "supportedVersions": list(SUPPORTED),
        "capabilities": CAPABILITIES,
        "instructions": INSTRUCTIONS,
        "_meta": {SERVER_KEY: SERVER},
        **KEPT,
    }


def tool_result(call: Call, caller: Caller) -> dict[str, Any]:
    """Return what a tool answers, as data and as text for clients that read no data."""
    tool = TOOLS.get(str(call.params.get("name")))
    if tool is None:
        raise RpcError(
            jsonrpc.INVALID_PARAMS, f"There is no such tool. Tools: {', '.join(TOOLS)}."
        )
    arguments = call.params.get("arguments")
    if not isinstance(arguments, dict):
        raise RpcError(jsonrpc.INVALID_PARAMS, "The arguments must be an object.")
    try:
        check_agent(arguments.get("meta"))
        content = tool.operation(arguments.get("catalog"), caller)
    except Refusal as err:
        raise rpc_error(err) from err
    return {
        "content": [{"type": "text", "text": json.dumps(content, ensure_ascii=False)}],
        "structuredContent": content,
        "isError": False,
    }


def check_agent(meta: Any) -> None:
    """Raise Refusal for a call that does not say whose it is."""
    agent = meta.get("ucp-agent") if isinstance(meta, dict) else None
    profile = agent.get("profile") if isinstance(agent, dict) else None
    if not isinstance(profile, str):
        raise invalid_profile(
            "Say who asks, in the arguments: "
            '"meta": {"ucp-agent": {"profile": "https://agent.example/profile.json"}}.'
        )
    check_profile(profile)


def rpc_error(refusal: Refusal) -> RpcError:
    """Return a refusal as an error of JSON-RPC, as UCP's MCP binding has it."""
    if refusal.code in NEGOTIATION:
        return RpcError(
            DISCOVERY_ERROR,
            "UCP discovery failed",
            data=refusal.as_json(),
            status=refusal.status,
        )
    return RpcError(jsonrpc.INVALID_PARAMS, str(refusal), data=refusal.as_json())


def error_response(error: RpcError, call_id: Id, *, modern: bool) -> HttpResponse:
    """Return an error with the status that the version of MCP has for it.

    With the handshake, a client takes a status such as 404 for a session that has gone:
    then an error of one call has the status 200.
    """
    status = error.status
    if status is None and not modern and error.code != jsonrpc.INVALID_REQUEST:
        status = 200
    if status is None:
        status = 404 if error.code == jsonrpc.METHOD_NOT_FOUND else 400
    return JsonResponse(error.as_json(call_id), status=status)
