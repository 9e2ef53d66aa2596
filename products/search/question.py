"""A question as it is asked: checked once, before any work is done."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar

from django.db import DEFAULT_DB_ALIAS, models
from django.utils.formats import number_format
from django.utils.translation import gettext as _, gettext_lazy, ngettext

from products.embeddings import BaseEmbeddingBackend, get_backend
from products.models import Product
from products.search.filters import Filters, SearchError, check_text

MAX_TEXT = 1_000  # characters
MAX_PAGE_SIZE = 200
PAGE_SIZE = 24
MAX_EXAMPLES = 20


class Mode(models.TextChoices):
    """How a text is searched for."""

    HYBRID = "hybrid", gettext_lazy("Meaning and words")
    SEMANTIC = "semantic", gettext_lazy("Meaning")
    KEYWORD = "keyword", gettext_lazy("Words")


class Sort(models.TextChoices):
    """The order of a catalogue without a question."""

    NAME = "name", gettext_lazy("Name")
    PRICE = "price", gettext_lazy("Lowest price")
    PRICE_DESCENDING = "-price", gettext_lazy("Highest price")
    NEWEST = "-created_at", gettext_lazy("Newest")


Choice = TypeVar("Choice", bound=models.TextChoices)


@dataclass(frozen=True)
class Request:
    """A question. Raises SearchError where it is not one that can be answered."""

    text: str = ""
    filters: Filters = Filters()
    mode: Mode = Mode.HYBRID
    like: tuple[Product, ...] = ()
    unlike: tuple[Product, ...] = ()
    diversity: float = 0.0
    sort: Sort = Sort.NAME
    page: int = 1
    page_size: int = PAGE_SIZE
    backend: BaseEmbeddingBackend = field(default_factory=get_backend)
    using: str = DEFAULT_DB_ALIAS

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
            raise SearchError(too_many_examples())
        if self.text and self.examples and self.mode is Mode.KEYWORD:
            raise SearchError(
                _("Examples are compared by meaning. Choose another mode than keyword.")
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


def too_many_examples() -> str:
    """Return the message for more examples than are allowed."""
    text = ngettext(
        "At most %(most)d product can be an example.",
        "At most %(most)d products can be examples.",
        MAX_EXAMPLES,
    )
    return text % {"most": MAX_EXAMPLES}


def clean_text(text: str) -> str:
    """Return what a shopper typed without the white space around it.

    Raises SearchError for what PostgreSQL has no place for, see check_text(), and for
    more than 1,000 characters: nobody types those.
    """
    check_text(text)
    text = text.strip()
    if len(text) > MAX_TEXT:
        raise SearchError(
            _(
                "A search has at most %(most)s characters; this one has %(size)s. "
                "Shorten it."
            )
            % {
                "most": number_format(MAX_TEXT, force_grouping=True),
                "size": number_format(len(text), force_grouping=True),
            }
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
