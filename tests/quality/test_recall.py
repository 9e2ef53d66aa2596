"""The one measurement of recall: what was found, beside the exact answers."""

from products.quality.recall import Answers, ask


def test_recall_is_the_mean_over_the_samples_that_have_an_answer():
    exact = Answers([[1, 2], [3], []], [1.0, 1.0, 1.0])
    found = Answers([[2, 9], [3], [7]], [1.0, 1.0, 1.0])

    assert found.recall(exact) == 0.75
    assert Answers([[1], [3], []], [1.0] * 3).full(exact) == 0.5


def test_where_nothing_is_there_nothing_is_missed():
    nothing = Answers([[]], [1.0])

    assert nothing.recall(nothing) == nothing.full(nothing) == 1.0


def test_look_ups_are_asked_in_order():
    answers = ask([lambda: [1], lambda: [2, 3]])

    assert answers.found == [[1], [2, 3]]
    assert len(answers.times) == 2
    assert answers.milliseconds >= 0
