"""MCP at /mcp: JSON-RPC by hand, in the right ways and in wrong ones."""

import json

import pytest
from jsonschema import Draft202012Validator

from tests.agents.schemas import (
    PROFILE,
    ErrorResponse,
    GetProductResponse,
    LookupResponse,
    SearchResponse,
    checked,
)
from tests.factory import make_product

META = {"ucp-agent": {"profile": PROFILE}}
VERSION_KEY = "io.modelcontextprotocol/protocolVersion"
CAPABILITIES_KEY = "io.modelcontextprotocol/clientCapabilities"
MODERN = {VERSION_KEY: "2026-07-28", CAPABILITIES_KEY: {}}


def post(client, message, *, status=200, **headers):
    body = message if isinstance(message, bytes) else json.dumps(message).encode()
    response = client.post(
        "/mcp", body, content_type="application/json", headers=headers
    )
    assert response.status_code == status, response.content
    assert not response.cookies
    return response.json() if response.content else None


def rpc(method, params=None, /, **more):
    message = {"jsonrpc": "2.0", "id": 7, "method": method, "params": params or {}}
    return message | more


def result(client, method, params=None, **headers):
    answer = post(client, rpc(method, params), **headers)
    assert (answer["jsonrpc"], answer["id"]) == ("2.0", 7)
    return answer["result"]


def call(client, name, catalog, meta=META):
    return result(
        client,
        "tools/call",
        {"name": name, "arguments": {"meta": meta, "catalog": catalog}},
    )


def error(client, message, *, status=200, **headers):
    return post(client, message, status=status, **headers)["error"]


# The handshake


@pytest.mark.parametrize(
    ("wanted", "agreed"),
    [
        ("2025-11-25", "2025-11-25"),
        ("2025-06-18", "2025-06-18"),
        ("2024-11-05", "2025-11-25"),
        ("2099-01-01", "2025-11-25"),
        (None, "2025-11-25"),
    ],
)
def test_the_handshake_agrees_on_a_version(client, wanted, agreed):
    answer = result(client, "initialize", {"protocolVersion": wanted})

    assert answer["protocolVersion"] == agreed
    assert answer["capabilities"] == {"tools": {"listChanged": False}}
    assert answer["serverInfo"]["name"] == "vectorshop"


def test_a_ping_is_answered(client):
    assert result(client, "ping") == {}


@pytest.mark.parametrize(
    "method", ["notifications/initialized", "notifications/cancelled", "anything"]
)
def test_a_notification_is_taken(client, method):
    assert post(client, {"jsonrpc": "2.0", "method": method}, status=202) is None


@pytest.mark.parametrize("version", ["2025-11-25", "2025-06-18"])
def test_a_version_of_the_handshake_may_stand_in_the_header(client, version):
    assert result(client, "ping", **{"MCP-Protocol-Version": version}) == {}


@pytest.mark.parametrize("version", ["1900-01-01", "newest", "2025-03-26"])
def test_another_version_in_the_header_is_refused(client, version):
    found = error(client, rpc("ping"), status=400, **{"MCP-Protocol-Version": version})

    assert found["code"] == -32022
    assert found["data"] == {
        "supported": ["2026-07-28", "2025-11-25", "2025-06-18"],
        "requested": version,
    }


# Without a handshake


def modern(client, method, params=None, *, status=200, meta=MODERN, **headers):
    sent = {"MCP-Protocol-Version": "2026-07-28", "Mcp-Method": method} | headers
    message = rpc(method, {**(params or {}), "_meta": meta})
    return post(client, message, status=status, **sent)


def test_discovery_stands_in_for_the_handshake(client):
    answer = modern(client, "server/discover")["result"]

    assert answer["resultType"] == "complete"
    assert answer["supportedVersions"] == ["2026-07-28", "2025-11-25", "2025-06-18"]
    assert (answer["ttlMs"], answer["cacheScope"]) == (3_600_000, "public")


@pytest.mark.parametrize("method", ["initialize", "ping", "nothing"])
def test_what_modern_versions_do_not_have_is_not_found(client, method):
    assert modern(client, method, status=404)["error"]["code"] == -32601


@pytest.mark.parametrize(
    "headers",
    [
        {"MCP-Protocol-Version": "2025-11-25"},
        {"Mcp-Method": "tools/call"},
        {"Mcp-Method": ""},
    ],
    ids=str,
)
def test_headers_say_what_the_body_says(client, headers):
    answer = modern(client, "tools/list", status=400, **headers)

    assert answer["error"]["code"] == -32020


