"""What a preview says of the searches of the log: which would change, and how."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.core.exceptions import ImproperlyConfigured
from django.db import DEFAULT_DB_ALIAS

from products.embeddings import EmbeddingError
from products.quality.impact import Impact, Queries, logged_queries
from products.quality.judged import EvaluationError

# A page waits no longer for the searches, nor embeds more texts for them.
SECONDS = 5.0
MOST_CHANGED = 200


@dataclass(frozen=True)
class ShownImpact:
    """Which searches would change, or why nobody can say. remarks: what was left out."""

    impact: Impact | None = None
    remarks: tuple[str, ...] = ()
    problem: str = ""


def shown_impact(
    measure: Callable[[Queries], Impact], remarks: Callable[[], list[str]] = list
) -> ShownImpact | None:
    """Return what *measure* says of the log's most frequent searches.

    None while the shop keeps no log, or nobody has searched. A preview is worth its
    other half where the searches cannot be made, so the reason is shown in their place.
    """
    queries = logged_queries(DEFAULT_DB_ALIAS)
    if queries is None:
        return None
    try:
        impact = measure(queries)
    except (EmbeddingError, EvaluationError, ImproperlyConfigured) as err:
        return ShownImpact(problem=str(err))
    return ShownImpact(impact, tuple(filter(None, [impact.left_out, *remarks()])))
