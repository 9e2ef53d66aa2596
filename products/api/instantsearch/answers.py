"""Answers requests of InstantSearch with what the shop's search finds."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from products.api.instantsearch.asked import (
    MOST_HITS,
    InstantParams,
    InstantRequest,
)
from products.api.instantsearch.filters import CATEGORY, PRICE, filters_of
from products.api.instantsearch.marks import SNIPPET_WORDS, Tags, highlighted, snippet
from products.api.instantsearch.searches import Asked, Searches
from products.api.schemas import Product
from products.search import Results, SearchError, Sort
from products.search.facets import Counts
from products.search.question import member_of
from products.search.results import Hit
from products.templating.marking import folded

INDEX = "products"
FACETS = (CATEGORY, PRICE)
MARKED = ("name", "category", "description")

Write = Callable[[Hit], Product]
Note = Callable[[Asked, Results], object]


def answer_all(
    requests: Sequence[InstantRequest], write: Write, note: Note
) -> list[dict[str, Any]]:
    """Return the answers to the requests of one POST, in their order.

    write: makes what is shown of a product. note: is called with each search whose
    products are shown, unless its request says `analytics: false`, as InstantSearch does
    of those that it sends for the counts of facets. Requests without a category come first: what
    they rank gives the counts of the others. Raises SearchError.
    """
    check_hits(requests)
    searches = Searches()
    answers: dict[int, dict[str, Any]] = {}
    parsed = [(place, request, read(request)) for place, request in enumerate(requests)]
    for place, request, asked in sorted(parsed, key=is_narrowed):
        started = time.perf_counter()
        if request.facet_searched:
            answer = facet_values(request, asked, searches)
        else:
            answer = page_of(request, asked, searches, write, note)
        milliseconds = round((time.perf_counter() - started) * 1000)
        answers[place] = answer | {"processingTimeMS": milliseconds}
    return [answers[place] for place in range(len(requests))]


def check_hits(requests: Sequence[InstantRequest]) -> None:
    """Raise SearchError where the requests ask for too many products together."""
    asked = sum(
        request.params.hits_per_page
        for request in requests
        if not request.facet_searched
    )
    if asked > MOST_HITS:
        raise SearchError(
            f"The requests ask for {asked:,} hits together, and {MOST_HITS} is the most. "
            "Ask with a smaller hitsPerPage, or with fewer requests."
        )


def is_narrowed(parsed: tuple[int, InstantRequest, Asked | None]) -> bool:
    """Return whether a request names a category, or is one for values of a facet."""
    _, request, asked = parsed
    return bool(request.facet_searched or (asked and asked.filters.categories))


def read(request: InstantRequest) -> Asked | None:
    """Return what a request asks, None where no product can pass its filters."""
    if request.type not in ("default", "facet"):
        raise SearchError(
            f"There is no type {request.type[:40]!r}. Use default or facet."
        )
    params, sort = request.params, sort_of(request.index_name)
    filters = filters_of(params)
    if filters is None:
        return None
    return Asked(
        params.query, filters, sort, params.page + 1, max(1, params.hits_per_page)
    )


def sort_of(index: str) -> Sort:
    """Return the order that the name of an index stands for."""
    name, colon, sort = index.partition(":")
    if name != INDEX:
        raise SearchError(
            f"There is no index {index[:40]!r}. Use {INDEX}, or {INDEX}:price for the "
            "lowest price first."
        )
    return member_of(Sort, sort, "order") if colon else Sort.RELEVANCE


# Products


def page_of(
    request: InstantRequest,
    asked: Asked | None,
    searches: Searches,
    write: Write,
    note: Note,
) -> dict[str, Any]:
    """Return a page of products, and the facets that were asked for."""
    params = request.params
    results = searches.find(asked) if asked else None
    size, total = params.hits_per_page, results.total if results else 0
    shown: Sequence[Hit] = ()
    # A page after the last one would be the last one again.
    if asked and results and size and results.page == asked.page:
        shown = results.hits
        if params.analytics:
            note(asked, results)
    exhaustive = not (results and results.more)
    tags = Tags.of(params)
    return {
        "index": request.index_name,
        "query": params.query,
        "hits": [hit_out(hit, write(hit), params, tags) for hit in shown],
        "nbHits": total,
        "page": params.page,
        "nbPages": -(-total // size) if size else 0,
        "hitsPerPage": size,
        "exhaustiveNbHits": exhaustive,
        "exhaustiveFacetsCount": exhaustive,
        "userData": remarks(results) if results else [],
        **facets(params, asked, searches, results),
    }


def remarks(results: Results) -> list[dict[str, str]]:
    """Return what the visitor should know: another text was searched for, or by words."""
    told = {
        "corrected": results.corrected,
        "suggested": results.suggested,
        "notice": results.notice,
    }
    known = {name: text for name, text in told.items() if text}
    return [known] if known else []


def hit_out(
    hit: Hit, product: Product, params: InstantParams, tags: Tags
) -> dict[str, Any]:
    """Return a product with its texts marked."""
    fields = product.model_dump()
    words = list({folded(word): word for word in hit.words}.values())
    return fields | {
        "objectID": product.sku,
        "price": float(product.price),
        "_highlightResult": {
            name: highlighted(fields[name], words, tags) for name in MARKED
        },
        "_snippetResult": {
            name: snippet(fields[name], words, tags, size)
            for name, size in snippets(params.attributes_to_snippet).items()
        },
    }


def snippets(attributes: Sequence[str]) -> dict[str, int]:
    """Return the attributes to cut, each once, with how many words are wanted."""
    found = {}
    for attribute in attributes:
        name, _, size = attribute.partition(":")
        if name in MARKED:
            words = int(size) if size.isdecimal() and len(size) < 5 else SNIPPET_WORDS
            found[name] = words
    return found


# Facets


def facets(
    params: InstantParams,
    asked: Asked | None,
    searches: Searches,
    results: Results | None,
) -> dict[str, Any]:
    """Return the values of the facets that were asked for, and the range of prices.

    The range is that of the catalogue, as on the shop's own pages: a slider whose ends
    move with each letter typed cannot be used.
    """
    wanted = FACETS if "*" in params.facets else params.facets
    counts: dict[str, dict[str, int]] = {}
    stats: dict[str, dict[str, float]] = {}
    if CATEGORY in wanted and asked and results:
        found = passing(asked, searches, results)
        counts[CATEGORY] = dict(found[: params.max_values_per_facet])
    elif CATEGORY in wanted:
        counts[CATEGORY] = {}
    if PRICE in wanted:
        counts[PRICE] = {}
        if searches.prices:
            stats[PRICE] = searches.prices
    return {"facets": counts, "facets_stats": stats}


def passing(asked: Asked, searches: Searches, results: Results) -> Counts:
    """Return the counts of the categories that pass the request's own filters."""
    chosen = asked.filters.categories
    if len(chosen) == 1:
        return [(chosen[0], results.total)] if results.total else []
    counted = searches.categories(asked)
    return [each for each in counted if not chosen or each[0] in chosen]


