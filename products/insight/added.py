"""What changes beside a product when another one is added."""

from __future__ import annotations

from dataclasses import dataclass

from products.models import Product
from products.querysets import ProductQuerySet
from products.search.nearest import read_on

SHOWN = 5
# The prepared products, and the sample beside which each of them appears.
BESIDE = {
    "espresso-machine": "coffee-maker",
    "wireless-gaming-mouse": "gaming-laptop",
    "fitness-tracker-band": "smart-watch",
}


@dataclass(frozen=True)
class BeforeAfter:
    """The products most like another one without and with the added one.

    product: the one that is looked at, None while it is not in the catalogue; added:
    None as long as it is not. after: empty as long as nothing is added.
    """

    product: Product | None
    added: Product | None
    before: list[Product]
    after: list[Product]

    @property
    def place(self) -> int:
        """Where the added product stands, from 1; 0 if it is not among the nearest."""
        pks = [product.pk for product in self.after]
        if self.added is None or self.added.pk not in pks:
            return 0
        return pks.index(self.added.pk) + 1


def before_after(sku: str) -> BeforeAfter:
    """Return the lists for a prepared product, one of BESIDE."""
    products = Product.objects.for_display().in_bulk(
        [sku, BESIDE[sku]], field_name="sku"
    )
    product, added = products.get(BESIDE[sku]), products.get(sku)
    if product is None:
        return BeforeAfter(None, added, [], [])
    nearest = Product.objects.for_display().similar_to(product)
    others: ProductQuerySet = nearest.exclude(sku=sku)
    return BeforeAfter(
        product=product,
        added=added,
        before=read_on(others[:SHOWN]),
        after=read_on(nearest[:SHOWN]) if added else [],
    )
