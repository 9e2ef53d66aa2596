"""The published schemas of UCP, as the package ucp-sdk has them, and how to ask."""

import json

from ucp_sdk.models.schemas.common.types.error_response import ErrorResponse
from ucp_sdk.models.schemas.profile import BusinessSchema
from ucp_sdk.models.schemas.shopping.catalog_lookup import (
    GetProductResponse,
    LookupResponse,
)
from ucp_sdk.models.schemas.shopping.catalog_search import SearchResponse

PROFILE = "https://agent.example/profile.json"
AGENT = {"UCP-Agent": f'profile="{PROFILE}"'}

__all__ = [
    "AGENT",
    "PROFILE",
    "BusinessSchema",
    "ErrorResponse",
    "GetProductResponse",
    "LookupResponse",
    "SearchResponse",
    "ask",
    "checked",
]


def checked(schema, answer):
    """The answer, which the schema accepts without changing the type of a value."""
    schema.model_validate_json(json.dumps(answer), strict=True)
    return answer


def ask(client, operation, body, *, schema=None, status=200, **headers):
    """The answer of an operation of the REST binding."""
    response = client.post(
        f"/ucp/catalog/{operation}",
        body if isinstance(body, bytes) else json.dumps(body),
        content_type="application/json",
        headers=AGENT | headers,
    )
    assert response.status_code == status, response.content
    assert response.headers["Content-Type"] == "application/json"
    assert not response.cookies
    answer = response.json()
    return checked(schema, answer) if schema else answer
