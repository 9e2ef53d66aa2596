"""Rankings and their measures, as functions of numbers: no Django, no database."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, TypeAlias, TypeVar

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

Vectors: TypeAlias = "npt.NDArray[np.float32]"


Key = TypeVar("Key", int, str)


@dataclass(frozen=True)
class Weights:
    """What the hybrid score adds to the cosine similarity, for words and their rank.

    Round numbers from a flat optimum: half or twice of each moves nDCG@10 by about 0.02
    (manage.py evaluate_search). A shop can have its own: manage.py tune_search --weights.
    """

    keyword: float = 0.2
    rank: float = 0.2


DEFAULT_WEIGHTS = Weights()
RANK_CONSTANT = 20  # how slowly the weight of a keyword rank falls

# What a synonym counts beside the word that was typed: a product that has the word
# itself comes before its equal that has a synonym, and after one with a word more.
SYNONYM_WEIGHT = 0.7

# BM25 with its textbook constants, over the words of a name. Robertson, Zaragoza: The
# Probabilistic Relevance Framework, 2009, doi 10.1561/1500000019
BM25_K1 = 1.2
BM25_B = 0.75
NAME_LENGTH = 10  # words of a usual product name


def inverse_document_frequency(matching: int, total: int) -> float:
    """Return the weight of a word that *matching* of *total* products have: over 0."""
    total = max(total, matching)
    return math.log(1 + (total - matching + 0.5) / (matching + 0.5))


def name_score(
    frequencies: Mapping[str, float], length: int, weights: Mapping[str, float]
) -> float:
    """Return how well a name answers a query, by BM25: 0 to 1.

    frequencies: how often each word of the query stands in the name; length: how
    many words the name has; weights: the inverse document frequency of each word of
    the query. 0.45 for a name of usual length that has every word once. Without BM25's
    factor (k1 + 1), which changes no order.
    """
    norm = BM25_K1 * (1 - BM25_B + BM25_B * length / NAME_LENGTH)
    parts = [
        weights[word] * count / (count + norm)
        for word, count in frequencies.items()
        if word in weights
    ]
    return math.fsum(parts) / math.fsum(weights.values()) if parts else 0.0


class Reward(NamedTuple):
    """What the words of a product add to its similarity.

    words: for how well they match; rank: for the product's place by its words.
    """

    words: float = 0.0
    rank: float = 0.0


NO_REWARD = Reward()


def rewards(
    keyword: Mapping[Key, float],
    keyword_ranks: Mapping[Key, int],
    *,
    weights: Weights = DEFAULT_WEIGHTS,
    trust: float = 1.0,
) -> dict[Key, Reward]:
    """Return what their words add to the score of the products that have any.

    keyword, keyword_ranks: the score of those with a word of the query, and their
    ranks() by it; weights: of these two; trust: how much both count, 0 to 1. The second
    part rewards a place at the top of the keyword ranking, as reciprocal rank fusion
    does (Cormack, Clarke, Büttcher, SIGIR 2009, doi 10.1145/1571941.1572114).
    """
    return {
        key: Reward(
            trust * weights.keyword * keyword[key],
            trust * weights.rank * RANK_CONSTANT / (RANK_CONSTANT + rank),
        )
        for key, rank in keyword_ranks.items()
        if keyword[key] > 0
    }


def hybrid_scores(
    similarity: Mapping[Key, float], rewarded: Mapping[Key, Reward]
) -> dict[Key, float]:
    """Return one score for each candidate of either search, large for a good one.

    similarity: the cosine similarity of every candidate; rewarded: see rewards(). A
    candidate found by one search only still has both scores, its true ones: that is
    what makes the sum fair.
    """
    scores = dict(similarity)
    for key, reward in rewarded.items():
        scores[key] += reward.words + reward.rank
    return scores


def maximal_marginal_relevance(
    relevance: Sequence[float], vectors: Vectors, *, diversity: float
) -> list[int]:
    """Return the positions of the candidates, the best compromise first.

    Each next one is the candidate with the largest
    ``(1 - diversity) * relevance - diversity * similarity``, where similarity is the
    cosine similarity to the most similar one chosen already. diversity: 0 keeps the
    order of relevance (ties in the order given), 1 looks at variety alone.
    relevance: n numbers on the scale of a cosine similarity; vectors: (n, d), of
    length 1. Raises ValueError for another shape or a diversity outside 0 to 1.
    Takes n * n * d steps: meant for a few hundred candidates.

    Carbonell, Goldstein: The use of MMR, SIGIR 1998, doi 10.1145/290941.291025
    """
    import numpy as np

    if not 0 <= diversity <= 1:
        raise ValueError(f"diversity must be from 0 to 1, not {diversity}")
    scores = np.asarray(relevance, dtype=np.float64)
    if len(scores) != len(vectors):
        raise ValueError(f"{len(scores)} scores for {len(vectors)} vectors")
    redundancy = np.zeros(len(scores))
    left = np.ones(len(scores), dtype=bool)
    order: list[int] = []
    while left.any():
        value = (1 - diversity) * scores - diversity * redundancy
        best = int(np.argmax(np.where(left, value, -np.inf)))
        order.append(best)
        left[best] = False
        likeness = vectors @ vectors[best]
        redundancy = likeness if len(order) == 1 else np.maximum(redundancy, likeness)
    return order


def sort_stably(items: Iterable[Key], *, score: Callable[[Key], float]) -> list[Key]:
    """Return *items*, highest score first, equal ones by the item itself."""
    # The first sort stays where scores are equal, also in the reverse order.
    return sorted(sorted(items), key=score, reverse=True)


def ranks(scores: Mapping[Key, float]) -> dict[Key, int]:
    """Return the place of each key, from 1 for the highest score, in that order."""
    ordered = sort_stably(scores, score=scores.__getitem__)
    return {key: rank for rank, key in enumerate(ordered, start=1)}
