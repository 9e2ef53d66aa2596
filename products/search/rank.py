"""Ranks the products that answer a text, examples, or both."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from django.db.models import Case, When
from django.utils.translation import gettext as _, gettext_lazy

from products.embeddings import EmbeddingError
from products.models import DIMENSIONS, Product
from products.querysets import ProductQuerySet
from products.search.evidence import Evidence
from products.search.nearest import WINDOW, Nearest, nearest_products
from products.search.query_vector import (
    EmbedderBusy,
    UnknownWords,
    Vector,
    embedded_part,
    example_vector,
    query_vector,
)
from products.search.question import Mode, Question, SearchError
from products.search.results import Candidate, Log, Plan
from products.search.scores import (
    NO_REWARD,
    Weights,
    hybrid_scores,
    maximal_marginal_relevance,
    ranks,
    rewards,
    sort_stably,
)
from products.search.steps import Step
from products.search.synonyms import with_synonyms
from products.search.word_matches import WordMatches, WordSearch
from products.search.words import (
    Match,
    Term,
    has_every_word,
    match_terms,
    query_terms,
    trust_in_words,
)
from products.sql.expressions import Text
from products.sql.prepared import Given, Prepared
from products.sql.watch import named

logger = logging.getLogger(__name__)

# How many products a hybrid search looks at more closely: those nearest to the text, and
# those with a word of it. More of them change no judged measure by more than its noise,
# and take their time (docs/performance.md).
NEAREST_CANDIDATES = 50
KEYWORD_CANDIDATES = 250

# How many products one question ranks, and so the most that can be paged through.
RANKED = NEAREST_CANDIDATES + KEYWORD_CANDIDATES

EMBEDDER_FAILED = gettext_lazy(
    "Searching by meaning is not possible just now: these match the words."
)

UNKNOWN_WORDS = gettext_lazy(
    "The search by meaning does not know these words: what follows has them in its text."
)


@dataclass(frozen=True)
class Ranking:
    """Candidates, best first, and how they were found.

    more: there are others that were not ranked. log: without the statements, which
    whoever asked records. notice: what the visitor should know, or "". unknown_words:
    whether the words were read, and no product has one of them. near: what the
    search by meaning looked up, None where only words were searched for.
    """

    candidates: list[Candidate]
    plan: Plan
    more: bool = False
    log: Log = field(default_factory=Log)
    notice: str = ""
    unknown_words: bool = False
    near: Nearest | None = None

    def cut(self, size: int) -> Ranking:
        """Return the best *size* of them."""
        if len(self.candidates) <= size:
            return self
        return replace(self, candidates=self.candidates[:size], more=True)


# The hybrid search: by_both() takes the first five steps, rank() the last three.


def rank(question: Question) -> Ranking:
    """Return the ranking of a question."""
    ranking = find(question)
    # 6. Vary the first 200, as far as the question asks for variety.
    ranking = diversified(question, ranking)
    # 7. Put the product whose sku is the text first.
    ranking = exact_first(question, ranking)
    # 8. Cut what nobody can page to.
    return ranking.cut(RANKED)


def by_both(question: Question, vector: str) -> Ranking:
    """Return the products near the vector or with a word of the text.

    Each is scored by both, whichever search found it.
    """
    found = evidence_by_both(question, vector)
    # 5. Add up what speaks for each.
    return Ranking(
        scored(found, found.near.weights),
        found.near.plan,
        more=found.more,
        log=found.log,
        unknown_words=found.unknown_words,
        near=found.near,
    )


@dataclass(frozen=True)
class Found:
    """What both searches found: matches by words, and the nearest, of the same rows.

    more, log, unknown_words: see Ranking.
    """

    rows: dict[int, Evidence]
    near: Nearest
    matches: dict[int, Match]
    more: bool
    log: Log
    unknown_words: bool


def evidence_by_both(question: Question, vector: str) -> Found:
    """Return what speaks for the products near the vector or with a word of the text."""
    # 1. Read the words of the text with their synonyms, and how common each is.
    terms = terms_of(question)
    # 2. Choose up to 250 products with a word.
    words = with_words(question, terms, vector)
    # 3. Look the 50 nearest products up.
    near = nearest_products(question, vector, terms, size=NEAREST_CANDIDATES)
    log = Log(rows=ranked_by_both(near, words), words=words.rules)
    if not near.is_match:
        near = near.without_candidates()
    # 4. Read what both statements found of each product that is a match.
    having = {
        pk: row for pk, row in words.rows.items() if matches_by_words(row, terms, near)
    }
    rows = having | {
        candidate.pk: near.rows[candidate.pk] for candidate in near.candidates
    }
    matches = match_terms(terms, rows.values())
    more = near.more or words.more
    unknown_words = not all(term.count for term in terms)
    return Found(rows, near, matches, more, log, unknown_words)


def matches_by_words(row: Evidence, terms: Sequence[Term], near: Nearest) -> bool:
    """Return whether a product with words of the text is a match.

    One with only part of them must also be near enough to the text, and the text
    answered by some product: "visa application form" would find each form there is. A
    product that has no distance is not left out.
    """
    if has_every_word(row.bits, terms) or row.distance is None:
        return True
    return bool(near.candidates) and 1 - row.distance >= near.floor.each


def ranked_by_both(near: Nearest, words: WordMatches) -> int:
    """Return how many products were ranked by meaning, by words or by both."""
    if near.plan.exact:  # which compared every product that has a distance
        compared = {pk for pk, row in words.rows.items() if row.distance is not None}
    else:
        compared = set(near.rows)
    return near.compared + len(words.rows.keys() - compared)


def find(question: Question) -> Ranking:
    """Return the ranking by the mode asked for; by words where the model has no answer."""
    if question.text and question.mode is Mode.KEYWORD:
        return by_words(question, _("words were asked for"))
    try:
        vector, embedding_ms = question_vector(question)
    except UnknownWords:
        ranking = by_words(question, _("the model knows no word of the text"))
        return replace(ranking, notice=str(UNKNOWN_WORDS))
    except EmbeddingError as err:
        # Under load, a traceback for each query would be load itself.
        log = logger.warning if isinstance(err, EmbedderBusy) else logger.exception
        log("A query could not be embedded; keyword results are served: %s", err)
        ranking = by_words(question, _("the text could not be embedded"))
        return replace(ranking, notice=str(EMBEDDER_FAILED))
    search = by_both if question.text and question.mode is Mode.HYBRID else by_meaning
    ranking = search(question, str(vector.tolist()))
    return replace(ranking, log=replace(ranking.log, embedding_ms=embedding_ms))


# By meaning


def by_meaning(question: Question, vector: str) -> Ranking:
    """Return the products nearest to a vector.

    None where the nearest is no match, unless its words say that the catalogue has what
    is asked for: names that the model does not know are near to nothing.
    """
    near = nearest_products(question, vector)
    if near.candidates and not near.is_match and not is_in_catalogue(question):
        near = near.without_candidates()
    return Ranking(
        near.candidates,
        near.plan,
        more=near.more,
        log=Log(rows=near.compared),
        near=near,
    )


@named(Step.WITH_WORD)
def is_in_catalogue(question: Question) -> bool:
    """Return whether a product has every word of the text."""
    words = [term.quoted for term in terms_of(question)]
    return question.products().matching(words, every=True).exists()


@named(Step.EXAMPLES)
def question_vector(question: Question) -> tuple[Vector, float]:
    """Return the vector that the products are compared with: float32, of length 1.

    Also how many milliseconds the embedding of the text took. Raises EmbeddingError
    when the text cannot be embedded, SearchError for examples that cannot be compared.
    """
    started = time.perf_counter()
    text = None
    if question.text:
        text = query_vector(embedded_part(question.text), question.backend)
    embedding_ms = (time.perf_counter() - started) * 1000
    if text is not None and not question.examples:
        return text, embedding_ms
    vector = example_vector(
        question.like, question.unlike, text=text, using=question.using
    )
    if text is not None and question.fingerprint != question.backend.fingerprint:
        raise SearchError(
            _(
                "The examples cannot be compared with a text: another model embedded "
                "them. Search without a text, or without the examples."
            )
        )
    return vector, embedding_ms


# By words


def by_words(question: Question, reason: str) -> Ranking:
    """Return the products with any word of the text, best first."""
    terms = terms_of(question)
    words = with_words(question, terms)
    matches = match_terms(terms, words.rows.values())
    keyword_ranks = ranks({pk: match.score for pk, match in matches.items()})
    candidates = [
        Candidate(
            pk,
            words.rows[pk].category,
            matches[pk].score,
            keyword_rank=rank,
            words=matches[pk].words,
        )
        for pk, rank in keyword_ranks.items()
    ]
    return Ranking(
        candidates,
        Plan("keyword", reason),
        more=words.more,
        log=Log(rows=len(words.rows), words=words.rules),
        unknown_words=not all(term.count for term in terms),
    )


@named(Step.WORDS)
def terms_of(question: Question) -> list[Term]:
    """Return the words of the text, with their synonyms."""
    terms = query_terms(question.text, using=question.using)
    return with_synonyms(terms, question.synonyms, using=question.using)


@named(Step.WITH_WORD)
def with_words(
    question: Question, terms: Sequence[Term], vector: str | None = None
) -> WordMatches:
    """Return the products to rank for their words, compared with a vector as well."""
    return WordSearch(
        question.products(),
        terms,
        KEYWORD_CANDIDATES,
        filtered=question.is_narrowed,
        vector=vector,
        fingerprint=question.fingerprint,
    ).best()


# By both


def scored(found: Found, weights: Weights) -> list[Candidate]:
    """Return the candidates with their hybrid score, best first."""
    rows, near, matches = found.rows, found.near.candidates, found.matches
    semantic_ranks = {candidate.pk: candidate.semantic_rank for candidate in near}
    similarity = {
        pk: 1 - row.distance for pk, row in rows.items() if row.distance is not None
    } | {candidate.pk: candidate.score for candidate in near}
    keyword = {pk: match.score for pk, match in matches.items() if match.words}
    keyword_ranks = ranks(keyword)
    rewarded = rewards(
        keyword,
        keyword_ranks,
        weights=weights,
        trust=trust_in_words(matches.values()),
    )
    # Without an embedding there is no similarity: as far as a product can be.
    scores = hybrid_scores({pk: similarity.get(pk, 0.0) for pk in rows}, rewarded)
    return [
        Candidate(
            pk,
            rows[pk].category,
            scores[pk],
            similarity.get(pk),
            semantic_ranks.get(pk),
            keyword_ranks.get(pk),
            matches[pk].words,
            reward=rewarded.get(pk, NO_REWARD),
        )
        for pk in sort_stably(scores, score=scores.__getitem__)
    ]


# What comes after


@named(Step.VARIETY)
def diversified(question: Question, ranking: Ranking) -> Ranking:
    """Return the same candidates, the first 200 varied as far as is asked for."""
    if not question.diversity or not ranking.candidates:
        return ranking
    import numpy as np

    first, rest = ranking.candidates[:WINDOW], ranking.candidates[WINDOW:]
    pks = [candidate.pk for candidate in first]
    stored: dict[int, Any] = dict(
        Product.objects.using(question.using)
        .embedded(fingerprint=question.fingerprint)
        .filter(pk__in=pks)
        .values_list("pk", "embedding")
    )
    # A product without embedding is like no other.
    nothing = np.zeros(DIMENSIONS)
    vectors = np.array([stored.get(pk, nothing) for pk in pks], dtype=np.float32)
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    order = maximal_marginal_relevance(
        relevances(first), vectors, diversity=question.diversity
    )
    return replace(ranking, candidates=[*(first[i] for i in order), *rest])


def relevances(candidates: Sequence[Candidate]) -> list[float]:
    """Return the scores, scaled so that the best is as large as its similarity."""
    best = candidates[0]
    top = max((c.similarity or 0.0 for c in candidates), default=0.0) or 1.0
    scale = top / best.score if best.score > 0 else 1.0
    return [candidate.score * scale for candidate in candidates]


@named(Step.SKU)
def exact_first(question: Question, ranking: Ranking) -> Ranking:
    """Return the ranking with the product whose sku is the text in first place."""
    if not question.text:
        return ranking
    if question.is_narrowed:
        products = best_by_sku(question.products(), question.text)
        exact = list(products.values_list("pk", "category"))
    else:
        exact = any_product_by_sku().rows(question.text, using=question.using)
    if not exact:
        return ranking
    [(pk, category)] = exact
    found = {candidate.pk: candidate for candidate in ranking.candidates}
    candidate = found.pop(pk, Candidate(pk, category, score=0.0))
    return replace(
        ranking, candidates=[replace(candidate, exact=True), *found.values()]
    )


def best_by_sku(products: ProductQuerySet, text: Text) -> ProductQuerySet:
    """Return the product whose sku is the text, best in the same case, or none."""
    same = Case(When(sku=text, then=0), default=1)
    return products.with_sku(text).order_by(same, "pk")[:1]


@cache
def any_product_by_sku() -> Prepared[Product]:
    """Return the query for the id and category of a product by its sku."""
    products = best_by_sku(Product.objects.all(), Given(0))
    return Prepared.of(products.values_list("pk", "category"))