def facet_values(
    request: InstantRequest, asked: Asked | None, searches: Searches
) -> dict[str, Any]:
    """Return the categories with a text in their name, of the products that are found."""
    params = request.params
    if request.facet_searched != CATEGORY:
        raise SearchError(
            f"The facet {request.facet_searched[:40]!r} has no values to search. Use "
            f"{CATEGORY}."
        )
    text = folded(params.facet_query.strip())
    counted = searches.categories(asked) if asked else []
    matching = [(name, count) for name, count in counted if text in folded(name)]
    tags = Tags.of(params)
    return {
        "facetHits": [
            {
                "value": name,
                "highlighted": marked_part(name, text, tags),
                "count": count,
            }
            for name, count in matching[: params.max_facet_hits]
        ],
        "exhaustiveFacetsCount": asked is None or searches.counts_all(asked),
    }


def marked_part(name: str, part: str, tags: Tags) -> str:
    """Return a name with the tags around the first place of a part, given folded."""
    start = folded(name).index(part)
    end = start + len(part)
    before, found, after = name[:start], name[start:end], name[end:]
    if not part:
        return tags.escaped(name)
    return (
        f"{tags.escaped(before)}{tags.before}{tags.escaped(found)}{tags.after}"
        f"{tags.escaped(after)}"
    )
