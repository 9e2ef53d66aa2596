"""How far two recipes agree: what the new one would change for shoppers.

The second column cannot be searched before the switch. So the nearest neighbours alone
are compared: neither words nor the floor play a part, as they do in a search.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from django.db.models import CharField
from django.db.models.functions import MD5, Cast

from products.embeddings import BaseEmbeddingBackend
from products.models import EmbeddingRecipe, Product
from products.quality.evaluation import TOP, measure_ranking
from products.quality.judged import Grades
from products.search.nearest import read_on
from products.upkeep.second_column import SecondEmbedding


@dataclass(frozen=True)
class Agreement:
    """What the served recipe and that of the second column have in common.

    overlap: the mean share, 0 to 1, of the first ten results that both have, over
    *count* products or queries. served_ndcg, second_ndcg: the mean nDCG@10 over the
    *judged* queries, None without any.
    """

    count: int
    overlap: float
    judged: int = 0
    served_ndcg: float | None = None
    second_ndcg: float | None = None


def agreement_on_products(
    recipe: EmbeddingRecipe, *, sample: int, using: str
) -> Agreement | None:
    """Return how the products similar to a product agree, None when nothing compares.

    sample: of how many products; the same ones every time. Takes two index searches
    for each.
    """
    chosen = (
        Product.objects.using(using)
        .fresh(recipe.fingerprint)
        .order_by(MD5(Cast("pk", CharField())))
        .values_list("pk", flat=True)[:sample]
    )
    second = SecondEmbedding.objects.using(using).fresh(recipe.second_fingerprint)
    both = second.filter(pk__in=list(chosen)).only("pk")
    overlaps = [
        overlap(
            similar_skus(Product, row.pk, using),
            similar_skus(SecondEmbedding, row.pk, using),
        )
        for row in both
    ]
    return Agreement(len(overlaps), fmean(overlaps)) if overlaps else None


def agreement_on_queries(
    recipe: EmbeddingRecipe,
    queries: Mapping[str, str],
    grades: Mapping[str, Grades],
    *,
    using: str,
) -> Agreement:
    """Return how the products nearest to *queries* agree, and their nDCG@10.

    queries: text by id, at least one. grades: by the id of a query, each with a
    relevant product; products nobody judged count as 0. Raises EmbeddingError when a
    query cannot be embedded.
    """
    served = nearest_skus(Product, recipe.embedder(), queries, using)
    second = nearest_skus(SecondEmbedding, recipe.second_embedder(), queries, using)
    return Agreement(
        count=len(queries),
        overlap=fmean(overlap(served[query], second[query]) for query in queries),
        judged=len(grades),
        served_ndcg=mean_ndcg(served, grades),
        second_ndcg=mean_ndcg(second, grades),
    )


def similar_skus(column: Any, pk: int, using: str) -> list[str]:
    """Return the skus of the products most like one, by one of the two columns."""
    return first_skus(column.objects.using(using).similar_to(column(pk=pk)))


def nearest_skus(
    column: Any, backend: BaseEmbeddingBackend, queries: Mapping[str, str], using: str
) -> dict[str, list[str]]:
    """Return the skus of the products nearest to each query, by one of the columns."""
    found = {}
    for query, text in queries.items():
        [vector] = backend.embed_queries([text])
        found[query] = first_skus(
            column.objects.using(using).nearest_to(
                vector.tolist(), fingerprint=backend.fingerprint
            )
        )
    return found


def first_skus(nearest: Any) -> list[str]:
    """Return the skus of the ten nearest, also where another recipe is nearer."""
    # An index that is read on may give its rows slightly out of order.
    found = sorted(
        read_on(nearest.only("sku")[:TOP]), key=lambda row: (row.distance, row.pk)
    )
    return [row.sku for row in found]


def overlap(one: Sequence[object], other: Sequence[object]) -> float:
    """Return the share of results that both have: 1 when both are empty."""
    longest = max(len(one), len(other))
    return len({*one} & {*other}) / longest if longest else 1.0


def mean_ndcg(
    found: Mapping[str, Sequence[str]], grades: Mapping[str, Grades]
) -> float | None:
    """Return the mean nDCG@10 over the judged queries, None when there are none."""
    values = [measure_ranking(qid, found[qid], grades[qid]).ndcg for qid in grades]
    return fmean(values) if values else None
