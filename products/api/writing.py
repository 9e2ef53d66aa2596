"""The operations that write one product, for keys with the scope `write`.

They stand beside those that read it, in the router of `products`.
"""

from __future__ import annotations

from typing import Annotated, Any

from django.contrib.admin.models import ADDITION, CHANGE, DELETION
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from ninja import P, PathEx, Schema
from pydantic import (
    ConfigDict,
    Field,
    StrictFloat,
    StrictInt,
    StrictStr,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)
from pydantic_core import PydanticCustomError

from products.admin_log import log_entry
from products.api import schemas
from products.api.access import key_to_write
from products.api.answers import Writer
from products.api.conditions import check_conditions
from products.api.limits import COLD, charge
from products.api.problems import Problem, documented
from products.api.products import product_of, readable, router, unknown
from products.api.questions import refuse_unknown
from products.catalog.changes import Kind
from products.catalog.one_product import (
    Check,
    InvalidProduct,
    Written,
    check_sku,
    checked_values,
    delete_product,
    write_product,
)
from products.models import Product
from products.permissions import (
    CHANGE as MAY_CHANGE,
    DELETE as MAY_DELETE,
    PERMISSION as MAY_ADD,
    may_change,
    may_delete,
    may_write,
)

Sku = PathEx[
    str, P(description="The article number, as it is written.", example="desk-lamp")
]
EXAMPLE = {"name": "Desk lamp", "price": "20.50", "category": "Home"}


def text_or_number(value: Any, check: ValidatorFunctionWrapHandler) -> Any:
    """Return a price; of what is none one error, and not one for each type."""
    try:
        return check(value)
    except ValidationError as err:
        raise PydanticCustomError(
            "price_type", "Write a text such as 1234.50, or a number"
        ) from err


Price = Annotated[
    StrictStr | StrictInt | StrictFloat,
    WrapValidator(text_or_number),
    Field(
        description="A text such as 1234.50, or a number. Zero or more, two decimals."
    ),
]
Picture = Annotated[
    str,
    Field(
        description="The address of a picture, beginning with https://, or one of the "
        "shop's own: upload: and a hash, or sample: and a name."
    ),
]


class NewProduct(Schema):
    """A product as it shall be. What is left out is empty. HTML becomes plain text."""

    model_config = ConfigDict(extra="forbid")

    name: str
    price: Price
    category: str = ""
    description: str = ""
    image: Picture = ""


class ProductChanges(Schema):
    """What shall be different about a product; null empties a value."""

    model_config = ConfigDict(extra="forbid")

    name: str | None = None
    price: Price | None = None
    category: str | None = None
    description: str | None = None
    image: Picture | None = None


@router.put(
    "/products/{path:sku}",
    auth=key_to_write,
    response={200: schemas.Product, 201: schemas.Product},
    summary="Add a product, or give it other values",
    openapi_extra=documented(*(400, 403, 404, 412, 413, 415), body=EXAMPLE),
)
def put_product(
    request: HttpRequest, sku: Sku, product: NewProduct
) -> HttpResponseBase:
    """Store a product and return it: status 201 if it is new, else 200.

    Sent twice it is stored once. Its text is embedded at once. With `If-Match` and the
    ETag of the product it is stored only if nobody has changed it since, with
    `If-None-Match: *` only if it is new; otherwise the status is 412.
    """
    refuse_unknown(request)
    check_sku(sku)
    check_segments(sku)
    return written(request, sku, product.model_dump(), check_of(request))


@router.patch(
    "/products/{path:sku}",
    auth=key_to_write,
    response=schemas.Product,
    summary="Give a product some other values",
    openapi_extra=documented(*(400, 403, 404, 412, 413, 415), body={"price": "18.00"}),
)
def patch_product(
    request: HttpRequest, sku: Sku, changes: ProductChanges
) -> HttpResponseBase:
    """Change a product and return it. Values that are left out stay as they are.

    `If-Match` is read as for PUT.
    """
    refuse_unknown(request)
    check = check_of(request)

    def check_there(product: Product | None) -> None:
        if product is None:
            raise unknown(sku)
        check(product)

    values = changes.model_dump(exclude_unset=True)
    return written(request, readable(sku), values, check_there)


@router.delete(
    "/products/{path:sku}",
    auth=key_to_write,
    response={204: None},
    summary="Remove a product",
    openapi_extra=documented(400, 403, 404, 412),
)
def remove_product(request: HttpRequest, sku: Sku) -> HttpResponseBase:
    """Delete a product and its judgements, and return nothing, with status 204.

    `If-Match` is read as for PUT. Sent twice, the second answer is 404.
    """
    refuse_unknown(request)

    def check(product: Product | None) -> None:
        if not may_delete(request):
            raise forbidden(MAY_DELETE)
        check_conditions(request, tag_of_product(request, product))

    def note(product: Product) -> None:
        log_write(request, product, DELETION, "Removed")

    if not delete_product(readable(sku), check=check, note=note):
        raise unknown(sku)
    return HttpResponse(status=204)


def check_segments(sku: str) -> None:
    """Raise InvalidProduct for a sku that an address cannot have: clients fold it."""
    if not {".", ".."}.isdisjoint(sku.split("/")):
        raise InvalidProduct(
            {"sku": "has a part . or .., which addresses cannot have; send a batch"}
        )


def check_of(request: HttpRequest) -> Check:
    """Return what raises Problem for a product that this request may not write."""

    def check(product: Product | None) -> None:
        if product is None and not may_write(request):
            raise forbidden(MAY_ADD)
        if product is not None and not may_change(request):
            raise forbidden(MAY_CHANGE)
        check_conditions(request, tag_of_product(request, product))

    return check


def forbidden(permission: str) -> Problem:
    """Return the problem of a key whose owner lacks a permission."""
    return Problem(403, f"The owner of this API key needs the permission {permission}.")


def tag_of_product(request: HttpRequest, product: Product | None) -> str | None:
    """Return the ETag of a product as this request would read it."""
    if product is None:
        return None
    return Writer(request).tag(product)


def written(
    request: HttpRequest, sku: str, values: dict[str, Any], check: Check
) -> HttpResponseBase:
    """Return the product after its values were stored."""

    def note(product: Product, written: Written) -> None:
        is_new = written.kind is Kind.NEW
        what = "Added" if is_new else f"Changed {', '.join(written.columns)}"
        log_write(request, product, ADDITION if is_new else CHANGE, what)

    stored = write_product(sku, checked_values(values), check=check, note=note)
    charge((COLD - 1) * stored.embedded)
    is_new = stored.kind is Kind.NEW
    status = 201 if is_new else 200
    response = Writer(request).answer(request, product_of(sku), status=status)
    if is_new:
        response.headers["Location"] = request.build_absolute_uri()
    return response


def log_write(request: HttpRequest, product: Product, flag: int, what: str) -> None:
    """Leave in the admin's log what a key has done."""
    key = request.auth  # type: ignore[attr-defined]  # set by ninja
    message = f"{what} by the API key {key}."
    log_entry(key.user_id, Product, str(product), flag, message, pk=product.pk)
