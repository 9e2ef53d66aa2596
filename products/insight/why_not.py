"""Finds what keeps a product out of the results of a question."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _

from products.insight.comparison import bounded, make_question
from products.insight.gates import Condition, Gate, question_gates
from products.insight.ways import Ways
from products.models import Product
from products.numbers import grouped
from products.search import Results, search
from products.search.answer import LISTING_WINDOW, first_without_embedding
from products.search.operators import read_operators
from products.search.question import MAX_PAGE_SIZE, Question
from products.search.sorting import listed_by


@dataclass(frozen=True)
class WhyNot:
    """Where a product is in the results, or what keeps it out.

    place: from 1 over all pages, None where it is not in them; page: the one it is on.
    total: how many results there are. gates: in their order; those behind a filter that
    stopped the product are not there. stopped_by: those that decided.
    """

    product: Product
    place: int | None
    page: int | None
    total: int
    gates: list[Gate]
    stopped_by: list[Gate]

    @property
    def verdict(self) -> str:
        """The answer as a sentence."""
        name = {"name": self.product.name}
        if self.place is None:
            return _("“%(name)s” is not in the results.") % name
        figures = {name: grouped(n) for name, n in self.figures.items()}
        return (
            _("“%(name)s” is in the results: at place %(place)s of %(total)s, on page "
            "%(page)s.")
            % (name | figures)
        )  # fmt: skip

    @property
    def figures(self) -> dict[str, int]:
        """The place, the page and the total of a product in the results."""
        figures = {"place": self.place, "page": self.page, "total": self.total}
        return {name: number for name, number in figures.items() if number is not None}


def why_not(
    product: Product, asked: dict[str, Any], *, using: str | None = None
) -> WhyNot:
    """Return which gate keeps a product out of what search() returns, or its place.

    asked: the arguments of search(). Takes a few searches and one exact comparison of
    every vector that passes the filters. Raises SearchError for what cannot be searched
    for, OperationalError when it takes more than five seconds, BusyError when others
    compare.
    """
    question = make_question(asked, using=using)
    with bounded(using=question.using):
        return Inquiry(product, asked, question).answer()


@dataclass(frozen=True)
class Inquiry:
    """A product that is looked for in the answer to a question.

    asked: the same question as the arguments of search().
    """

    product: Product
    asked: dict[str, Any]
    question: Question

    def answer(self) -> WhyNot:
        """Return where the product is, or what keeps it out."""
        gates = list(question_gates(self.question, self.product))
        failed = [gate for gate in gates if not gate.passed]
        if failed:
            return WhyNot(self.product, None, None, 0, gates, failed)
        if not (self.question.text or self.question.examples):
            return self.listed(gates)
        if bare := first_without_embedding(self.question.examples):
            gate = Gate(Condition.EMBEDDING, False, bare.why_without_embedding())
            return WhyNot(self.product, None, None, 0, [*gates, gate], [gate])
        return self.ranked(gates)

    def listed(self, gates: list[Gate]) -> WhyNot:
        """Return the place in the catalogue, in the order that was asked for."""
        products, sort = self.question.products(), listed_by(self.question.sort)
        name, lookup = sort.lstrip("-"), "gt" if sort.startswith("-") else "lt"
        own = getattr(
            Product.objects.using(self.question.using).get(pk=self.product.pk), name
        )
        before = Q(**{f"{name}__{lookup}": own}) | Q(
            **{name: own}, pk__lt=self.product.pk
        )
        place = 1 + products.filter(before).count()
        if place <= LISTING_WINDOW:
            total = min(products.count(), LISTING_WINDOW)
            return self.found(place, total, gates)
        figures = {"place": place, "window": LISTING_WINDOW}
        text = _(
            "It has place %(place)s; only the first %(window)s can be paged through."
        )
        shown = text % {name: grouped(number) for name, number in figures.items()}
        gate = Gate(Condition.PAGE, False, shown, figures)
        return WhyNot(self.product, None, None, LISTING_WINDOW, [*gates, gate], [gate])

    def ranked(self, gates: list[Gate]) -> WhyNot:
        """Return the place in a ranking, or the gates of it that were closed."""
        places = self.places
        gates = [*gates, *self.corrected()]
        closed: list[Gate] = []
        for way in Ways(self.product, self.answered).all():
            found = list(way)
            gates += found
            closed += [gate for gate in found if not gate.passed][:1]
        place = places.get(self.product.pk)
        if place is not None:
            return self.found(place, len(places), gates)
        changed = [
            g for g in gates if g.condition == Condition.CORRECTED and not g.passed
        ]
        return WhyNot(self.product, None, None, len(places), gates, changed or closed)

    def found(self, place: int, total: int, gates: list[Gate]) -> WhyNot:
        """Return the answer for a product that is in the results."""
        size = self.question.page_size
        page = 1 + (place - 1) // size
        late = list(self.after(place, page))
        stopped = [gate for gate in late if not gate.passed]
        return WhyNot(self.product, place, page, total, [*gates, *late], stopped)

    def after(self, place: int, page: int) -> Iterator[Gate]:
        """Yield the gates of what happens to a product that was found."""
        if self.question.diversity:
            before = self.places_if(diversity=0.0).get(self.product.pk, place)
            figures = {"before": before, "place": place}
            text = _(
                "Without variety it has place %(before)s, with it place %(place)s."
            )
            passed = 1 + (before - 1) // self.question.page_size >= page
            yield Gate(Condition.DIVERSITY, passed, text % figures, figures)
        passed = page == self.question.page
        text = (
            _("It is on this page, at place %(place)s.")
            if passed
            else _("It is on page %(page)s, at place %(place)s.")
        )
        figures = {"page": page, "place": place}
        yield Gate(Condition.PAGE, passed, text % figures, figures)

    # The results

    @cached_property
    def first(self) -> Results:
        """The first of the largest pages."""
        return self.page_of_results(1)

    @cached_property
    def places(self) -> dict[int, int]:
        """The place of each product in the results, by id."""
        return self.places_from(self.first)

    def page_of_results(self, number: int, **changes: Any) -> Results:
        """Return one of the largest pages of the results."""
        asked = self.asked | changes | {"page": number, "page_size": MAX_PAGE_SIZE}
        return search(**asked, using=self.question.using)

    def places_from(self, first: Results, **changes: Any) -> dict[int, int]:
        """Return the place of each product, also of the pages after the first one."""
        others = range(2, first.pages + 1)
        pages = [first, *(self.page_of_results(n, **changes) for n in others)]
        hits = [hit for page in pages for hit in page]
        return {hit.pk: place for place, hit in enumerate(hits, start=1)}

    def places_if(self, **changes: Any) -> dict[int, int]:
        """Return the same for a question that is changed."""
        return self.places_from(self.page_of_results(1, **changes), **changes)

    @cached_property
    def answered(self) -> Question:
        """The question that is answered: with the corrected text, if it was corrected."""
        if not self.first.corrected:
            return self.question
        text, _operators = read_operators(self.first.corrected)
        return replace(self.question, text=text)

    def corrected(self) -> Iterator[Gate]:
        """Yield the gate of a corrected text: it may have been found by the typed one."""
        if not self.first.corrected:
            return
        values = {"typed": self.question.text, "corrected": self.answered.text}
        wanted = self.product.pk
        lost = wanted not in self.places and wanted in self.places_if(literal=True)
        text = (
            _("“%(corrected)s” was searched for. The text as it is typed finds it.")
            if lost
            else _("“%(corrected)s” was searched for in place of “%(typed)s”.")
        )
        yield Gate(Condition.CORRECTED, not lost, text % values, values)
