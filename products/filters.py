"""What a search may be narrowed to."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from products.models import MAX_PRICE
from products.querysets import ProductQuerySet


class SearchError(ValueError):
    """A search that cannot be done as asked; the message says what to change."""


@dataclass(frozen=True)
class Filters:
    """The products to search in; by default all of them.

    categories: any of these; min_price and max_price: both included; embedded: only
    products that have an embedding. Raises SearchError for prices that are no price
    or the wrong way round, and for a category with a NUL character.
    """

    categories: tuple[str, ...] = ()
    min_price: Decimal | None = None
    max_price: Decimal | None = None
    embedded: bool = False

    def __post_init__(self) -> None:
        for price in (self.min_price, self.max_price):
            # Not `price < 0`: a NaN compares to nothing.
            if price is not None and not (price.is_finite() and price >= 0):
                raise SearchError("A price is a number from 0 up.")
        if None not in (self.min_price, self.max_price) and (
            self.min_price > self.max_price  # type: ignore[operator]
        ):
            raise SearchError(
                f"The lowest price, {self.min_price}, is above the highest, "
                f"{self.max_price}. Exchange them."
            )
        if any("\0" in category for category in self.categories):
            raise SearchError("A category cannot contain a NUL character.")

    def __bool__(self) -> bool:
        """Whether anything is filtered at all."""
        return self != Filters()

    def narrow(self, products: ProductQuerySet) -> ProductQuerySet:
        """Return those of *products* that pass."""
        high = None if self.max_price is None else min(self.max_price, MAX_PRICE)
        narrowed = products.in_category(*self.categories).priced(
            low=self.min_price, high=high
        )
        return narrowed.embedded() if self.embedded else narrowed
