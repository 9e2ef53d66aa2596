"""Says in one plain sentence what a search did."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _, ngettext

from products.models import Product
from products.numbers import grouped, priced
from products.search import Filters, Results
from products.search.operators import Operators, read_operators
from products.search.question import clean_text
from products.sql.watch import Scan

MAX_NAMES = 3  # of examples and categories; more are counted


def summary(asked: dict[str, Any], results: Results, scan: Scan | None) -> str:
    """Return what a search did, as one sentence.

    asked: the arguments of search(). scan: how PostgreSQL looked the nearest up.
    """
    if asked["diversity"] and results.total > 1:
        text = _("VectorShop %(did)s, %(listed)s, and then varied their order.")
    else:
        text = _("VectorShop %(did)s and %(listed)s.")
    return text % {
        "did": what_was_done(asked, results, scan),
        "listed": what_was_listed(results),
    }


def what_was_done(asked: dict[str, Any], results: Results, scan: Scan | None) -> str:
    """Return the first half: what was read, and what it was compared with."""
    text, operators = read_operators(clean_text(asked["text"]))
    which = narrowed(asked["filters"], operators)
    match results.plan.method:
        case "listing":
            return _("read the products%(which)s") % {"which": which}
        case "keyword":
            return _("looked in the products%(which)s for your words") % {
                "which": which
            }
    target = compared_with(text, asked["like"], asked["unlike"], results.mode)
    values = {"which": which, "target": target}
    if scan is None or not scan.rows:
        return _("could compare no product%(which)s with %(target)s") % values
    if "embedding" in scan.index:
        text = _("had the index look up the products%(which)s nearest to %(target)s")
        return text % values
    text = ngettext(
        "compared the only product%(which)s with %(target)s",
        "compared all %(count)s products%(which)s with %(target)s",
        scan.rows,
    )
    return text % (values | {"count": grouped(scan.rows)})


def what_was_listed(results: Results) -> str:
    """Return the second half: how many were listed, why these, in which order."""
    count = results.total
    if not count:
        return _("found none to list")
    by_words = results.plan.method == "keyword"
    match "keyword" if by_words else results.mode:
        case "listing":
            text = ngettext("listed it", "listed %(count)s of them", count)
        case "keyword":
            text = ngettext(
                "listed the one that has any",
                "listed the %(count)s that have any, the best match first",
                count,
            )
        case "hybrid":
            text = ngettext(
                "listed the one that is near enough or has your words",
                "listed the %(count)s that are near enough or have your words, the "
                "best of both first",
                count,
            )
        case "similar":
            text = ngettext(
                "listed the nearest one",
                "listed the nearest %(count)s, the nearest first",
                count,
            )
        case _:
            text = ngettext(
                "listed the one that is near enough",
                "listed the %(count)s that are near enough, the nearest first",
                count,
            )
    listed = text % {"count": grouped(count)}
    if not results.more:
        return listed
    return _("%(listed)s; there may be more") % {"listed": listed}


def compared_with(
    text: str, like: tuple[Product, ...], unlike: tuple[Product, ...], mode: str
) -> str:
    """Return what the products were compared with, in words."""
    if not like and not unlike:
        return _("your words") if mode == "hybrid" else _("the meaning of your words")
    parts = [_("your words")] if text else []
    parts += [_("“%(name)s”") % {"name": names(like)}] if like else []
    parts += (
        [_("the opposite of “%(name)s”") % {"name": names(unlike)}] if unlike else []
    )
    return all_of(parts)


def narrowed(filters: Filters, operators: Operators) -> str:
    """Return which products were searched in, as it stands behind "products"."""
    low, high = filters.min_price, filters.max_price
    parts = []
    if filters.categories:
        categories = [name or _("no category") for name in filters.categories]
        parts.append(_("of %(categories)s") % {"categories": shortened(categories)})
    if low is not None and high is not None:
        prices = {"low": priced(low), "high": priced(high)}
        parts.append(_("from %(low)s to %(high)s") % prices)
    elif low is not None:
        parts.append(_("from %(low)s") % {"low": priced(low)})
    elif high is not None:
        parts.append(_("up to %(high)s") % {"high": priced(high)})
    parts += [_("with “%(phrase)s”") % {"phrase": text} for text in operators.phrases]
    unwanted = operators.without_phrases + operators.without_words
    parts += [_("without “%(phrase)s”") % {"phrase": text} for text in unwanted]
    return "".join(f" {part}" for part in parts)


def names(products: tuple[Product, ...]) -> str:
    """Return the names of some products, of many only the first."""
    return shortened([product.name for product in products])


def shortened(texts: list[str]) -> str:
    """Return some texts in a row, of many only the first."""
    if len(texts) <= MAX_NAMES:
        return all_of(texts)
    return _("%(first)s and %(count)s others") % {
        "first": ", ".join(texts[:MAX_NAMES]),
        "count": grouped(len(texts) - MAX_NAMES),
    }


def all_of(texts: list[str]) -> str:
    """Return texts in a row: "a, b and c"."""
    if len(texts) < 2:
        return "".join(texts)
    return _("%(first)s and %(last)s") % {
        "first": ", ".join(texts[:-1]),
        "last": texts[-1],
    }
