"""What a preview says of the searches of the log: which would change, and how."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.core.exceptions import ImproperlyConfigured
from django.db import DEFAULT_DB_ALIAS, OperationalError
from django.http import HttpRequest

from products.embeddings import EmbeddingError
from products.quality.impact import Impact, Queries, logged_queries
from products.quality.judged import EvaluationError

# A page waits no longer for the searches, nor embeds more texts for them.
SECONDS = 5.0
MOST_CHANGED = 200

SEE_LOG = "products.view_loggedquery"


@dataclass(frozen=True)
class ShownImpact:
    """Which searches would change, or why nobody can say. remarks: what was left out."""

    impact: Impact | None = None
    remarks: tuple[str, ...] = ()
    problem: str = ""


def shown_impact(
    request: HttpRequest,
    measure: Callable[[Queries], Impact],
    remarks: Callable[[], list[str]] = list,
) -> ShownImpact | None:
    """Return what *measure* says of the log's most frequent searches.

    None for users who may not see the log, while the shop keeps none, and where nobody
    has searched. A preview is worth its other half where the searches cannot be made, so
    the reason is shown in their place.
    """
    if not request.user.has_perm(SEE_LOG):
        return None
    queries = logged_queries(DEFAULT_DB_ALIAS)
    if queries is None:
        return None
    try:
        impact = measure(queries)
    except (EmbeddingError, EvaluationError, ImproperlyConfigured) as err:
        return ShownImpact(problem=str(err))
    except OperationalError as err:  # such as a search that took too long
        return ShownImpact(problem=str(err).split("\n")[0])
    return ShownImpact(impact, tuple(filter(None, [impact.left_out, *remarks()])))
