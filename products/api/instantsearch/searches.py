"""The searches of one POST: the same question is asked once."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property

from products.search import Filters, Results, Sort, search
from products.search.facets import Counts, category_counts, price_range


@dataclass(frozen=True)
class Asked:
    """A search of products, as a request asks for it."""

    text: str
    filters: Filters
    sort: Sort = Sort.RELEVANCE
    page: int = 1
    page_size: int = 1

    @property
    def in_any_category(self) -> Asked:
        """The question whose facets are those of this one."""
        filters = replace(self.filters, categories=())
        return Asked(self.text, filters)


@dataclass
class Searches:
    """What was searched for in one POST.

    A page of InstantSearch asks for the products that pass all filters, and again, for
    the counts of a facet, without the filters of that facet.
    """

    results: dict[Asked, Results] = field(default_factory=dict)
    counts: dict[Asked, Counts] = field(default_factory=dict)

    def find(self, asked: Asked) -> Results:
        """Return the page of results that answers a question. Raises SearchError."""
        if asked not in self.results:
            self.results[asked] = search(
                asked.text,
                asked.filters,
                sort=asked.sort,
                page=asked.page,
                page_size=asked.page_size,
            )
        return self.results[asked]

    def categories(self, asked: Asked) -> Counts:
        """Return the categories of what a question finds, as if it named none.

        The largest first. Counted from a ranking that is there, if one is.
        """
        whole = asked.in_any_category
        if whole not in self.counts:
            self.counts[whole] = (
                self.ranked(asked).facets
                if asked.text.strip()
                else category_counts(whole.filters)
            )
        return self.counts[whole]

    def counts_all(self, asked: Asked) -> bool:
        """Return whether categories() counts all that is found, not the best alone."""
        return not asked.text.strip() or not self.ranked(asked).more

    def ranked(self, asked: Asked) -> Results:
        """Return results with the facets of a question: some that are there, or new."""
        whole = asked.in_any_category
        for known, results in self.results.items():
            if known.in_any_category == whole and not known.filters.categories:
                return results
        return self.find(asked if asked in self.results else whole)

    @cached_property
    def prices(self) -> dict[str, float] | None:
        """The lowest and the highest price of the catalogue, None where it is empty."""
        found = price_range()
        return found and {"min": float(found[0]), "max": float(found[1])}
