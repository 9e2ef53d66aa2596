"""The operations of one product.

Operations of the same address must be of the same router: writes are added to this one.
"""

from __future__ import annotations

from django.conf import settings
from django.http import Http404, HttpRequest
from ninja import Router

from products.api.problems import documented
from products.api.schemas import ProductOut
from products.models import Product
from products.pictures.shown import image_address
from products.structured_data import currency_code

router = Router(tags=["products"])


@router.get(
    "/products/{path:sku}",
    response=ProductOut,
    summary="A product by its sku",
    openapi_extra=documented(404),
)
def get_product(request: HttpRequest, sku: str) -> ProductOut:
    """The product with this sku, in the same upper and lower case."""
    return product_out(request, product_of(sku))


def product_of(sku: str) -> Product:
    """Return the product with this sku. Raises Http404."""
    product = None
    if "\0" not in sku:  # PostgreSQL can hold no such text
        product = Product.objects.for_display().filter(sku=sku).first()
    if product is None:
        raise Http404(f"There is no product with the sku {sku[:200]!r}.")
    return product


def product_out(request: HttpRequest, product: Product) -> ProductOut:
    """Return a product as the API writes it."""
    image = image_address(product)
    return ProductOut(
        sku=product.sku,
        name=product.name,
        category=product.category,
        description=product.description,
        price=str(product.price),
        currency=currency_code(settings.CURRENCY),
        url=request.build_absolute_uri(product.get_absolute_url()),
        image=request.build_absolute_uri(image) if image else None,
    )
