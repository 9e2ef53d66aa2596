"""Why a result is a result: which part of a text matters, what the index missed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from django.core.cache import cache
from django.db import router, transaction
from django.utils.translation import get_language, gettext as _

from products.embeddings.text import TEXT_FIELDS, embedding_text
from products.models import EmbeddingRecipe, Product
from products.quality.recall import NEIGHBOURS, ask
from products.querysets import ProductQuerySet
from products.recipes import available
from products.search import PAGE_SIZE, Mode, SearchError, Sort
from products.search.nearest import WINDOW, index_settings, look_up
from products.search.operators import read_operators
from products.search.query_vector import UnknownWords, Vector, text_vectors
from products.search.question import Question, clean_text
from products.search.rank import question_vector
from products.search.results import Plan
from products.sql.statements import limit_statements
from products.sql.watch import Scan, explained
from products.turns import Turns

TIMEOUT_SECONDS = 5

# A comparison may read every vector. One thread of a process does so and one waits.
TURNS = Turns(1, waiting=1)
WAIT_SECONDS = 2
KEPT_SECONDS = 60  # an answer, for those who ask the same


@dataclass(frozen=True)
class Part:
    """A field of a product's text, and the similarity of the text without it.

    similarity: None when nothing is left without the field. loss: how much of the
    similarity the field accounts for; negative when it stands in the way.
    """

    field: str
    similarity: float | None
    loss: float

    @property
    def contribution(self) -> float:
        """The loss as it is shown: two digits, and nothing has no sign."""
        return round(self.loss, 2) + 0.0  # -0.0 + 0.0 is 0.0


@dataclass(frozen=True)
class Bar:
    """A part drawn from a common line in the middle: to the right what helps.

    start, length: whole numbers, in percent of the width that all bars share.
    """

    part: Part
    start: int
    length: int


@dataclass(frozen=True)
class Parts:
    """The similarity of a product's whole text, and what each field does for it.

    parts: those that matter most come first.
    """

    similarity: float
    parts: list[Part]

    @property
    def best(self) -> Part | None:
        """The field that matters most, None where no field helps."""
        return next((part for part in self.parts if part.contribution > 0), None)

    @property
    def bars(self) -> list[Bar]:
        """A bar for each part; the longest to the right matters most."""
        losses = [part.contribution for part in self.parts]
        low, high = min([0.0, *losses]), max([0.0, *losses])
        width = (high - low) or 1.0
        return [
            Bar(
                part,
                round(100 * (min(loss, 0.0) - low) / width),
                round(100 * abs(loss) / width),
            )
            for part, loss in zip(self.parts, losses, strict=True)
        ]


@dataclass(frozen=True)
class Comparison:
    """The nearest products by the plan and by an exact scan, and how they agree.

    plan: the one by which the search gets its results; scan: how PostgreSQL read the
    products by it. recall: the share, 0 to 1, of the exact nearest that the plan found.
    missed: the exact nearest that it did not find. Times are in milliseconds.
    """

    plan: Plan
    scan: Scan
    recall: float
    compared: int
    missed: list[Product]
    plan_ms: float
    exact_ms: float


def make_question(asked: dict[str, Any], *, using: str | None = None) -> Question:
    """Return the question that search() makes of the same arguments.

    One statement reads the recipe in force.
    """
    text, operators = read_operators(clean_text(asked["text"]))
    checked = {
        "text": text,
        "operators": operators,
        "mode": Mode(asked["mode"]),
        "sort": Sort(asked["sort"]),
    }
    using = using or router.db_for_read(Product)
    return Question(
        **({"page_size": PAGE_SIZE} | asked | checked),
        backend=available(EmbeddingRecipe.objects.current(using)),
        using=using,
    )


@contextmanager
def bounded(*, using: str) -> Iterator[None]:
    """Do work that may read every vector: one thread at a time, for five seconds.

    Raises BusyError where others are at it; a statement that takes longer raises
    OperationalError.
    """
    with TURNS.taken(seconds=WAIT_SECONDS), transaction.atomic(using=using):
        limit_statements(TIMEOUT_SECONDS, using=using)
        yield


def require_question(question: Question) -> None:
    """Raise SearchError for a question that compares nothing by meaning."""
    if not question.text and not question.examples:
        raise SearchError(
            _("Ask for something first: a text, or a product to be like.")
        )


def parts_of(product: Product, asked: dict[str, Any]) -> Parts:
    """Return which part of the product's text its similarity to a question comes from.

    Each filled field is left out in turn and the rest is embedded: at most four short
    texts, once a day. Raises SearchError for a question without text and examples, or
    one whose recipe is not in force, EmbeddingError when the backend fails, EmbedderBusy
    when others have texts embedded.
    """
    question = make_question(asked)
    require_question(question)
    if question.fingerprint != question.backend.fingerprint:
        raise SearchError(
            _(
                "The examples cannot be compared with the text now: another model "
                "embedded them. Leave them out."
            )
        )
    vector, _ms = question_vector(question)
    whole = {field: getattr(product, field) for field in TEXT_FIELDS}
    texts = {"": embedding_text(**whole)} | {
        field: embedding_text(**(whole | {field: ""}))
        for field in TEXT_FIELDS
        if whole[field].strip()
    }
    filled = [text for text in texts.values() if text]
    embedded = {
        text: other @ vector
        for text, other in text_vectors(filled, question.backend, queries=False).items()
    }
    text = texts.pop("")
    if text not in embedded:
        raise UnknownWords(text)
    similarity = float(embedded[text])
    left = {field: embedded.get(text) for field, text in texts.items()}
    parts = [
        Part(field, None, similarity)
        if rest is None
        else Part(field, float(rest), similarity - float(rest))
        for field, rest in left.items()
    ]
    return Parts(similarity, sorted(parts, key=lambda part: -part.loss))


def compare_with_exact(asked: dict[str, Any]) -> Comparison:
    """Return how the ten nearest by the plan agree with those of an exact scan.

    Words play no part, nor does the floor below which nothing is a match. The exact
    scan reads every vector that passes the filters: 0.1 s for 100,000. The answer is
    kept for a minute. Raises SearchError for a question without text and examples,
    EmbeddingError when the text cannot be embedded, OperationalError when it takes more
    than five seconds, BusyError when others compare.
    """
    question = make_question(asked)
    require_question(question)
    key = key_of(question)
    kept: Comparison | None = cache.get(key)
    if kept is not None:
        return kept
    with bounded(using=question.using):
        # The thread that had the turn before may have compared the same.
        kept = cache.get(key)
        if kept is None:
            kept = compare(question)
            cache.set(key, kept, KEPT_SECONDS)
    return kept


def key_of(question: Question) -> str:
    """Return the key under which the cache keeps what a question's comparison gave."""
    asked = (
        get_language(),
        question.text,
        question.filters,
        [product.pk for product in question.like],
        [product.pk for product in question.unlike],
        question.fingerprint,
    )
    return f"comparison-{hashlib.sha256(repr(asked).encode()).hexdigest()}"


