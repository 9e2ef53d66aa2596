"""Sorts what a search found by price or by age."""

from __future__ import annotations

from dataclasses import replace

from products.models import Product
from products.search.question import Question, Sort
from products.search.rank import Ranking
from products.search.steps import Step
from products.sql.watch import named

# The cheapest of a thousand products is rarely what a text asked for. So the best ones
# are sorted, as many as can be looked through.
SORTED = 200


def listed_by(sort: Sort) -> Sort:
    """Return the order of a catalogue without a question: by name unless asked for."""
    return Sort.NAME if sort is Sort.RELEVANCE else sort


@named(Step.SORTED)
def sorted_best(question: Question, ranking: Ranking) -> Ranking:
    """Return the best 200 in the order that was asked for, by relevance as they are.

    One statement, which reads no text.
    """
    if question.sort is Sort.RELEVANCE or not ranking.candidates:
        return ranking
    best = ranking.cut(SORTED)
    found = {candidate.pk: candidate for candidate in best.candidates}
    products = Product.objects.using(question.using).filter(pk__in=found)
    order = products.order_by(question.sort, "pk").values_list("pk", flat=True)
    return replace(best, candidates=[found[pk] for pk in order])
