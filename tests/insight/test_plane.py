"""From vectors to a plane, with numbers that can be reckoned in the head."""

import numpy as np
import pytest

from products.insight import plane
from products.insight.plane import (
    cosine_distances,
    fitted,
    nearest,
    neighbours_compared,
    of_unit_length,
    plane_distances,
    principal_plane,
    share_kept,
)

SIZE = {"width": 1000, "height": 640, "margin": 24}


def test_the_plane_is_that_of_the_largest_variance():
    points = np.array([[0, 0, 0], [4, 0, 0], [0, 2, 0], [4, 2, 1e-3]], dtype=float)

    drawn, kept = principal_plane(points)

    assert np.ptp(drawn[:, 0]) == pytest.approx(4, abs=1e-3)
    assert np.ptp(drawn[:, 1]) == pytest.approx(2, abs=1e-3)
    assert kept == pytest.approx(1, abs=1e-6)


def test_the_same_vectors_give_the_same_picture_whatever_their_order():
    points = np.random.default_rng(0).normal(size=(20, 5))

    drawn, _ = principal_plane(points)
    turned, _ = principal_plane(points[::-1])

    assert np.allclose(drawn, turned[::-1])


def test_points_fill_the_picture_and_keep_their_proportions():
    placed = fitted(np.array([[0.0, 0.0], [2.0, 0.5]]), **SIZE)

    assert placed.tolist() == [[24.0, 201.0], [976.0, 439.0]]


def test_points_in_one_place_are_no_failure():
    assert fitted(np.zeros((3, 2)), **SIZE).tolist() == 3 * [[500.0, 320.0]]


def test_vectors_of_any_length_are_compared_by_their_direction():
    vectors = of_unit_length(np.array([[2.0, 0.0], [0.0, 3.0], [-1.0, 0.0]]))

    distances = cosine_distances(vectors, np.array([0]))

    assert distances.tolist() == [[0.0, 1.0, 2.0]]


def test_the_nearest_come_in_their_order_and_a_point_is_not_its_own():
    points = np.array([[0.0, 0.0], [3.0, 0.0], [1.0, 0.0], [-2.0, 0.0]])

    found, far = nearest(plane_distances, points, np.array([0, 1]), 2)

    assert found.tolist() == [[2, 3], [2, 0]]
    assert far.tolist() == [[1.0, 4.0], [4.0, 9.0]]


@pytest.mark.parametrize(
    ("products", "compared"), [(3, 1), (4, 1), (5, 2), (21, 10), (20_000, 10)]
)
def test_at_most_ten_and_half_of_the_others_are_compared(products, compared):
    assert neighbours_compared(products) == compared


# Four directions in two pairs: each has the other of its pair as its nearest.
PAIRS = of_unit_length(np.array([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0], [0.1, 1.0]]))


@pytest.mark.parametrize(
    ("drawn", "share"),
    [
        ([[0, 0], [1, 0], [9, 0], [8, 0]], 1.0),
        # The second of each pair lies with that of the other: nobody's neighbour is near.
        ([[0, 0], [9, 0], [1, 0], [8, 0]], 0.0),
        # The first pair is together, and the others are nearer to it than to each other.
        ([[0, 0], [1, 0], [-2, 0], [4, 0]], 0.5),
    ],
    ids=["all", "none", "half"],
)
def test_the_share_of_neighbours_that_a_picture_keeps(drawn, share):
    assert share_kept(PAIRS, np.array(drawn, dtype=float)) == share


def test_many_products_are_compared_in_blocks(monkeypatch):
    points = np.random.default_rng(0).normal(size=(50, 2))
    at_once = share_kept(of_unit_length(points), points)

    monkeypatch.setattr(plane, "BLOCK", 7)

    assert share_kept(of_unit_length(points), points) == at_once
