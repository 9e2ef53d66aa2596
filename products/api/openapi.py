"""What describes the API: an OpenAPI 3.1 document, written from the operations."""

from __future__ import annotations

from typing import Any

from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema
from ninja.operation import Operation

from products.api.access import KeyAuth, KeyIfAny
from products.api.problems import ErrorOut, ProblemOut


class DescribedAPI(NinjaAPI):
    """An API whose document has problems, and calls operations by their functions."""

    def get_openapi_operation_id(self, operation: Operation) -> str:
        """Return the id of an operation, which generated clients call it by."""
        return operation.view_func.__name__

    def get_openapi_schema(self, **kwargs: Any) -> OpenAPISchema:
        """Return the document, with the schemas that its problems refer to."""
        document = super().get_openapi_schema(**kwargs)
        schemas = document["components"]["schemas"]
        for schema in (ErrorOut, ProblemOut):
            schemas[schema.__name__] = schema.model_json_schema(
                ref_template="#/components/schemas/{model}"
            ) | {"$defs": None}
            del schemas[schema.__name__]["$defs"]
        let_key_be_optional(document)
        return document


def let_key_be_optional(document: dict[str, Any]) -> None:
    """Say of an operation that takes a key, if there is one, that it needs none."""
    optional: dict[str, list[str]] = {KeyIfAny.__name__: []}
    required: dict[str, list[str]] = {KeyAuth.__name__: []}
    for operations in document["paths"].values():
        for operation in operations.values():
            if operation.get("security") == [optional]:
                operation["security"] = [{}, required]
    schemes = document["components"].get("securitySchemes", {})
    if KeyIfAny.__name__ in schemes:
        schemes[KeyAuth.__name__] = schemes.pop(KeyIfAny.__name__)
