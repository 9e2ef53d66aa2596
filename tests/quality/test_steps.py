"""The measures of the quality page: step by step, once, and by one thread."""

import pytest
from django.db import DEFAULT_DB_ALIAS

from products.quality import steps
from products.quality.judged import JudgedQueries
from products.quality.steps import evaluate_step
from products.search import Mode
from tests.factory import make_product

pytestmark = pytest.mark.django_db


@pytest.fixture
def measured(monkeypatch):
    """The queries and modes that were measured, in their order."""
    asked = []
    measure = steps.measure_query

    def watched(judged, qid, mode, *, using):
        asked.append((qid, mode))
        return measure(judged, qid, mode, using=using)

    monkeypatch.setattr(steps, "measure_query", watched)
    return asked


def judged(**grades):
    return JudgedQueries(
        texts={qid: qid for qid in grades},
        grades={qid: {f"sku-{qid}": grade} for qid, grade in grades.items()},
        judgements=len(grades),
    )


def evaluate(queries):
    return evaluate_step(queries, using=DEFAULT_DB_ALIAS)


def test_what_is_measured_is_remembered(measured):
    make_product(name="lamp", sku="sku-lamp")

    first = evaluate(judged(lamp=1.0))
    again = evaluate(judged(lamp=1.0))

    assert measured == [("lamp", mode) for mode in Mode]
    assert first == again
    [by_words] = [found for found in first.modes if found.mode is Mode.KEYWORD]
    assert by_words.interval("ndcg").mean == 1


def test_another_judgement_is_measured_anew(measured):
    evaluate(judged(lamp=1.0, chair=1.0))
    del measured[:]

    evaluate(judged(lamp=2.0, chair=1.0))

    assert measured == [("lamp", mode) for mode in Mode]


def test_a_step_ends_after_its_time_and_the_next_goes_on(measured, monkeypatch):
    monkeypatch.setattr(steps, "STEP_SECONDS", 0)
    queries = judged(lamp=1.0, chair=1.0)

    found = [evaluate(queries) for _ in range(6)]

    assert [step.done for step in found] == [0, 0, 1, 1, 1, 2]
    assert [step.complete for step in found] == 5 * [False] + [True]
    assert len(measured) == 6


def test_who_asks_while_others_measure_gets_what_is_known(measured, monkeypatch):
    monkeypatch.setattr(steps, "STEP_SECONDS", 0)
    queries = judged(lamp=1.0, chair=1.0)
    for _ in range(3):
        evaluate(queries)

    with steps.TURNS.taken(seconds=0):
        found = evaluate(queries)

    assert (found.done, found.total) == (1, 2)
    assert len(measured) == 3
