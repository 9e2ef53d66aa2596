"""A question as it is asked: checked once, before any work is done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from django.db import models

from products.embeddings import BaseEmbeddingBackend
from products.filters import Filters, SearchError, check_text
from products.models import Product

MAX_TEXT = 1_000  # characters
MAX_PAGE_SIZE = 200  # all that a question ranks
MAX_EXAMPLES = 20


class Mode(models.TextChoices):
    """How a text is searched for."""

    HYBRID = "hybrid", "Meaning and words"
    SEMANTIC = "semantic", "Meaning"
    KEYWORD = "keyword", "Words"


class Sort(models.TextChoices):
    """The order of a catalogue without a question."""

    NAME = "name", "Name"
    PRICE = "price", "Lowest price"
    PRICE_DESCENDING = "-price", "Highest price"
    NEWEST = "-created_at", "Newest"


Choice = TypeVar("Choice", bound=models.TextChoices)


@dataclass(frozen=True)
class Request:
    """A question. Raises SearchError where it is not one that can be answered."""

    text: str
    filters: Filters
    mode: Mode
    like: tuple[Product, ...]
    unlike: tuple[Product, ...]
    diversity: float
    sort: Sort
    page: int
    page_size: int
    backend: BaseEmbeddingBackend
    using: str

    def __post_init__(self) -> None:
        if self.page < 1:
            raise SearchError("Pages are counted from 1.")
        if not 1 <= self.page_size <= MAX_PAGE_SIZE:
            raise SearchError(f"A page has 1 to {MAX_PAGE_SIZE} products.")
        if not 0 <= self.diversity <= 1:
            raise SearchError("The diversity is a number from 0 to 1.")
        if len(self.examples) > MAX_EXAMPLES:
            raise SearchError(f"At most {MAX_EXAMPLES} products can be examples.")
        if self.text and self.examples and self.mode is Mode.KEYWORD:
            raise SearchError(
                "Examples are compared by meaning. Choose another mode than keyword."
            )

    @property
    def examples(self) -> tuple[Product, ...]:
        """The example products, wanted or not."""
        return self.like + self.unlike

    @property
    def fingerprint(self) -> str:
        """The recipe of the vectors that are compared."""
        if self.examples:
            return self.examples[0].embedding_fingerprint
        return self.backend.fingerprint

    @property
    def single_example(self) -> Product | None:
        """The product of a plain "similar to this one", None for anything else."""
        if self.text or self.diversity or self.unlike or len(self.like) != 1:
            return None
        return self.like[0]


def clean_text(text: str) -> str:
    """Return what a shopper typed without the white space around it.

    Raises SearchError for what PostgreSQL has no place for, see check_text(), and for
    more than 1,000 characters: nobody types those.
    """
    check_text(text, "search")
    text = text.strip()
    if len(text) > MAX_TEXT:
        raise SearchError(
            f"A search has at most {MAX_TEXT:,} characters; this one has "
            f"{len(text):,}. Shorten it."
        )
    return text


def choose(choices: type[Choice], value: str, name: str) -> Choice:
    """Return the member of *choices* with this value, or raise SearchError."""
    try:
        return choices(value)
    except ValueError as err:
        known = ", ".join(choices.values)
        raise SearchError(
            f"There is no {name} {value[:40]!r}. Choose one of: {known}."
        ) from err
