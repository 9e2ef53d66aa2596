"""What a list is narrowed to, and what it can be narrowed to."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

from django.utils.translation import gettext as _

from products.models import Product
from products.numbers import priced
from products.search import Filters, Mode

# A list of categories is read at a glance; all of them are a page of their own, as far
# as it stays small enough to send. The others are found by their name.
SHOWN = 12
MOST = 120

# So many categories are named one by one where they are active.
SINGLE = 5

# How many steps a slider has, roughly: one of its pixels is no use.
STEPS = 200


# Categories


class Category(NamedTuple):
    """A category to choose. products: None where it was not among those counted."""

    place: int
    name: str
    products: int | None
    chosen: bool


@dataclass(frozen=True)
class Categories:
    """Those that a page shows. total: how many there are, with *within* in their name."""

    shown: list[Category]
    total: int
    within: str = ""
    every: bool = False

    @property
    def are_many(self) -> bool:
        """Whether there are more than are read at a glance."""
        return self.total > SHOWN or bool(self.within)


def categories(
    counts: list[tuple[str, int]],
    chosen: Sequence[str] = (),
    *,
    within: str = "",
    every: bool = False,
) -> Categories:
    """Return the largest categories, and all that are chosen, to choose from.

    within: only those with this text in their name. every: all, up to 150.
    """
    numbered = list(enumerate(counts, start=1))
    text = within.strip().casefold()
    matching = [
        (place, (name, count))
        for place, (name, count) in numbered
        if not text or text in name.casefold()
    ]
    largest = matching[: MOST if every or text else SHOWN]
    named = {name for _place, (name, _count) in largest}
    others = [each for each in numbered if each[1][0] in {*chosen} - named]
    known = named | {name for _place, (name, _count) in others}
    shown = [
        Category(place, name, count, name in chosen)
        for place, (name, count) in largest + others
    ]
    shown += [Category(0, name, None, True) for name in chosen if name not in known]
    return Categories(shown, len(matching), within.strip(), every)


# Prices


class Slider(NamedTuple):
    """The ends and the step of the price slider, and the true lowest and highest."""

    start: Decimal
    end: Decimal
    step: Decimal
    low: Decimal
    high: Decimal


def price_slider(prices: tuple[Decimal, Decimal] | None) -> Slider | None:
    """Return a slider over these prices in round steps, None where all cost the same."""
    if prices is None or prices[0] == prices[1]:
        return None
    low, high = prices
    exponent = math.ceil(math.log10((high - low) / STEPS))
    step = Decimal(10) ** max(exponent, -2)
    start, end = math.floor(low / step) * step, math.ceil(high / step) * step
    return Slider(start, end, step, low, high)


# What is active


class Chip(NamedTuple):
    """Something that narrows the list. drop: the parameter that undoes it.

    kind: what it is, in words, where the text alone does not tell.
    """

    text: str
    drop: str
    kind: str = ""
    example: Product | None = None


def chips(question: dict[str, Any]) -> list[Chip]:
    """Return all that narrows a question besides its text, each to be taken away."""
    filters: Filters = question["filters"]
    found = category_chips(filters.categories)
    if filters.min_price is not None:
        text = _("from %(price)s") % {"price": priced(filters.min_price)}
        found.append(Chip(text, "min_price"))
    if filters.max_price is not None:
        text = _("up to %(price)s") % {"price": priced(filters.max_price)}
        found.append(Chip(text, "max_price"))
    if question["text"] and question["mode"] != Mode.HYBRID:
        found.append(Chip(str(Mode(question["mode"]).label), "mode", _("Search by")))
    for name, kind in (("like", _("like")), ("unlike", _("unlike"))):
        found += [
            Chip(example.name, f"{name}={example.pk}", kind, example)
            for example in question[name]
        ]
    return found


def category_chips(chosen: Sequence[str]) -> list[Chip]:
    """Return a chip for each category; for more than a few, one that is all of them.

    Each chip has an address with all the others in it.
    """
    if len(chosen) > SINGLE:
        return [Chip(_("%(count)s categories") % {"count": len(chosen)}, "category")]
    return [Chip(name or _("No category"), f"category={name}") for name in chosen]


def nothing_passes(filters: Filters) -> str:
    """Return the sentence for filters that no product passes, with what they ask for.

    At least one of categories and prices is asked for.
    """
    low, high = filters.min_price, filters.max_price
    asked = bool(filters.categories), low is not None, high is not None
    sentences = {
        (True, False, False): _("There is nothing in %(categories)s."),
        (True, True, False): _("Nothing in %(categories)s costs %(low)s or more."),
        (True, False, True): _("Nothing in %(categories)s costs %(high)s or less."),
        (True, True, True): _(
            "Nothing in %(categories)s costs from %(low)s to %(high)s."
        ),
        (False, True, False): _("Nothing costs %(low)s or more."),
        (False, False, True): _("Nothing costs %(high)s or less."),
        (False, True, True): _("Nothing costs from %(low)s to %(high)s."),
    }
    names = [chip.text for chip in category_chips(filters.categories)]
    return sentences[asked] % {
        "categories": f" {_('or')} ".join(names),
        "low": "" if low is None else priced(low),
        "high": "" if high is None else priced(high),
    }