@pytest.mark.parametrize(("name", "status"), [("get_product", 200), ("ping", 400)])
def test_a_header_names_the_tool(client, db, name, status):
    answer = modern(
        client,
        "tools/call",
        {
            "name": "get_product",
            "arguments": {"meta": META, "catalog": {"id": "nothing"}},
        },
        status=status,
        **{"Mcp-Name": name},
    )

    if status == 200:
        assert answer["result"]["resultType"] == "complete"
    else:
        assert answer["error"]["code"] == -32020


def test_a_call_without_its_envelope_is_refused(client):
    answer = modern(client, "tools/list", status=400, meta={})

    assert answer["error"]["code"] == -32602
    assert VERSION_KEY in answer["error"]["message"]


def test_an_unknown_modern_version_is_refused(client):
    meta = MODERN | {VERSION_KEY: "2030-01-01"}

    answer = modern(
        client,
        "tools/list",
        status=400,
        meta=meta,
        **{"MCP-Protocol-Version": "2030-01-01"},
    )

    assert answer["error"]["code"] == -32022


# Tools


def test_the_tools_are_described(client):
    tools = {tool["name"]: tool for tool in result(client, "tools/list")["tools"]}

    assert list(tools) == ["search_catalog", "lookup_catalog", "get_product"]
    for tool in tools.values():
        Draft202012Validator.check_schema(tool["inputSchema"])
        Draft202012Validator.check_schema(tool["outputSchema"])
        assert tool["annotations"]["readOnlyHint"] is True
        assert tool["inputSchema"]["required"] == ["meta", "catalog"]


@pytest.mark.parametrize(
    ("catalog", "valid"),
    [
        ({"query": "lamp"}, True),
        ({"filters": {"price": {"max": 1299}}, "pagination": {"limit": 5}}, True),
        ({"filters": {"price": {"max": -1}}}, False),
        ({"query": 1}, False),
    ],
    ids=str,
)
def test_the_schema_of_a_tool_says_what_it_takes(client, catalog, valid):
    [tool, *_] = result(client, "tools/list")["tools"]

    validator = Draft202012Validator(tool["inputSchema"])

    assert validator.is_valid({"meta": META, "catalog": catalog}) is valid
    assert not validator.is_valid({"catalog": catalog})


@pytest.mark.django_db
def test_each_tool_answers_as_its_operation(client):
    make_product(sku="lamp-1", name="Lamp")

    for name, catalog, schema in (
        ("search_catalog", {"query": "lamp"}, SearchResponse),
        ("lookup_catalog", {"ids": ["lamp-1"]}, LookupResponse),
        ("get_product", {"id": "lamp-1"}, GetProductResponse),
        ("get_product", {"id": "nothing"}, ErrorResponse),
    ):
        answer = call(client, name, catalog)

        content = checked(schema, answer["structuredContent"])
        [tool] = [
            tool
            for tool in result(client, "tools/list")["tools"]
            if tool["name"] == name
        ]
        Draft202012Validator(tool["outputSchema"]).validate(content)
        [text] = answer["content"]
        assert (text["type"], json.loads(text["text"])) == ("text", content)
        assert answer["isError"] is False


@pytest.mark.django_db
def test_rest_and_mcp_give_the_same(client):
    make_product(sku="lamp-1", name="Lamp")
    body = json.dumps({"ids": ["lamp-1"]})

    rest = client.post(
        "/ucp/catalog/lookup",
        body,
        content_type="application/json",
        headers={"UCP-Agent": f'profile="{PROFILE}"'},
    )

    answer = call(client, "lookup_catalog", {"ids": ["lamp-1"]})
    assert answer["structuredContent"] == rest.json()


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({}, "There is no such tool. Tools: search_catalog, lookup_catalog"),
        ({"name": ["get_product"]}, "There is no such tool."),
        ({"name": "get_product"}, "The arguments must be an object."),
        (
            {"name": "get_product", "arguments": {"meta": META}},
            "Send what is asked for as a JSON object.",
        ),
        (
            {"name": "search_catalog", "arguments": {"meta": META, "catalog": {}}},
            "Say what to look for",
        ),
    ],
)
def test_wrong_arguments_say_what_is_wrong(client, params, message):
    found = error(client, rpc("tools/call", params))

    assert found["code"] == -32602
    assert found["message"].startswith(message)


