"""Completes a text while it is typed, and offers examples before anything is.

Nothing is embedded: half a word means nothing, and every key asks again.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice

from django.contrib.postgres.search import SearchQuery
from django.core.cache import cache

from products.models import Product
from products.name_words import NameWords
from products.plain_text import tidy
from products.querysets import DISPLAYED, ProductQuerySet
from products.search.facets import category_counts
from products.search.operators import read_operators
from products.search.question import MAX_TEXT, Filters
from products.sql.expressions import Matches
from products.sql.language import CatalogLanguage
from products.sql.words import Beginnings, OnlyWeight

MOST_QUERIES = 3
MOST_CATEGORIES = 4
MOST_PRODUCTS = 6
MOST_WORDS = 8

# A single letter begins a word of nearly every product, and finding those takes long.
SHORTEST = 2  # letters

# So many names are read; the best of them are shown.
SAMPLE = 100

# An English ending that a half typed word may have in part: the "ni" of "runni".
ENDING = 3  # letters
SHORTEST_STEM = 3  # letters

# What the words begin with that NameWords adds to those of a name.
OF_INDEX = "length"

EXAMPLES = 4
EXAMPLE_WORDS = 4
EXAMPLE_LENGTH = 40  # characters
EXAMPLE_SECONDS = 300

# Letters and digits, with marks inside: "usb-c", "women's".
WORD = re.compile(r"[^\W_]+(?:[-'’.][^\W_]+)*")

# The columns of a product that is offered: a long text is not shown.
OFFERED = tuple(name for name in DISPLAYED if name != "description")


@dataclass(frozen=True)
class Completions:
    """What a text may become: texts, categories with their sizes, and products."""

    queries: list[str] = field(default_factory=list)
    categories: list[tuple[str, int]] = field(default_factory=list)
    products: list[Product] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.queries) + len(self.categories) + len(self.products)


def completions(text: str) -> Completions:
    """Return at most 3 texts, 4 categories and 6 products for a half typed text.

    None for a text that is longer than a search takes, or that leaves words out or
    quotes them: it says exactly what is wanted. Up to three statements; in a large
    catalogue the one that counts categories runs every five minutes.
    """
    typed = typed_words(text)
    if not typed:
        return Completions()
    products = named_like(typed)
    return Completions(
        queries=[] if text[-1:].isspace() else longer_texts(typed, products),
        categories=[
            (name, count)
            for name, count in category_counts(Filters())
            if has_beginnings(name, typed)
        ][:MOST_CATEGORIES],
        products=products[:MOST_PRODUCTS],
    )


def typed_words(text: str) -> list[str]:
    """Return the words of a half typed text; none where nothing is to complete it."""
    if len(text) > MAX_TEXT or "\0" in text or read_operators(text)[1]:
        return []
    words = words_of(tidy(text))[:MOST_WORDS]
    return words if any(len(word) >= SHORTEST for word in words) else []


def words_of(text: str) -> list[str]:
    """Return the words of a text, in small letters."""
    return WORD.findall(text.casefold())


def has_beginnings(text: str, beginnings: Iterable[str]) -> bool:
    """Return whether each of the beginnings begins a word of the text."""
    words = words_of(text)
    return all(any(word.startswith(start) for word in words) for start in beginnings)


def named_like(typed: list[str]) -> list[Product]:
    """Return products whose names have words that begin like the typed ones.

    Names that begin so come first, then short ones. The database has the stems of
    words; where none begins like the last word, as with "runni", some letters fewer are
    looked up.
    """
    products = list(named_beginning(typed))
    stem = typed[-1][: max(SHORTEST_STEM, len(typed[-1]) - ENDING)]
    if not products and stem != typed[-1]:
        found = named_beginning([*typed[:-1], stem])
        products = [each for each in found if has_beginnings(each.name, typed[-1:])]
    return sorted(products, key=lambda product: place_in_list(product, typed))


def named_beginning(typed: list[str]) -> ProductQuerySet:
    """Return any 100 products with these beginnings of words in their names."""
    beginnings = Beginnings(" ".join(w for w in typed if len(w) >= SHORTEST))
    query = SearchQuery(beginnings, search_type="raw", config=CatalogLanguage())
    query |= SearchQuery(beginnings, search_type="raw", config="simple")
    named = Product.objects.filter(Matches(OnlyWeight("a"), query), search_vector=query)
    # The index on the names has "length 3" and the like besides their words.
    if not any(OF_INDEX.startswith(word) for word in typed):
        named = named.filter(Matches(NameWords(), query))
    # In no order, so that no more rows are read than are returned.
    return named.order_by().only(*OFFERED)[:SAMPLE]


def place_in_list(product: Product, typed: list[str]) -> tuple[bool, int, str, int]:
    name = product.name.casefold()
    return (not name.startswith(typed[0]), len(words_of(name)), name, product.pk)


def longer_texts(typed: list[str], products: Iterable[Product]) -> list[str]:
    """Return the typed text with its last word complete, in the likeliest ways.

    The words are those of the names that were found, the most frequent first.
    """
    *others, last = typed
    counts = Counter(
        word
        for product in products
        for word in {*words_of(product.name)}
        if word.startswith(last) and word != last
    )
    likeliest = sorted(counts, key=lambda word: (-counts[word], word))
    return [" ".join([*others, word]) for word in likeliest[:MOST_QUERIES]]


def examples(counts: Iterable[tuple[str, int]] | None = None) -> list[str]:
    """Return up to four texts to search for: names of products, one of a category.

    Of the largest categories, each its dearest product, which is rarely an accessory.
    counts: category_counts(), if they are there. One statement more, every five minutes.
    """
    made: list[str] | None = cache.get("search-examples")
    if made is None:
        counts = category_counts(Filters()) if counts is None else counts
        largest = [name for name, _ in islice(counts, EXAMPLES)]
        names = dearest_names(largest)
        made = [text for name in names if (text := beginning_of(name))]
        if made:
            cache.set("search-examples", made, EXAMPLE_SECONDS)
    return made


def beginning_of(name: str) -> str:
    """Return the first words of a name, as many as make a short text; "" for none."""
    words = name.split()[:EXAMPLE_WORDS]
    while words and len(" ".join(words)) > EXAMPLE_LENGTH:
        words.pop()
    return " ".join(words)


def dearest_names(categories: list[str]) -> list[str]:
    """Return the name of the dearest product of each category that has any."""
    if not categories:
        return []
    first, *others = (
        Product.objects.filter(category=category)
        .order_by("-price", "pk")
        .values_list("category", "name")[:1]
        for category in categories
    )
    # Django 6 sorts a union by Meta.ordering, for which these rows lack the columns.
    rows = first.union(*others, all=True).order_by() if others else first
    names = dict(rows)
    return [names[category] for category in categories if category in names]
