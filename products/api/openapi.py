"""What describes the API: an OpenAPI 3.1 document, written from the operations.

docs/openapi.json holds it: `make openapi` writes it there.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema
from ninja.operation import Operation

from products.api.access import KeyAuth, KeyIfAny
from products.api.problems import Error, ProblemDocument, documented


class DescribedAPI(NinjaAPI):
    """An API whose document has problems, and an example for each call."""

    def get_openapi_operation_id(self, operation: Operation) -> str:
        """Return the id of an operation: the name of its function, as clients have it."""
        return operation.view_func.__name__

    def get_openapi_schema(self, **kwargs: Any) -> OpenAPISchema:
        """Return the document, with what ninja leaves out of it."""
        document = super().get_openapi_schema(**kwargs)
        schemas = document["components"]["schemas"]
        for model in (Error, ProblemDocument):
            schema = model.model_json_schema(
                ref_template="#/components/schemas/{model}"
            )
            schemas[model.__name__] = {
                name: part for name, part in schema.items() if name != "$defs"
            }
        for operations in document["paths"].values():
            operations.pop("head", None)  # the same as get, by definition
            for operation in operations.values():
                describe_keys(operation)
        name_keys(document)
        for call in calls(document):
            call.operation["description"] += f"\n\nFor example:\n\n    {call.curl}"
        return document


# Of the classes that let requests in, the document knows one, which may be optional.
NEEDED = KeyAuth.__name__
IF_ANY = KeyIfAny.__name__


def describe_keys(operation: dict[str, Any]) -> None:
    """Say of an operation whether it needs a key, and how keys and limits refuse it."""
    if operation.get("security") == [{IF_ANY: []}]:
        operation["security"] = [{}, {NEEDED: []}]
    operation["responses"] |= documented(401, 429)["responses"]


def name_keys(document: dict[str, Any]) -> None:
    """Say what a key is, whether or not one is needed."""
    schemes = document["components"].get("securitySchemes", {})
    if IF_ANY in schemes:
        schemes[NEEDED] = schemes.pop(IF_ANY)


@dataclass(frozen=True)
class Call:
    """An operation of the document, at its address."""

    method: str
    path: str
    operation: dict[str, Any]

    @property
    def curl(self) -> str:
        """A command for a POSIX shell; SHOP is the address of the shop, KEY a key."""
        given = self.operation["parameters"]
        examples = {p["name"]: p["example"] for p in given if "example" in p}
        path = re.sub(
            r"{(\w+)}", lambda found: quote(examples.pop(found[1])), self.path
        )
        query = f"?{urlencode(examples)}" if examples else ""
        parts = ["curl", f'"$SHOP{path}{query}"']
        if self.method != "get":
            parts[1:1] = ["--request", self.method.upper()]
        if {} not in self.operation["security"]:
            parts += ["--header", '"Authorization: Bearer $KEY"']
        content = self.operation.get("requestBody", {}).get("content", {})
        for media_type, body in content.items():
            sent = body["example"]
            text = sent if isinstance(sent, str) else json.dumps(sent)
            parts += ["--header", f'"Content-Type: {media_type}"']
            parts += ["--data-binary", shlex.quote(text)]
        return " ".join(parts)


def calls(document: dict[str, Any]) -> Iterator[Call]:
    """Yield the operations of a document, in its order."""
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            yield Call(method, path, operation)