def test_too_many_ids_are_refused(client):
    ids = [str(number) for number in range(51)]
    params = {
        "name": "lookup_catalog",
        "arguments": {"meta": META, "catalog": {"ids": ids}},
    }

    found = error(client, rpc("tools/call", params))

    assert (found["code"], found["data"]["code"]) == (-32602, "request_too_large")


@pytest.mark.parametrize(
    "meta",
    [
        None,
        "",
        {},
        {"ucp-agent": None},
        {"ucp-agent": {"profile": 1}},
        {"ucp-agent": {"profile": "http://agent.example"}},
    ],
    ids=str,
)
def test_an_agent_says_who_it_is(client, meta):
    params = {
        "name": "search_catalog",
        "arguments": {"meta": meta, "catalog": {"query": "x"}},
    }

    found = error(client, rpc("tools/call", params), status=400)

    assert (found["code"], found["message"]) == (-32001, "UCP discovery failed")
    assert found["data"]["code"] == "invalid_profile_url"


# Messages that are none


@pytest.mark.parametrize(
    "body", [b"{", b"\xff", b"[" * 50_000], ids=["half", "bytes", "deep"]
)
def test_what_is_no_json_is_refused(client, body):
    answer = post(client, body, status=400)

    assert (answer["id"], answer["error"]["code"]) == (None, -32700)


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ([], "Send one message, not a batch."),
        ([rpc("ping")], "Send one message, not a batch."),
        ("ping", 'Send an object with "jsonrpc": "2.0".'),
        (None, 'Send an object with "jsonrpc": "2.0".'),
        ({"id": 1, "method": "ping"}, 'Send an object with "jsonrpc": "2.0".'),
        ({"jsonrpc": "2.0", "id": 1}, "The method must be a text."),
        (rpc("ping", method=1), "The method must be a text."),
        (rpc("ping", id=None), "The id must be a text or a whole number."),
        (rpc("ping", id=True), "The id must be a text or a whole number."),
        (rpc("ping", id=1.5), "The id must be a text or a whole number."),
        (rpc("ping", id=[1]), "The id must be a text or a whole number."),
        (rpc("ping", params=[1]), "The params must be an object."),
        (rpc("ping", params=None), "The params must be an object."),
    ],
    ids=str,
)
def test_a_message_that_is_no_call_is_refused(client, message, said):
    found = error(client, message, status=400)

    assert (found["code"], found["message"]) == (-32600, said)


@pytest.mark.parametrize("method", ["resources/list", "x" * 10_000, ""])
def test_an_unknown_method_is_refused(client, method):
    found = error(client, rpc(method))

    assert found["code"] == -32601
    assert len(found["message"]) < 120


def test_a_huge_message_is_refused(client):
    found = error(client, rpc("ping", {"text": "x" * 70_000}), status=413)

    assert found["message"] == "A request has at most 65,536 bytes."


@pytest.mark.parametrize("method", ["get", "delete", "put", "options"])
def test_only_post_is_answered(client, method):
    response = getattr(client, method)("/mcp")

    assert response.status_code == 405
    assert response.headers["Allow"] == "POST"
    assert response.json()["error"]["message"] == "Send messages by POST."


def test_a_shop_without_a_currency_offers_nothing(client, settings):
    settings.CURRENCY = "$"

    found = error(client, rpc("tools/list"), status=404)

    assert (found["code"], found["data"]["code"]) == (-32000, "not_offered")


# Where pages ask from


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://testserver", 200),
        ("https://trusted.example", 200),
        ("https://testserver", 403),
        ("http://testserver:8000", 403),
        ("https://evil.example", 403),
        ("null", 403),
    ],
)
def test_pages_of_other_sites_may_not_ask(client, settings, origin, status):
    settings.CSRF_TRUSTED_ORIGINS = ["https://trusted.example"]

    answer = post(client, rpc("ping"), status=status, Origin=origin)

    if status == 403:
        assert answer["error"]["message"] == "Pages of other sites may not ask here."


def test_another_name_of_the_server_is_refused(client):
    response = client.post(
        "/mcp",
        json.dumps(rpc("ping")),
        content_type="application/json",
        headers={"Host": "evil.example"},
    )

    assert response.status_code == 400
