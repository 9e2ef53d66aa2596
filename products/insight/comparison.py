"""Why a result is a result: which part of a text matters, what the index missed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.utils.translation import gettext as _
from psycopg import sql

from products.embeddings.text import TEXT_FIELDS, embedding_text
from products.models import Product
from products.quality.recall import NEIGHBOURS, ask
from products.recipes import available, current_recipe
from products.search.answer import PAGE_SIZE
from products.search.candidates import WINDOW, filtered_products, set_plan
from products.search.filters import SearchError
from products.search.nearest import Plan, index_settings
from products.search.query_vector import Vector
from products.search.question import Mode, Request, Sort, clean_text
from products.search.rank import question_vector

TIMEOUT_MILLISECONDS = 5_000


@dataclass(frozen=True)
class Part:
    """A field of a product's text, and the similarity of the text without it.

    similarity: None when nothing is left without the field. loss: how much of the
    similarity the field accounts for; negative when it stands in the way.
    """

    field: str
    similarity: float | None
    loss: float


@dataclass(frozen=True)
class Parts:
    """The similarity of a product's whole text, and what each field does for it."""

    similarity: float
    parts: list[Part]

    @property
    def best(self) -> Part:
        """The field that matters most."""
        return max(self.parts, key=lambda part: part.loss)


@dataclass(frozen=True)
class Comparison:
    """The nearest products by the plan and by an exact scan, and how they agree.

    recall: the share, 0 to 1, of the exact nearest that the plan found. missed: those
    that it did not. Times are in milliseconds.
    """

    plan: Plan
    recall: float
    compared: int
    missed: list[Product]
    plan_ms: float
    exact_ms: float


def make_request(question: dict[str, Any]) -> Request:
    """Return the request that search() makes of the same arguments.

    By the recipe in force, which one statement reads.
    """
    checked = {
        "text": clean_text(question["text"]),
        "mode": Mode(question["mode"]),
        "sort": Sort(question["sort"]),
    }
    return Request(
        **(question | checked),
        page_size=PAGE_SIZE,
        backend=available(current_recipe(DEFAULT_DB_ALIAS)),
        using=DEFAULT_DB_ALIAS,
    )


def require_question(request: Request) -> None:
    """Raise SearchError for a request that compares nothing by meaning."""
    if not request.text and not request.examples:
        raise SearchError(
            _("Ask for something first: a text, or a product to be like.")
        )


def parts_of(product: Product, question: dict[str, Any]) -> Parts:
    """Return which part of the product's text its similarity to a question comes from.

    Each filled field is left out in turn and the rest embedded anew. Up to four short
    texts are embedded. Raises SearchError for a question without text and examples or
    of another recipe than the one in force, EmbeddingError when the backend fails.
    """
    request = make_request(question)
    require_question(request)
    if request.fingerprint != request.backend.fingerprint:
        raise SearchError(
            _(
                "The examples were embedded by another model than the one in force. "
                "Run manage.py embed_products."
            )
        )
    vector = question_vector(request, Plan("parts", "the parts of a text are compared"))
    whole = {field: getattr(product, field) for field in TEXT_FIELDS}
    texts = {"": embedding_text(**whole)} | {
        field: embedding_text(**(whole | {field: ""}))
        for field in TEXT_FIELDS
        if whole[field].strip()
    }
    filled = [text for text in texts.values() if text]
    embedded = dict(zip(filled, request.backend.embed(filled) @ vector, strict=True))
    similarity = float(embedded[texts.pop("")])
    left = {field: embedded.get(text) for field, text in texts.items()}
    return Parts(
        similarity,
        [
            Part(field, None, similarity)
            if rest is None
            else Part(field, float(rest), similarity - float(rest))
            for field, rest in left.items()
        ],
    )


def compare_with_exact(question: dict[str, Any]) -> Comparison:
    """Return how the ten nearest by the plan agree with those of an exact scan.

    Words play no part, nor does the floor below which nothing is a match. The exact
    scan reads every vector that passes the filters: 0.1 s for 100,000. Raises
    SearchError for a question without text and examples, EmbeddingError when the
    text cannot be embedded, OperationalError when it takes more than five seconds.
    """
    request = make_request(question)
    require_question(request)
    plan = Plan("", "")
    with transaction.atomic(using=request.using):
        with connections[request.using].cursor() as cursor:
            cursor.execute(
                sql.SQL("SET LOCAL statement_timeout = {}")
                .format(TIMEOUT_MILLISECONDS)
                .as_string(cursor.connection)
            )
        vector = question_vector(request, plan)
        set_plan(request, plan, limit=WINDOW + 1)
        with index_settings(plan, using=request.using):
            planned = ask([partial(nearest, request, vector, exact=plan.exact)])
        exact = ask([partial(nearest, request, vector, exact=True)])
    [found], [true] = planned.found, exact.found
    return Comparison(
        plan=plan,
        recall=planned.recall(exact),
        compared=len(true),
        missed=[product for product in true if product not in found],
        plan_ms=planned.milliseconds,
        exact_ms=exact.milliseconds,
    )


def nearest(request: Request, vector: Vector, *, exact: bool) -> list[Product]:
    """Return the ten nearest products.

    As many are asked for as the search asks for: fewer would make another plan.
    """
    products = filtered_products(request).nearest_to(
        vector.tolist(), fingerprint=request.fingerprint, exact=exact
    )
    found = list(products.only("name")[: WINDOW + 1])
    found.sort(key=lambda product: (product.distance, product.pk))
    return found[:NEIGHBOURS]
