"""What a product must pass to be found: each condition, with its figures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any

from django.db import models
from django.utils.formats import number_format
from django.utils.translation import gettext as _, gettext_lazy

from products.models import Product
from products.numbers import grouped, priced
from products.querysets import EmbeddingState
from products.search.operators import Operators
from products.search.question import Question, to_cents


class Condition(models.TextChoices):
    """What a gate looks at, in the order in which a product meets them."""

    EXAMPLE = "example", gettext_lazy("Examples are left out")
    CATEGORY = "category", gettext_lazy("Category")
    PRICE = "price", gettext_lazy("Price")
    EMBEDDED = "embedded", gettext_lazy("Embedded products only")
    PHRASE = "phrase", gettext_lazy("“Exact phrase”")
    WITHOUT = "without", gettext_lazy("-word")
    CORRECTED = "corrected", gettext_lazy("Corrected text")
    EMBEDDING = "embedding", gettext_lazy("Embedding")
    MODEL = "model", gettext_lazy("Meaning of the text")
    MATCH = "match", gettext_lazy("Anything near enough")
    FLOOR = "floor", gettext_lazy("Near enough")
    RANK = "rank", gettext_lazy("Place by meaning")
    INDEX = "index", gettext_lazy("Index")
    WORD = "word", gettext_lazy("A word in common")
    WORD_RANK = "word_rank", gettext_lazy("Place by words")
    EVERY_WORD = "every_word", gettext_lazy("Every word")
    DIVERSITY = "diversity", gettext_lazy("Variety")
    PAGE = "page", gettext_lazy("Page")


@dataclass(frozen=True)
class Gate:
    """One condition, and whether a product passed.

    says: what was found, as a sentence. figures: what the sentence counts, by name.
    """

    condition: Condition
    passed: bool
    says: str
    figures: dict[str, Any] = field(default_factory=dict)


def question_gates(question: Question, product: Product) -> Iterator[Gate]:
    """Yield the gates of what a question leaves out, whatever is compared then."""
    if question.examples:
        yield example_gate(question, product)
    filters = question.filters
    if filters.categories:
        passed = product.category in filters.categories
        name = product.category or _("no category")
        text = (
            _("Its category, %(category)s, was asked for.")
            if passed
            else _("Its category is %(category)s, and others were asked for.")
        )
        yield Gate(
            Condition.CATEGORY,
            passed,
            text % {"category": name},
            {"category": product.category},
        )
    if filters.min_price is not None or filters.max_price is not None:
        yield price_gate(question, product.price)
    if filters.embedded:
        passed = bool(product.embedding_fingerprint)
        text = _("It has an embedding.") if passed else _("It has no embedding.")
        yield Gate(Condition.EMBEDDED, passed, text)
    yield from operator_gates(question, product)


def example_gate(question: Question, product: Product) -> Gate:
    """Return the gate that no example passes."""
    if product in question.examples:
        text = _("It is one of the examples. They are compared with, and left out.")
        return Gate(Condition.EXAMPLE, False, text)
    return Gate(Condition.EXAMPLE, True, _("It is none of the examples."))


def price_gate(question: Question, price: Decimal) -> Gate:
    """Return the gate of the price range."""
    low = to_cents(question.filters.min_price, ROUND_CEILING)
    high = to_cents(question.filters.max_price, ROUND_FLOOR)
    if low is not None and price < low:
        text, bound = (
            _("It costs %(price)s, less than the lowest price, %(bound)s."),
            low,
        )
    elif high is not None and price > high:
        text, bound = (
            _("It costs %(price)s, more than the highest price, %(bound)s."),
            high,
        )
    else:
        text, bound = _("It costs %(price)s, which is in the range."), None
    values = {"price": priced(price)}
    figures = {"price": str(price)}
    if bound is not None:
        values["bound"] = priced(bound)
        figures["bound"] = str(bound)
    return Gate(Condition.PRICE, bound is None, text % values, figures)


def operator_gates(question: Question, product: Product) -> Iterator[Gate]:
    """Yield a gate for each phrase and each -word; a statement each."""
    one = Product.objects.using(question.using).filter(pk=product.pk)
    asked = question.operators
    for phrase in asked.phrases:
        passed = Operators(phrases=(phrase,)).narrow(one).exists()
        text = (
            _("Its text has “%(phrase)s”.")
            if passed
            else _(
                "Its text has no “%(phrase)s”, as it stands, in name or description."
            )
        )
        yield Gate(Condition.PHRASE, passed, text % {"phrase": phrase})
    unwanted = [(p, Operators(without_phrases=(p,))) for p in asked.without_phrases]
    unwanted += [(w, Operators(without_words=(w,))) for w in asked.without_words]
    for phrase, operator in unwanted:
        passed = operator.narrow(one).exists()
        text = (
            _("Its text has no “%(phrase)s”.")
            if passed
            else _("Its text has “%(phrase)s”, which was to be left out.")
        )
        yield Gate(Condition.WITHOUT, passed, text % {"phrase": phrase})


def embedding_gate(state: str) -> Gate:
    """Return the gate that a product passes which a search can compare."""
    match state:
        case EmbeddingState.FRESH:
            text = _("Its embedding is that of its text.")
        case EmbeddingState.STALE:
            text = _(
                "Its embedding is that of an older text: it is compared, but by what "
                "the text was."
            )
        case EmbeddingState.OTHER_RECIPE:
            text = _("Another model embedded it: its vector cannot be compared.")
        case EmbeddingState.UNKNOWN:
            text = _("The model knows no word of its text, so it has no embedding.")
        case _:
            text = _("It has no embedding yet.")
    passed = state in (EmbeddingState.FRESH, EmbeddingState.STALE)
    return Gate(Condition.EMBEDDING, passed, text, {"state": str(state)})


def rank_gate(place: int, count: int, window: int) -> Gate:
    """Return the gate of the place that an exact comparison gives a product."""
    passed = place <= window
    text = (
        _(
            "By meaning it has place %(place)s of %(count)s; the nearest %(window)s are "
            "looked at."
        )
        if passed
        else _(
            "By meaning it has place %(place)s of %(count)s; only the nearest "
            "%(window)s are looked at."
        )
    )
    figures = {"place": place, "count": count, "window": window}
    shown = {name: grouped(number) for name, number in figures.items()}
    return Gate(Condition.RANK, passed, text % shown, figures)


def index_gate(*, found: bool, exact: bool) -> Gate:
    """Return the gate of the look-up, which an index may pass a near product by."""
    if exact:
        text = _("Every product that passes the filters was compared.")
    elif found:
        text = _("The look-up found it.")
    else:
        text = _(
            "The index missed it. An exact comparison finds it: a larger ef_search may."
        )
    return Gate(Condition.INDEX, found, text)


def floor_gate(condition: Condition, similarity: float, floor: float) -> Gate:
    """Return the gate of a similarity, of the product or of the nearest of all."""
    passed = similarity >= floor
    figures = {
        "similarity": round(similarity, 4),
        "floor": round(floor, 4),
        "missing": round(max(floor - similarity, 0.0), 4),
    }
    if condition == Condition.MATCH:
        text = (
            _("The nearest product has a similarity of %(similarity)s: near enough.")
            if passed
            else _(
                "The nearest product has a similarity of %(similarity)s and needs "
                "%(floor)s, so nothing is listed for its meaning."
            )
        )
    else:
        text = (
            _("Its similarity, %(similarity)s, reaches the floor of %(floor)s.")
            if passed
            else _(
                "Its similarity is %(similarity)s, and a match needs %(floor)s: "
                "%(missing)s are missing."
            )
        )
    shown = {name: decimal(number) for name, number in figures.items()}
    return Gate(condition, passed, text % shown, figures)


def word_gate(asked: Sequence[str], found: Sequence[str]) -> Gate:
    """Return the gate that a product passes which has a word of the text."""
    figures = {"asked": list(asked), "found": list(found)}
    if found:
        text = _("It has %(words)s.") % {"words": quoted(found)}
    elif asked:
        text = _("It has none of the words: %(words)s.") % {"words": quoted(asked)}
    else:
        text = _("The text has no word to look for.")
    return Gate(Condition.WORD, bool(found), text, figures)


def word_rank_gate(*, found: bool, window: int) -> Gate:
    """Return the gate of the products that are looked at for their words."""
    text = (
        _("It is among the %(window)s products that are looked at for their words.")
        if found
        else _(
            "Other products have more of the words: only the first %(window)s count."
        )
    )
    shown = text % {"window": grouped(window)}
    return Gate(Condition.WORD_RANK, found, shown, {"window": window})


def every_word_gate(*, passed: bool, every: bool) -> Gate:
    """Return the gate of a hybrid search for products with only some of the words."""
    if every:
        text = _("It has every word of the text.")
    elif passed:
        text = _("It lacks a word of the text, but is near enough.")
    else:
        text = _("It lacks a word of the text, and is not near enough either.")
    return Gate(Condition.EVERY_WORD, passed, text)


def quoted(words: Sequence[str]) -> str:
    """Return words in quotation marks, in a row."""
    return ", ".join(_("“%(name)s”") % {"name": word} for word in words)


def decimal(number: float) -> str:
    """Return a number of four digits as the language writes it."""
    return number_format(number, 4)
