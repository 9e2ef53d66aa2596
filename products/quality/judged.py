"""What the staff judged, in the form the evaluation takes."""

from __future__ import annotations

from products.models import Judgement
from products.quality.evaluation import Grades, Judged

# Each is searched for in every mode when the page is asked for.
MOST_QUERIES = 100


def grades_of(query: str) -> dict[int, int]:
    """Return the grades given for a query, by the id of the product."""
    judged = Judgement.objects.filter(query=query)
    return dict(judged.values_list("product", "grade"))


def collected() -> Judged:
    """Return what was judged: at most 100 queries, those judged last.

    Queries without a relevant product say nothing about a ranking and are named apart.
    """
    rows = Judgement.objects.order_by("-pk").values_list(
        "query", "product__sku", "grade"
    )
    grades: dict[str, Grades] = {}
    count = 0
    for query, sku, grade in rows.iterator():
        if query not in grades and len(grades) == MOST_QUERIES:
            break
        grades.setdefault(query, {})[sku] = float(grade)
        count += 1
    return Judged(
        texts={query: query for query in grades},
        grades={query: g for query, g in grades.items() if any(g.values())},
        judgements=count,
        without_relevant=[query for query, g in grades.items() if not any(g.values())],
    )
