"""What describes the API: an OpenAPI 3.1 document, written from the operations."""

from __future__ import annotations

from typing import Any

from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema
from ninja.operation import Operation

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
        return document
