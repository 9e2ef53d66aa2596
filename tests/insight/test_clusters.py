"""Groups on the map, and the words that set them apart."""

import numpy as np
import pytest

from products.insight.clusters import clusters_of, distinctive_words, k_means


def two_heaps(count):
    """Points around (0, 0) and around (100, 0), one after the other."""
    offsets = np.arange(count)[:, None] % 5
    return np.vstack([offsets + [0, 0], offsets + [100, 0]]).astype(float)


def test_points_that_lie_together_are_a_cluster():
    own, middles = k_means(two_heaps(10), 2)

    assert len(set(own[:10])) == len(set(own[10:])) == 1
    # The offsets 0 to 4, twice each, have the mean 2.
    assert sorted(middles.tolist()) == [[2.0, 2.0], [102.0, 2.0]]


def test_points_in_one_place_are_one_cluster():
    own, middles = k_means(np.ones((10, 2)), 3)

    assert len(set(own.tolist())) == 1
    assert middles.tolist() == 3 * [[1.0, 1.0]]


def test_the_words_are_those_that_the_other_clusters_lack():
    names = 6 * ["Red desk lamp"] + 6 * ["Red running shoes"]

    words = distinctive_words(names, 6 * [0] + 6 * [1])

    # "Red" is in all names; the other two words of each have the same odds.
    assert words == {0: ("desk", "lamp"), 1: ("running", "shoes")}


def test_a_word_of_one_name_is_chance():
    names = [f"Lamp {word}" for word in ("Alpha", "Beta", "Gamma", "Delta")]

    assert distinctive_words(names, [0, 0, 1, 1]) == {0: (), 1: ()}


@pytest.mark.parametrize(
    ("names", "word"),
    [
        (["Über-Bürste"] * 5 + ["über Bürste"] * 2, "Bürste"),
        (["2 in 1 Ölkanne XL 500"] * 7, "Ölkanne"),
    ],
    ids=["as most write it", "no numbers and no short words"],
)
def test_words_are_written_as_the_catalogue_writes_them(names, word):
    own = len(names) * [0] + 9 * [1]

    assert word in distinctive_words(names + 9 * ["Lampe"], own)[0]


def test_the_clusters_of_a_map_have_a_place_a_size_and_words():
    names = 30 * ["Desk lamp"] + 30 * ["Running shoes"]

    lamps, shoes = clusters_of(two_heaps(30), names)

    assert (lamps.x, lamps.y, lamps.count, lamps.words) == (2, 2, 30, ("Desk", "lamp"))
    assert (shoes.x, shoes.y, shoes.count) == (102, 2, 30)
    assert clusters_of(two_heaps(30), names) == [lamps, shoes]


def test_few_points_are_told_apart_by_their_own_names():
    assert clusters_of(two_heaps(29), 58 * ["Lamp"]) == []
