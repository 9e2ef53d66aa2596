"""What a change would do to the searches that people make, before it is made."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext, ngettext

from products.embeddings import BaseEmbeddingBackend
from products.models import EmbeddingRecipe
from products.numbers import grouped
from products.quality.future import as_it_is, with_second_model
from products.quality.judged import EvaluationError, read_queries
from products.search import search
from products.search.rank import EMBEDDER_FAILED
from products.search.synonym_entries import Entry, stored_entries
from products.search.synonyms import Thesaurus, stored, thesaurus
from products.search_log.frequent import frequent_queries

FIRST = 5  # products of a search that are compared
MOST_QUERIES = 200

Progress = Callable[[], object]


@dataclass(frozen=True)
class Found:
    """A product that a search finds."""

    sku: str
    name: str


@dataclass(frozen=True)
class ChangedSearch:
    """A search whose first five products change."""

    text: str
    before: list[Found]
    after: list[Found]

    @property
    def loses_all(self) -> bool:
        """Whether it found something and will find nothing."""
        return bool(self.before) and not self.after


@dataclass
class Impact:
    """Which of some searches change.

    frequent: whether they are the most frequent ones of the log, or else a file's.
    queries: how many there are; asked: how many were asked before the time was up.
    """

    queries: int
    frequent: bool
    asked: int = 0
    changed: list[ChangedSearch] = field(default_factory=list)

    @property
    def lost(self) -> int:
        """How many searches will find nothing that found something."""
        return sum(search.loses_all for search in self.changed)

    @property
    def sentence(self) -> str:
        """What changes, such as: The first five of 23 of your 200 … change."""
        numbers = {
            "changed": grouped(len(self.changed)),
            "asked": grouped(self.asked),
            "lost": grouped(self.lost),
        }
        if self.frequent:
            text = ngettext(
                "The first five of %(changed)s of your %(asked)s most frequent search "
                "change",
                "The first five of %(changed)s of your %(asked)s most frequent searches "
                "change",
                self.asked,
            )
        else:
            text = ngettext(
                "The first five of %(changed)s of the %(asked)s search change",
                "The first five of %(changed)s of the %(asked)s searches change",
                self.asked,
            )
        return (text + gettext("; %(lost)s will find nothing.")) % numbers

    @property
    def left_out(self) -> str:
        """How many searches were not looked at, for want of time, or ""."""
        if self.asked == self.queries:
            return ""
        text = gettext("Looked at %(asked)s of %(queries)s searches: the time was up.")
        return text % {"asked": grouped(self.asked), "queries": grouped(self.queries)}


@dataclass(frozen=True)
class Queries:
    """Texts that people search for, the most frequent first."""

    texts: Sequence[str]
    frequent: bool


def queries_of(path: Path | None, *, using: str) -> Queries:
    """Return the queries of a file, see read_queries(), or the log's most frequent 200.

    Raises EvaluationError where there are none.
    """
    if path:
        return Queries(list(dict.fromkeys(read_queries(path).values())), frequent=False)
    found = logged_queries(using)
    if found is None:
        raise EvaluationError(
            "The search log has no searches. Name a file of them with --queries, or set "
            "SEARCH_LOG=true and wait for visitors."
        )
    return found


def logged_queries(using: str) -> Queries | None:
    """Return the log's most frequent 200 queries, None without any; no statement then."""
    if not settings.SEARCH_LOG:
        return None
    texts = [query.text for query in frequent_queries(MOST_QUERIES, using=using)]
    return Queries(texts, frequent=True) if texts else None


# Changes


def impact_of_model(
    recipe: EmbeddingRecipe,
    queries: Queries,
    *,
    using: str,
    seconds: float,
    progress: Progress = lambda: None,
) -> Impact:
    """Return what changes when the second column is served.

    Raises EmbeddingError where this process cannot load one of the models.
    """
    served, second = recipe.embedder(), recipe.second_embedder()
    synonyms = stored(using)
    with as_it_is(using) as now, with_second_model(using) as then:
        return compare(
            queries,
            partial(first_found, using=now, embedder=served, synonyms=synonyms),
            partial(first_found, using=then, embedder=second, synonyms=synonyms),
            seconds=seconds,
            progress=progress,
        )


def impact_of_synonyms(
    new: Sequence[Entry],
    queries: Queries,
    *,
    gone: Collection[int] = (),
    using: str,
    seconds: float,
    progress: Progress = lambda: None,
) -> Impact:
    """Return what changes with new synonyms. gone: the ids of those that go."""
    before, rest = stored_entries(using), stored_entries(using, without=gone)
    backend = EmbeddingRecipe.objects.current(using).embedder()
    ask = partial(first_found, using=using, embedder=backend)
    return compare(
        queries,
        partial(ask, synonyms=thesaurus(before, using=using)),
        partial(ask, synonyms=thesaurus([*rest, *new], using=using)),
        seconds=seconds,
        progress=progress,
    )


def compare(
    queries: Queries,
    before: Callable[[str], list[Found]],
    after: Callable[[str], list[Found]],
    *,
    seconds: float,
    progress: Progress = lambda: None,
) -> Impact:
    """Return which queries change, of those there is time for."""
    impact = Impact(len(queries.texts), queries.frequent)
    end = time.monotonic() + seconds
    for text in queries.texts:
        if time.monotonic() > end:
            break
        change = ChangedSearch(text, before(text), after(text))
        if skus(change.before) != skus(change.after):
            impact.changed.append(change)
        impact.asked += 1
        progress()
    return impact


def skus(found: Sequence[Found]) -> list[str]:
    return [product.sku for product in found]


def first_found(
    text: str, *, using: str, embedder: BaseEmbeddingBackend, synonyms: Thesaurus
) -> list[Found]:
    """Return the first five products of a search.

    Raises EvaluationError when the text cannot be embedded: the search then answers by
    words alone.
    """
    results = search(
        text, page_size=FIRST, embedder=embedder, using=using, synonyms=synonyms
    )
    if results.notice == str(EMBEDDER_FAILED):
        raise EvaluationError(
            gettext("The query %(text)r: %(notice)s")
            % {"text": text, "notice": results.notice}
        )
    return [Found(hit.product.sku, hit.product.name) for hit in results]
