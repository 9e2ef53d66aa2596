"""A question as it is asked: checked once, before any work is done."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal, InvalidOperation
from typing import TypeVar

from django.db import DEFAULT_DB_ALIAS, models
from django.utils.formats import number_format
from django.utils.translation import gettext as _, gettext_lazy, ngettext

from products.embeddings import BaseEmbeddingBackend, get_backend
from products.models import MAX_PRICE, Product
from products.numbers import grouped
from products.plain_text import tidy
from products.querysets import ProductQuerySet
from products.search.operators import Operators
from products.search.synonyms import Thesaurus

MAX_TEXT = 1_000  # characters
MAX_PAGE_SIZE = 200
PAGE_SIZE = 24
MAX_EXAMPLES = 20
MAX_CATEGORIES = 50


class SearchError(ValueError):
    """A search that cannot be done as asked; the message says what to change.

    argument: of search(), what to change; "" where the message alone says it.
    """

    def __init__(self, message: str, *, argument: str = "") -> None:
        super().__init__(message)
        self.argument = argument


class Mode(models.TextChoices):
    """How a text is searched for."""

    HYBRID = "hybrid", gettext_lazy("Meaning and words")
    SEMANTIC = "semantic", gettext_lazy("Meaning")
    KEYWORD = "keyword", gettext_lazy("Words")


class Sort(models.TextChoices):
    """The order of results; by relevance, a catalogue without a question is by name."""

    RELEVANCE = "relevance", gettext_lazy("Relevance")
    NAME = "name", gettext_lazy("Name")
    PRICE = "price", gettext_lazy("Lowest price")
    PRICE_DESCENDING = "-price", gettext_lazy("Highest price")
    NEWEST = "-created_at", gettext_lazy("Newest")


Choice = TypeVar("Choice", bound=models.TextChoices)


@dataclass(frozen=True)
class Filters:
    """The products to search in; by default all of them.

    categories: any of these, at most 50; min_price and max_price: both included;
    embedded: only products that have an embedding. Raises SearchError for a price that
    is not a price, for prices the wrong way round, for more categories, and for a
    category that PostgreSQL cannot hold, see check_text().
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


@dataclass(frozen=True)
class Question:
    """What search() is asked, checked. Raises SearchError for what cannot be answered.

    text, operators: see read_operators().
    """

    text: str = ""
    operators: Operators = Operators()
    filters: Filters = Filters()
    mode: Mode = Mode.HYBRID
    like: tuple[Product, ...] = ()
    unlike: tuple[Product, ...] = ()
    diversity: float = 0.0
    sort: Sort = Sort.RELEVANCE
    page: int = 1
    page_size: int = PAGE_SIZE
    literal: bool = False
    backend: BaseEmbeddingBackend = field(default_factory=get_backend)
    using: str = DEFAULT_DB_ALIAS
    synonyms: Thesaurus | None = None  # in place of those that are stored

    def __post_init__(self) -> None:
        if self.page < 1:
            raise SearchError(_("Pages are counted from 1."))
        if not 1 <= self.page_size <= MAX_PAGE_SIZE:
            raise SearchError(
                ngettext(
                    "A page has 1 to %(most)d product.",
                    "A page has 1 to %(most)d products.",
                    MAX_PAGE_SIZE,
                )
                % {"most": MAX_PAGE_SIZE}
            )
        if not 0 <= self.diversity <= 1:
            raise SearchError(_("The diversity is a number from 0 to 1."))
        if len(self.examples) > MAX_EXAMPLES:
            raise SearchError(
                too_many_examples(), argument="unlike" if self.unlike else "like"
            )
        if self.text and self.examples and self.mode is Mode.KEYWORD:
            raise SearchError(
                _(
                    "Examples are compared by meaning. Choose another mode than keyword."
                ),
                argument="mode",
            )

    @property
    def examples(self) -> tuple[Product, ...]:
        """The example products, wanted or not."""
        return self.like + self.unlike

    def products(self) -> ProductQuerySet:
        """Return the products to search in: those that pass, without the examples."""
        products = self.filters.narrow(Product.objects.using(self.using))
        products = self.operators.narrow(products)
        if self.examples:
            products = products.exclude(
                pk__in=[example.pk for example in self.examples]
            )
        return products

    @property
    def is_narrowed(self) -> bool:
        """Whether products() leaves any out."""
        return bool(self.filters or self.operators or self.examples)

    @property
    def fingerprint(self) -> str:
        """The recipe of the vectors that are compared."""
        if self.examples:
            return self.examples[0].embedding_fingerprint
        return self.backend.fingerprint

    @property
    def single_example(self) -> Product | None:
        """The product of a plain "similar to this one", None for anything else."""
        others = self.text or self.operators or self.diversity or self.unlike
        if others or len(self.like) != 1 or self.sort is not Sort.RELEVANCE:
            return None
        return self.like[0]


def too_many_examples() -> str:
    """Return the message for more examples than are allowed."""
    text = ngettext(
        "At most %(most)d product can be an example.",
        "At most %(most)d products can be examples.",
        MAX_EXAMPLES,
    )
    return text % {"most": MAX_EXAMPLES}


def clean_text(text: str) -> str:
    """Return what a shopper typed as products are stored: trimmed, in the form NFC.

    Raises SearchError for what PostgreSQL cannot hold, see check_text(), and for more
    than 1,000 characters: nobody types those.
    """
    check_text(text)
    text = tidy(text)
    if len(text) > MAX_TEXT:
        raise SearchError(
            _(
                "A search has at most %(most)s characters; this one has %(size)s. "
                "Shorten it."
            )
            % {
                "most": grouped(MAX_TEXT),
                "size": grouped(len(text)),
            }
        )
    return text


def member_of(choices: type[Choice], value: str, name: str) -> Choice:
    """Return the member of *choices* with this value, or raise SearchError."""
    try:
        return choices(value)
    except ValueError as err:
        known = ", ".join(choices.values)
        raise SearchError(
            f"There is no {name} {value[:40]!r}. Choose one of: {known}."
        ) from err


# Checks


def make_price(value: Decimal | int | str) -> Decimal:
    """Return a price. Raises SearchError for anything but a number from 0 up."""
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
    """Return the message for a price that is not one."""
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
