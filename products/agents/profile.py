"""What the shop offers to agents, and where: the profile at /.well-known/ucp."""

from __future__ import annotations

from typing import Any, Literal

from django.http import HttpRequest
from django.urls import reverse

# The version of UCP, and of each of its capabilities.
VERSION = "2026-08-25"
SITE = f"https://ucp.dev/{VERSION}"

SEARCH = "dev.ucp.shopping.catalog.search"
LOOKUP = "dev.ucp.shopping.catalog.lookup"


def envelope(
    capability: str, status: Literal["success", "error"] = "success"
) -> dict[str, Any]:
    """Return what each answer begins with: version, status, and what it is an answer of."""
    return {
        "version": VERSION,
        "status": status,
        "capabilities": {capability: [{"version": VERSION}]},
    }


def profile(request: HttpRequest) -> dict[str, Any]:
    """Return the business profile, with the addresses at which the shop was asked."""
    search = request.build_absolute_uri(reverse("products:ucp_search"))
    return {
        "ucp": {
            "version": VERSION,
            "services": {
                "dev.ucp.shopping": [
                    service(
                        "rest", search.removesuffix("/catalog/search"), "rest.openapi"
                    ),
                    service(
                        "mcp",
                        request.build_absolute_uri(reverse("products:mcp")),
                        "mcp.openrpc",
                    ),
                ]
            },
            "capabilities": {
                SEARCH: [capability("search", "catalog_search")],
                LOOKUP: [capability("lookup", "catalog_lookup")],
            },
            "payment_handlers": {},
        }
    }


def service(transport: str, endpoint: str, schema: str) -> dict[str, str]:
    """Return how the catalogue is asked over one transport."""
    return {
        "version": VERSION,
        "spec": f"{SITE}/specification/overview",
        "transport": transport,
        "endpoint": endpoint,
        "schema": f"{SITE}/services/shopping/{schema}.json",
    }


def capability(name: str, schema: str) -> dict[str, str]:
    """Return what the shop can do, and where that is specified."""
    return {
        "version": VERSION,
        "spec": f"{SITE}/specification/shopping/catalog/{name}",
        "schema": f"{SITE}/schemas/shopping/{schema}.json",
    }
