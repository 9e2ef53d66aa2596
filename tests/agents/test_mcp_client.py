"""The official client of MCP asks the shop, in each version that it speaks."""

import asyncio

import pytest
from mcp.client.client import Client
from mcp.shared.exceptions import MCPError

from products.models import Product
from tests.agents.schemas import PROFILE, SearchResponse, checked

META = {"ucp-agent": {"profile": PROFILE}}


async def conversation(url, mode):
    """What the client hears: the version, the tools, a search, and two refusals."""
    async with Client(url, mode=mode) as client:
        tools = await client.list_tools()
        found = await client.call_tool(
            "search_catalog", {"meta": META, "catalog": {"query": "lamp"}}
        )
        refused = []
        for name, arguments in (
            ("search_catalog", {"meta": META, "catalog": {}}),
            ("search_catalog", {"catalog": {"query": "lamp"}}),
        ):
            with pytest.raises(MCPError) as caught:
                await client.call_tool(name, arguments)
            refused.append(caught.value.error.code)
        return client.protocol_version, tools, found, refused


@pytest.mark.parametrize(
    ("mode", "version"), [("auto", "2026-07-28"), ("legacy", "2025-11-25")]
)
@pytest.mark.django_db(transaction=True)
def test_the_official_client_searches(live_server, mode, version):
    Product(name="Lamp", sku="lamp-1", price="12.99").save()

    spoken, tools, found, refused = asyncio.run(
        conversation(f"{live_server.url}/mcp", mode)
    )

    assert spoken == version
    assert [tool.name for tool in tools.tools] == [
        "search_catalog",
        "lookup_catalog",
        "get_product",
    ]
    assert not found.is_error
    content = checked(SearchResponse, found.structured_content)
    assert [product["id"] for product in content["products"]] == ["lamp-1"]
    assert refused == [-32602, -32001]
