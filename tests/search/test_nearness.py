"""How near a product is, in words."""

import pytest

from products.search.nearness import Nearness, near


@pytest.mark.parametrize(
    ("similarity", "words", "share"),
    [
        (0.5, Nearness.LOOSE, 0.0),
        (0.62, Nearness.LOOSE, 0.24),
        (0.625, Nearness.ALIKE, 0.25),
        (0.74, Nearness.ALIKE, 0.48),
        (0.75, Nearness.VERY, 0.5),
        (1.00, Nearness.VERY, 1.0),
        (1.0000001, Nearness.VERY, 1.0),
    ],
)
def test_the_way_from_the_floor_to_the_same_has_three_steps(similarity, words, share):
    # The floor is 0.5, so a quarter of the way is 0.625, and half of it is 0.75.
    assert near(similarity, 0.5) == (words, pytest.approx(share))


@pytest.mark.parametrize("similarity", [None, -0.5, 0.19])
def test_what_is_not_near_has_no_words(similarity):
    assert near(similarity, 0.2) is None


def test_a_floor_at_the_very_top_leaves_only_the_same():
    assert near(1.0, 1.0) == (Nearness.VERY, 1.0)
