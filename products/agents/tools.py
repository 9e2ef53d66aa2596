"""The three operations as tools of MCP: names, descriptions and schemas."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from pydantic import Field, create_model

from products.agents.catalog import get_product, lookup_catalog, search_catalog
from products.agents.questions import (
    LookupRequest,
    Part,
    ProductRequest,
    SearchRequest,
)
from products.agents.rest import Operation

OBJECT = {"type": "object"}
OBJECTS = {"type": "array", "items": OBJECT}


class Agent(Part):
    """The agent that asks."""

    profile: str = Field(description="The https address of the agent's UCP profile.")


class Meta(Part):
    """Who asks, which UCP wants with each call."""

    ucp_agent: Agent = Field(alias="ucp-agent")


@dataclass(frozen=True)
class Tool:
    """An operation that a language model can choose by its description."""

    name: str
    title: str
    description: str
    request: type[Part]
    operation: Operation
    answered: dict[str, Any]  # the schemas of the members of an answer
    always: tuple[str, ...]  # those that every answer has

    def as_json(self) -> dict[str, Any]:
        """Return the tool as `tools/list` tells it."""
        return {
            "name": self.name,
            "title": self.title,
            "description": self.description,
            "inputSchema": arguments_schema(self.request),
            "outputSchema": {
                "type": "object",
                "properties": {"ucp": OBJECT, "messages": OBJECTS, **self.answered},
                "required": list(self.always),
            },
            "annotations": {"readOnlyHint": True, "openWorldHint": False},
        }


@cache
def arguments_schema(request: type[Part]) -> dict[str, Any]:
    """Return the JSON Schema of a tool's arguments: who asks, and what."""
    arguments = create_model("Arguments", meta=(Meta, ...), catalog=(request, ...))
    return arguments.model_json_schema()


TOOLS = {
    tool.name: tool
    for tool in (
        Tool(
            name="search_catalog",
            title="Search the catalogue",
            description=(
                "Find products by what they are for or what they are called, by "
                "category and price. Texts are compared by meaning and by words. "
                "Without a query it lists what passes the filters."
            ),
            request=SearchRequest,
            operation=search_catalog,
            answered={"products": OBJECTS, "pagination": OBJECT},
            always=("ucp", "products"),
        ),
        Tool(
            name="lookup_catalog",
            title="Look products up",
            description="Get products by their ids, several at once.",
            request=LookupRequest,
            operation=lookup_catalog,
            answered={"products": OBJECTS},
            always=("ucp", "products"),
        ),
        Tool(
            name="get_product",
            title="Get one product",
            description="Get all that the shop knows of one product, by its id.",
            request=ProductRequest,
            operation=get_product,
            answered={"product": OBJECT},
            always=("ucp",),
        ),
    )
}
