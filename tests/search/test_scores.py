"""Rankings and their measures: values checked by hand, and what holds for any input."""

import math

import numpy as np
import pytest
from hypothesis import given, strategies as st

from products.search.scores import (
    hybrid_scores as hybrid_scores_of,
    inverse_document_frequency,
    maximal_marginal_relevance,
    name_score,
    ranks,
    rewards,
    sort_stably,
)

cosines = st.floats(-1, 1)
keyword_scores = st.floats(0, 3)
similarities = st.dictionaries(st.integers(1, 50), cosines, min_size=1)


def hybrid_scores(similarity, keyword):
    return hybrid_scores_of(similarity, rewards(keyword, ranks(keyword)))


@st.composite
def searches(draw):
    """What two searches found: similarities of all, keyword scores of some."""
    similarity = draw(similarities)
    found = draw(st.sets(st.sampled_from(sorted(similarity))))
    return similarity, {key: draw(keyword_scores) for key in sorted(found)}


@st.composite
def unit_vectors(draw, *, most=12):
    """Relevances, best first, and as many unit vectors, some of them equal."""
    count = draw(st.integers(1, most))
    axes = st.lists(st.integers(0, 4), min_size=count, max_size=count)
    relevance = st.lists(st.floats(0, 1), min_size=count, max_size=count)
    vectors = np.eye(5, dtype=np.float32)[draw(axes)]
    return sorted(draw(relevance), reverse=True), vectors


# Keywords


def test_a_word_of_few_products_weighs_more():
    assert inverse_document_frequency(0, 9) == pytest.approx(math.log(20))
    assert inverse_document_frequency(9, 9) == pytest.approx(math.log(1 + 0.5 / 9.5))


@given(st.integers(0, 10**6), st.integers(-1, 10**6))
def test_a_word_always_weighs_something(matching, total):
    assert inverse_document_frequency(matching, total) > 0


def test_a_name_scores_by_its_words_and_its_length():
    weights = {"red": 2.0, "shoe": 1.0}

    assert name_score({"red": 1, "shoe": 1}, 10, weights) == pytest.approx(1 / 2.2)
    assert name_score({"red": 1}, 10, weights) == pytest.approx(2 / 3 / 2.2)
    assert name_score({"hat": 1}, 10, weights) == 0
    # Twice in ten words: 2 / (2 + 1.2).
    assert name_score({"red": 2}, 10, {"red": 1.0}) == pytest.approx(0.625)
    # Once in two words: 1 / (1 + 1.2 * (0.25 + 0.75 * 0.2)).
    assert name_score({"red": 1}, 2, {"red": 1.0}) == pytest.approx(1 / 1.48)


# Fusion


def test_the_hybrid_score_is_the_sum_of_three_terms():
    similarity = {"both": 0.5, "meaning": 0.6, "words": 0.1}

    scores = hybrid_scores(similarity, {"both": 1.0, "words": 2.0})

    assert scores == {
        "both": pytest.approx(0.5 + 0.2 * 1.0 + 0.2 * 20 / 22),
        "meaning": pytest.approx(0.6),
        "words": pytest.approx(0.1 + 0.2 * 2.0 + 0.2 * 20 / 21),
    }


def test_a_keyword_score_of_zero_has_no_rank():
    assert hybrid_scores({"a": 0.5}, {"a": 0.0}) == {"a": 0.5}


@given(searches())
def test_every_candidate_is_scored_once(search):
    similarity, keyword = search

    scores = hybrid_scores(similarity, keyword)

    assert scores.keys() == similarity.keys()


@given(searches(), st.randoms())
def test_the_order_of_the_candidates_does_not_matter(search, random):
    similarity, keyword = search
    shuffled = list(similarity.items())
    random.shuffle(shuffled)

    scores = hybrid_scores(dict(shuffled), dict(reversed(keyword.items())))

    assert scores == hybrid_scores(similarity, keyword)


@given(searches(), st.data())
def test_more_likeness_never_scores_less(search, data):
    similarity, keyword = search
    key = data.draw(st.sampled_from(sorted(similarity)))
    raised = similarity | {key: data.draw(st.floats(similarity[key], 1))}

    before, after = hybrid_scores(similarity, keyword), hybrid_scores(raised, keyword)

    assert after[key] >= before[key]
    assert all(after[other] == before[other] for other in before if other != key)


@given(searches(), st.data())
def test_a_better_match_of_words_never_scores_less(search, data):
    similarity, keyword = search
    key = data.draw(st.sampled_from(sorted(similarity)))
    raised = keyword | {key: data.draw(st.floats(keyword.get(key, 0.0), 3))}

    before, after = (
        hybrid_scores(similarity, keyword),
        hybrid_scores(similarity, raised),
    )

    assert after[key] >= before[key]
    assert all(after[other] <= before[other] for other in before if other != key)


@given(similarities)
def test_equal_scores_are_ordered_by_the_item(similarity):
    ranked = sort_stably(similarity, score=lambda key: round(similarity[key]))

    assert ranked == sorted(ranked, key=lambda key: (-round(similarity[key]), key))


# Variety


def test_half_diversity_prefers_another_kind_to_a_copy():
    x, y = [1, 0], [0, 1]
    vectors = np.array([x, x, y], dtype=np.float32)

    order = maximal_marginal_relevance([0.9, 0.8, 0.3], vectors, diversity=0.5)

    # After the first: copy 0.4 - 0.5, the other kind 0.15 - 0.
    assert order == [0, 2, 1]


def test_little_diversity_prefers_the_copy_that_matches():
    vectors = np.array([[1, 0], [1, 0], [0, 1]], dtype=np.float32)

    order = maximal_marginal_relevance([0.9, 0.8, 0.3], vectors, diversity=0.1)

    # After the first: copy 0.72 - 0.1, the other kind 0.27 - 0.
    assert order == [0, 1, 2]


def test_the_opposite_is_more_varied_than_the_unrelated():
    vectors = np.array([[1, 0], [0, 1], [-1, 0]], dtype=np.float32)

    assert maximal_marginal_relevance([1, 0, 0], vectors, diversity=1) == [0, 2, 1]


@given(unit_vectors(), st.floats(0, 1))
def test_variety_neither_loses_nor_repeats(candidates, diversity):
    relevance, vectors = candidates

    order = maximal_marginal_relevance(relevance, vectors, diversity=diversity)

    assert sorted(order) == list(range(len(relevance)))
    assert order[0] == 0


@given(unit_vectors())
def test_no_diversity_keeps_the_order(candidates):
    relevance, vectors = candidates

    order = maximal_marginal_relevance(relevance, vectors, diversity=0)

    assert order == list(range(len(relevance)))


@given(unit_vectors())
def test_full_diversity_shows_one_of_each_kind_first(candidates):
    relevance, vectors = candidates
    kinds = len(np.unique(vectors, axis=0))

    order = maximal_marginal_relevance(relevance, vectors, diversity=1)

    assert len(np.unique(vectors[order[:kinds]], axis=0)) == kinds


@pytest.mark.parametrize("diversity", [-0.1, 1.1, math.nan])
def test_diversity_is_from_0_to_1(diversity):
    with pytest.raises(ValueError, match="diversity must be from 0 to 1"):
        maximal_marginal_relevance([1], np.eye(1), diversity=diversity)


def test_every_score_needs_a_vector():
    with pytest.raises(ValueError, match="2 scores for 1 vectors"):
        maximal_marginal_relevance([1, 2], np.eye(1), diversity=0.5)
