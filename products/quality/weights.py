"""Which weights of the hybrid score fit a shop's judgements?

They are fitted on half of the judged queries and compared with those in force on the
other half, which they have not seen.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import product
from statistics import fmean

from products.models import EmbeddingRecipe, Product, RankingWeights
from products.quality.evaluation import TOP, Interval
from products.quality.judged import EvaluationError, Grades, JudgedQueries
from products.quality.measures import ndcg
from products.search.operators import read_operators
from products.search.query_vector import UnknownWords
from products.search.question import Question, clean_text
from products.search.rank import Found, evidence_by_both, question_vector, scored
from products.search.scores import DEFAULT_WEIGHTS, Weights

# The weights that are tried, all pairs: each about half as large again as the one before.
TRIED = (0.0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.6)

# Fewer queries in each half fit noise.
FEWEST = 20


@dataclass(frozen=True)
class Fit:
    """The weights in force and the fitted ones, measured on *held_out* queries.

    before, after: their mean nDCG@10; difference: after - before, with its interval.
    """

    in_force: Weights
    fitted: Weights
    queries: int
    held_out: int
    before: float
    after: float
    difference: Interval

    @property
    def is_better(self) -> bool:
        """Whether the fitted weights are better by more than chance explains."""
        return self.difference.low > 0


@dataclass(frozen=True)
class Asked:
    """What was found for a judged query, ready to be ranked by any weights."""

    found: Found
    skus: dict[int, str]
    grades: Grades

    def ndcg(self, weights: Weights) -> float:
        """Return the nDCG@10 of the ranking by these weights."""
        order = [self.skus[hit.pk] for hit in scored(self.found, weights)[:TOP]]
        return ndcg(order, self.grades, k=TOP)


def fit_weights(
    judged: JudgedQueries, *, using: str, progress: Callable[[], object]
) -> Fit:
    """Return the weights that fit the judgements of one half, measured on the other.

    A query is in the same half each time. *progress* is called after each query. Raises
    EvaluationError for fewer than 40 judged queries, EmbeddingError when the backend
    fails.
    """
    if len(judged.grades) < 2 * FEWEST:
        raise EvaluationError(
            f"{len(judged.grades)} judged queries are too few to fit weights: at least "
            f"{2 * FEWEST} must have a relevant product. Judge more of them."
        )
    asked = {}
    for qid in judged.grades:
        # Texts of words that the model does not know are ranked by words alone.
        with suppress(UnknownWords):
            asked[qid] = ask(judged.texts[qid], judged.grades[qid], using=using)
        progress()
    order = sorted(asked, key=lambda qid: hashlib.sha256(qid.encode()).digest())
    half = len(order) // 2
    current = weights_in_force(using=using)
    fitted = best_weights([asked[qid] for qid in order[:half]], current)
    before, after = (
        [asked[qid].ndcg(weights) for qid in order[half:]]
        for weights in (current, fitted)
    )
    difference = Interval.of(
        [new - old for old, new in zip(before, after, strict=True)]
    )
    assert difference is not None  # the half is not empty
    return Fit(
        in_force=current,
        fitted=fitted,
        queries=len(asked),
        held_out=len(before),
        before=fmean(before),
        after=fmean(after),
        difference=difference,
    )


def ask(text: str, grades: Grades, *, using: str) -> Asked:
    """Return what both searches find for a text."""
    backend = EmbeddingRecipe.objects.current(using).embedder()
    left, operators = read_operators(clean_text(text))
    question = Question(left, operators=operators, backend=backend, using=using)
    vector, _ = question_vector(question)
    found = evidence_by_both(question, str(vector.tolist()))
    skus = Product.objects.using(using).filter(pk__in=list(found.rows))
    return Asked(found, dict(skus.values_list("pk", "sku")), grades)


def best_weights(asked: Iterable[Asked], current: Weights) -> Weights:
    """Return the weights with the largest mean nDCG@10; of equal ones the nearest to
    those in force."""
    queries = list(asked)

    def quality(weights: Weights) -> tuple[float, float]:
        moved = abs(weights.keyword - current.keyword) + abs(
            weights.rank - current.rank
        )
        return round(fmean(query.ndcg(weights) for query in queries), 6), -moved

    tried = [current, *(Weights(*pair) for pair in product(TRIED, repeat=2))]
    return max(tried, key=quality)


# What is in force


def weights_in_force(*, using: str) -> Weights:
    """Return the weights of the recipe in force: the shop's own, or the default ones."""
    fingerprint = EmbeddingRecipe.objects.current(using).fingerprint
    own = RankingWeights.objects.using(using).filter(fingerprint=fingerprint).first()
    return Weights(own.keyword, own.rank) if own else DEFAULT_WEIGHTS


def apply_weights(fit: Fit, *, using: str) -> None:
    """Put fitted weights in force, for the searches from now on."""
    fingerprint = EmbeddingRecipe.objects.current(using).fingerprint
    values: Mapping[str, float] = {
        "keyword": fit.fitted.keyword,
        "rank": fit.fitted.rank,
        "queries": fit.queries,
    }
    RankingWeights.objects.using(using).update_or_create(
        fingerprint=fingerprint, defaults=values
    )


def reset_weights(*, using: str) -> bool:
    """Put the default weights in force again; return whether others were."""
    fingerprint = EmbeddingRecipe.objects.current(using).fingerprint
    own = RankingWeights.objects.using(using).filter(fingerprint=fingerprint)
    return own.delete()[0] > 0