def compare(question: Question) -> Comparison:
    """Return what compare_with_exact() does, within its bounds."""
    vector, _ms = question_vector(question)
    by_nearness = partial(products_by_nearness, question, vector)
    with explained(using=question.using) as scans:
        plan = look_up(question, by_nearness, WINDOW + 1).plan
    with index_settings(plan, using=question.using):
        planned = ask([partial(nearest, question, vector, plan)])
    exact = ask([partial(nearest, question, vector, replace(plan, method="exact"))])
    [found], [true] = planned.found, exact.found
    return Comparison(
        plan=plan,
        scan=scans[-1],
        recall=planned.recall(exact),
        compared=len(true),
        missed=[product for product in true if product not in found],
        plan_ms=planned.milliseconds,
        exact_ms=exact.milliseconds,
    )


def products_by_nearness(
    question: Question, vector: Vector, plan: Plan
) -> ProductQuerySet:
    """Return all that can be compared with a vector, nearest first."""
    products = question.products().nearest_to(
        vector.tolist(),
        fingerprint=question.fingerprint,
        exact=plan.exact,
        ef_search=plan.ef_search,
    )
    return products.only("name")


def nearest(question: Question, vector: Vector, plan: Plan) -> list[Product]:
    """Return the ten nearest products.

    The query asks for as many as the search does: fewer would make another plan.
    """
    found = list(products_by_nearness(question, vector, plan)[: WINDOW + 1])
    found.sort(key=lambda product: (product.distance, product.pk))
    return found[:NEIGHBOURS]
