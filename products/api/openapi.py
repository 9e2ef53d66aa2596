"""What describes the API: an OpenAPI 3.1 document, written from the operations."""

from __future__ import annotations

from typing import Any

from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema
from ninja.operation import Operation

from products.api.access import KeyAuth, KeyIfAny
from products.api.problems import Error, ProblemDocument, documented


class DescribedAPI(NinjaAPI):
    """An API whose document has problems, and calls operations by their functions."""

    def get_openapi_operation_id(self, operation: Operation) -> str:
        """Return the id of an operation, which generated clients call it by."""
        return operation.view_func.__name__

    def get_openapi_schema(self, **kwargs: Any) -> OpenAPISchema:
        """Return the document, with the schemas that its problems refer to."""
        document = super().get_openapi_schema(**kwargs)
        schemas = document["components"]["schemas"]
        for schema in (Error, ProblemDocument):
            schemas[schema.__name__] = schema.model_json_schema(
                ref_template="#/components/schemas/{model}"
            ) | {"$defs": None}
            del schemas[schema.__name__]["$defs"]
        for operations in document["paths"].values():
            operations.pop("head", None)  # the same as get, by definition
            for operation in operations.values():
                describe_keys(operation)
        name_keys(document)
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
