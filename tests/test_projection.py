"""The map: where products lie on it, and how many."""

import numpy as np
import pytest

from products import projection
from products.projection import catalogue_map, fitted, group, principal_plane
from tests.factory import axis, make_product, near


def test_the_plane_is_that_of_the_largest_variance():
    points = np.array([[0, 0, 0], [4, 0, 0], [0, 2, 0], [4, 2, 1e-3]], dtype=float)

    plane, kept = principal_plane(points)

    assert np.ptp(plane[:, 0]) == pytest.approx(4, abs=1e-3)
    assert np.ptp(plane[:, 1]) == pytest.approx(2, abs=1e-3)
    assert kept == pytest.approx(1, abs=1e-6)


def test_the_same_vectors_give_the_same_picture_whatever_their_order():
    points = np.random.default_rng(0).normal(size=(20, 5))

    plane, _ = principal_plane(points)
    turned, _ = principal_plane(points[::-1])

    assert np.allclose(plane, turned[::-1])


def test_points_fill_the_picture_and_keep_their_proportions():
    placed = np.array(fitted(np.array([[0.0, 0.0], [2.0, 0.5]])))

    assert placed[0].tolist() == [24.0, 201.0]
    assert placed[1].tolist() == [976.0, 439.0]


def test_points_in_one_place_are_no_failure():
    assert fitted(np.zeros((3, 2))) == 3 * [(500.0, 320.0)]


def test_the_smallest_categories_share_a_group():
    categories = [f"c{number}" for number in range(9) for _ in range(10 - number)]
    points = [projection.Point(n, "", n, 0) for n in range(len(categories))]

    groups = group(categories, points)

    assert [g.category for g in groups] == [*(f"c{n}" for n in range(7)), "…"]
    assert len(groups[-1].points) == 3 + 2


@pytest.mark.django_db
def test_a_map_needs_three_products_of_the_configured_recipe(client):
    make_product()
    make_product(embedding=near(0.5))
    make_product(embedding=axis(3), fingerprint="another/384/0")
    make_product(embedding=None)

    assert catalogue_map() is None
    assert "at least three products" in client.get("/map/").content.decode()
    assert client.get("/map.svg").status_code == 200


@pytest.mark.django_db
def test_the_map_of_a_large_catalogue_is_a_sample(monkeypatch, client):
    monkeypatch.setattr(projection, "MOST", 4)
    for number in range(12):
        make_product(category="<b>", embedding=near(0.05 * number))

    drawn = catalogue_map()

    assert drawn.sampled
    assert 3 <= drawn.count <= 4
    assert "chosen at random" in client.get("/map/").content.decode()


@pytest.mark.django_db
def test_the_picture_escapes_names_and_links_to_products(client):
    product = make_product(name="</title><script>alert(1)</script>")
    for number in range(3):
        make_product(embedding=near(0.1 * number))

    response = client.get("/map.svg")

    assert response.headers["Content-Type"] == "image/svg+xml"
    assert f'href="{product.get_absolute_url()}"' in response.content.decode()
    assert "<script" not in response.content.decode()
