"""What the API's answers look like. Names are those of the Python API."""

from __future__ import annotations

from ninja import Schema
from pydantic import Field


class ProductOut(Schema):
    """A product."""

    sku: str = Field(description="The shop's article number.")
    name: str
    category: str
    description: str
    price: str = Field(
        description="A number with two decimals, as a text, so that no cent is lost."
    )
    currency: str | None = Field(
        description="The ISO 4217 code; null where the shop's sign stands for several."
    )
    url: str = Field(description="The address of the product's page.")
    image: str | None = Field(
        description="The address of the picture; null where there is none."
    )
