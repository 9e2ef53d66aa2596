"""What a search may be narrowed to."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal, InvalidOperation

from django.utils.formats import number_format
from django.utils.translation import gettext as _, ngettext

from products.models import MAX_PRICE
from products.querysets import ProductQuerySet

MAX_CATEGORIES = 100


class SearchError(ValueError):
    """A search that cannot be done as asked; the message says what to change."""


@dataclass(frozen=True)
class Filters:
    """The products to search in; by default all of them.

    categories: any of these, at most 100; min_price and max_price: both included;
    embedded: only products that have an embedding. Raises SearchError for prices that
    are no price or the wrong way round, for more categories, and for one that is no
    text PostgreSQL can hold.
    """

    categories: tuple[str, ...] = ()
    min_price: Decimal | None = None
    max_price: Decimal | None = None
    embedded: bool = False

    def __post_init__(self) -> None:
        for name in ("min_price", "max_price"):
            if (price := getattr(self, name)) is not None:
                object.__setattr__(self, name, make_price(price))
        low, high = self.min_price, self.max_price
        if low is not None and high is not None and low > high:
            raise SearchError(
                _(
                    "The lowest price, %(low)s, is above the highest, %(high)s. "
                    "Exchange them."
                )
                % {
                    "low": number_format(low),
                    "high": number_format(high),
                }
            )
        if len(self.categories) > MAX_CATEGORIES:
            raise SearchError(
                ngettext(
                    "At most %(most)d category can be chosen.",
                    "At most %(most)d categories can be chosen.",
                    MAX_CATEGORIES,
                )
                % {"most": MAX_CATEGORIES}
            )
        for category in self.categories:
            check_text(category)

    def __bool__(self) -> bool:
        """Whether anything is filtered at all."""
        return self.embedded or self.of_embedded

    @property
    def of_embedded(self) -> bool:
        """Whether any product that has an embedding is left out."""
        return bool(self.categories) or (self.min_price, self.max_price) != (None, None)

    def narrow(self, products: ProductQuerySet) -> ProductQuerySet:
        """Return those of *products* that pass."""
        narrowed = products.in_category(*self.categories).priced(
            low=to_cents(self.min_price, ROUND_CEILING),
            high=to_cents(self.max_price, ROUND_FLOOR),
        )
        return narrowed.filter(embedding__isnull=False) if self.embedded else narrowed


def make_price(value: Decimal | int | str) -> Decimal:
    """Return a price. Raises SearchError for what is no number from 0 up."""
    try:
        price = Decimal(value)
    except (InvalidOperation, TypeError, ValueError) as err:
        raise SearchError(not_a_price()) from err
    # Not `price < 0`: a NaN compares to nothing.
    if not (price.is_finite() and price >= 0):
        raise SearchError(not_a_price())
    return price


def to_cents(price: Decimal | None, rounding: str) -> Decimal | None:
    """Return a bound as a number that PostgreSQL can hold, with the same effect."""
    if price is None:
        return None
    return min(price, MAX_PRICE + 1).quantize(Decimal("0.01"), rounding=rounding)


def not_a_price() -> str:
    """Return the message for what is no price."""
    example = number_format("9.99")
    return _("A price is a number from 0 up, such as %(example)s.") % {
        "example": example
    }


def check_text(text: str) -> None:
    """Raise SearchError for what PostgreSQL cannot hold: NUL, half a surrogate pair."""
    if "\0" in text:
        raise SearchError(_("A text cannot contain a NUL character."))
    try:
        text.encode()
    except UnicodeEncodeError as err:
        raise SearchError(
            _(
                "A text cannot contain half a character: %(half)r is one half of a "
                "surrogate pair."
            )
            % {"half": text[err.start]}
        ) from err
