"""The two ways of a product into a ranking: by its meaning, and by its words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from django.db.models import Count, Q, TextField, Value
from django.utils.translation import gettext as _

from products.embeddings import EmbeddingError
from products.insight.gates import (
    Condition,
    Gate,
    embedding_gate,
    every_word_gate,
    floor_gate,
    index_gate,
    rank_gate,
    word_gate,
    word_rank_gate,
)
from products.models import Product
from products.querysets import ProductQuerySet
from products.search import Mode
from products.search.evidence import Evidence, evidence_of
from products.search.nearest import WINDOW, Nearest, nearest_products
from products.search.query_vector import Vector
from products.search.question import Question
from products.search.rank import (
    KEYWORD_CANDIDATES,
    NEAREST_CANDIDATES,
    is_in_catalogue,
    matches_by_words,
    question_vector,
    terms_of,
    with_words,
)
from products.search.words import Term, evidence_words, has_every_word, match_terms


@dataclass(frozen=True)
class Ways:
    """The gates of a product on its ways into the ranking of a question."""

    product: Product
    question: Question

    @property
    def only(self) -> ProductQuerySet:
        """The product, as a queryset."""
        return Product.objects.using(self.question.using).filter(pk=self.product.pk)

    def all(self) -> Iterator[Iterator[Gate]]:
        """Yield the ways into the ranking; a product needs only one of them."""
        text, mode = bool(self.question.text), self.question.mode
        if not (text and mode is Mode.KEYWORD):
            yield self.by_meaning()
        if text and (mode is not Mode.SEMANTIC or self.vector is None):
            yield self.by_words()

    def by_meaning(self) -> Iterator[Gate]:
        """Yield the gates between a product and the nearest."""
        counts = self.only.embedding_states(self.question.fingerprint)
        yield from (embedding_gate(state) for state, count in counts.items() if count)
        if self.vector is None or self.near is None:
            text = _("The text could not be embedded: only words were looked for.")
            yield Gate(Condition.MODEL, False, text)
            return
        distance = self.evidence.distance
        if distance is None:
            return
        if not self.question.examples:
            yield self.match_gate(self.near)
            yield floor_gate(Condition.FLOOR, 1 - distance, self.near.floor.each)
        gate = self.exact_rank(distance, self.vector)
        yield gate
        if gate.passed:
            found = self.product.pk in self.near.rows
            yield index_gate(found=found, exact=self.near.plan.exact)

    def match_gate(self, near: Nearest) -> Gate:
        """Return the gate that is closed where no product is near enough."""
        nearest = (1 - (row.distance or 0.0) for row in near.rows.values())
        gate = floor_gate(Condition.MATCH, max(nearest, default=-1.0), near.floor.best)
        by_meaning = self.question.mode is Mode.SEMANTIC
        if not gate.passed and by_meaning and is_in_catalogue(self.question):
            text = _("Some product has every word of the text, so the nearest count.")
            return replace(gate, passed=True, says=text)
        return gate

    def by_words(self) -> Iterator[Gate]:
        """Yield the gates between a product and those with a word."""
        [match] = match_terms(self.terms, [self.evidence]).values()
        bits, words = self.evidence.bits, [term.word for term in self.terms]
        yield word_gate(words, [word for n, word in enumerate(words) if bits >> n & 1])
        if not match.words:
            return
        rows = with_words(self.question, self.terms, self.vector_text).rows
        yield word_rank_gate(found=self.product.pk in rows, window=KEYWORD_CANDIDATES)
        if self.near is not None:
            near = self.near if self.near.is_match else self.near.without_candidates()
            yield every_word_gate(
                passed=matches_by_words(self.evidence, self.terms, near),
                every=has_every_word(bits, self.terms),
            )

    def exact_rank(self, distance: float, vector: Vector) -> Gate:
        """Return the gate of the place among all that can be compared."""
        products = self.question.products().nearest_to(
            vector.tolist(), fingerprint=self.question.fingerprint, exact=True
        )
        nearer = Q(distance__lt=distance) | Q(distance=distance, pk__lt=self.product.pk)
        counts = products.order_by().aggregate(
            nearer=Count("pk", filter=nearer), every=Count("pk")
        )
        return rank_gate(1 + counts["nearer"], counts["every"], self.window)

    @property
    def window(self) -> int:
        """How many of the nearest the search looks at."""
        hybrid = self.question.text and self.question.mode is Mode.HYBRID
        return NEAREST_CANDIDATES if hybrid else WINDOW

    @cached_property
    def vector(self) -> Vector | None:
        """The vector of the question; None where it has none."""
        if self.question.text and self.question.mode is Mode.KEYWORD:
            return None
        try:
            vector, _ms = question_vector(self.question)
        except EmbeddingError:  # the search says so too, and looks for words
            return None
        return vector

    @property
    def vector_text(self) -> str | None:
        """The same as PostgreSQL writes it."""
        return None if self.vector is None else str(self.vector.tolist())

    @cached_property
    def near(self) -> Nearest | None:
        """What the search finds by meaning."""
        if self.vector_text is None:
            return None
        return nearest_products(
            self.question, self.vector_text, self.terms, size=self.window
        )

    @cached_property
    def terms(self) -> list[Term]:
        """The words of the text."""
        return terms_of(self.question) if self.question.text else []

    @cached_property
    def evidence(self) -> Evidence:
        """What speaks for the product."""
        [row] = evidence_of(
            self.only,
            evidence_words(self.terms),
            vector=Value(self.vector_text, output_field=TextField()),
            fingerprint=self.question.fingerprint,
        )
        return Evidence(*row)
