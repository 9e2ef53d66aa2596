"""What a search gives back: one page of hits, and the truth about the rest."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

from django.core.paginator import Paginator
from django.utils.translation import gettext, ngettext

from products.models import Product
from products.numbers import grouped
from products.search.scores import NO_REWARD, Reward


@dataclass(frozen=True)
class Plan:
    """How a search looks products up, decided before it does so.

    method: "exact", "hnsw", "keyword" or "listing"; reason: why, in words. matching:
    how many rows pass the filters, counted up to a bound; None when nothing had to be
    counted. ef_search: how many candidates the index keeps; None without an index.
    """

    method: str
    reason: str
    matching: int | None = None
    ef_search: int | None = None

    @property
    def exact(self) -> bool:
        """Whether every matching row is compared."""
        return self.method == "exact"

    @property
    def partial(self) -> bool:
        """Whether more rows pass the filters than the index is read for."""
        return self.method == "hnsw" and self.matching is not None


@dataclass(frozen=True)
class Log:
    """What a search did, and how long it took.

    rows: how many products were ranked, each counted once. words: by which rules the products with a word
    were chosen, one after the other, until there were enough. statements: the SQL, in
    its order. Times are in milliseconds.
    """

    rows: int = 0
    words: list[str] = field(default_factory=list)
    embedding_ms: float = 0.0
    sql_ms: float = 0.0
    statements: list[str] = field(default_factory=list)


@dataclass
class Candidate:
    """A product that was ranked, by id, and what spoke for it.

    score: what the ranking goes by, large for a good match; similarity: the cosine
    similarity to the query, None where it was not compared; semantic_rank and
    keyword_rank: its place, from 1, in the ranking by meaning and by words; words:
    the stems of the query that its text has, of a hit the words as its text writes
    them; exact: its sku is the query. reward: what a hybrid search adds to the
    similarity for the words, which together are the score.
    """

    pk: int
    category: str
    score: float
    similarity: float | None = None
    semantic_rank: int | None = None
    keyword_rank: int | None = None
    words: tuple[str, ...] = ()
    exact: bool = False
    reward: Reward = NO_REWARD


@dataclass
class Hit(Candidate):
    """A candidate of the page that is shown, with its product."""

    product: Product = field(kw_only=True)

    @property
    def distance(self) -> float | None:
        """The cosine distance to the query, 0 to 2."""
        return None if self.similarity is None else 1 - self.similarity


@dataclass
class Results:
    """One page of hits. Iterates over them.

    plan: how the products were looked up; log: what that took. mode: "listing",
    "similar", or the mode that was asked for. total: how many products were found, at
    most the window's size; more: there are others that were not ranked, so that the
    total reads "at least". notice: something the visitor should know, else empty.
    corrected: the text that was searched for in place of the one asked, else empty;
    suggested: another one that may have been meant, else empty.
    count_facets: what `facets` calls. floor: the similarity from which on the nearest
    product is a match, see Floor. far: where nothing was found, the nearest of what is
    too far. recipe: the fingerprint of the vectors that were compared, "" for none.
    """

    hits: list[Hit]
    plan: Plan
    log: Log
    mode: str
    total: int
    more: bool
    page: int
    page_size: int
    count_facets: Callable[[], list[tuple[str, int]]]
    notice: str = ""
    corrected: str = ""
    suggested: str = ""
    floor: float = 0.0
    far: list[Hit] = field(default_factory=list)
    recipe: str = ""

    @cached_property
    def facets(self) -> list[tuple[str, int]]:
        """The categories with the number of their products, the largest first.

        Counted when first asked for, as if no category had been chosen: the products
        counted pass the other filters.
        """
        return self.count_facets()

    def __iter__(self) -> Iterator[Hit]:
        return iter(self.hits)

    @property
    def pages(self) -> int:
        """How many pages there are, at least one."""
        return max(1, -(-self.total // self.page_size))

    @property
    def first_position(self) -> int:
        """The place of the page's first hit among all results, from 1."""
        return (self.page - 1) * self.page_size + 1

    @property
    def has_next(self) -> bool:
        return self.page < self.pages

    @property
    def has_previous(self) -> bool:
        return self.page > 1

    @property
    def next(self) -> int:
        return self.page + 1

    @property
    def previous(self) -> int:
        return self.page - 1

    @property
    def page_numbers(self) -> list[int | None]:
        """The pages to choose from, None for a gap: 1, 2, 3, None, 9."""
        paginator = Paginator(range(self.total), self.page_size)
        numbers = paginator.get_elided_page_range(self.page, on_each_side=2, on_ends=1)
        return [number if isinstance(number, int) else None for number in numbers]

    @property
    def found_text(self) -> str:
        """The total for the visitor: "188 products", "At least 200 products match"."""
        if not self.total:
            return gettext("No products found")
        if self.more:
            text = ngettext(
                "At least %(count)s product matches",
                "At least %(count)s products match",
                self.total,
            )
        else:
            text = ngettext("%(count)s product", "%(count)s products", self.total)
        return text % {"count": grouped(self.total)}

    @property
    def offer_text(self) -> str:
        """What a button says that shows them: "Show 188 products"."""
        if not self.total:
            return gettext("No products found")
        if self.more:
            text = ngettext(
                "Show %(count)s product or more",
                "Show %(count)s products or more",
                self.total,
            )
        else:
            text = ngettext(
                "Show %(count)s product", "Show %(count)s products", self.total
            )
        return text % {"count": grouped(self.total)}

    @property
    def total_text(self) -> str:
        """The total in words: "12", or "at least 200"."""
        return f"at least {self.total:,}" if self.more else f"{self.total:,}"
