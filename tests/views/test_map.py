"""What the page of the map and its script get: points, cards, names, searches."""

import pytest

from products.insight import sampling
from products.models import Product
from products.views import map_drawing
from tests.factory import axis, make_product, near

pytestmark = pytest.mark.django_db


@pytest.fixture
def lamps():
    """Seven lamps on an arc: the nearest of each are those beside it."""
    return [
        make_product(name=f"Lamp {n}", category="Home", embedding=near(0.1 * n))
        for n in range(7)
    ]


def test_the_points_have_no_names(client, lamps):
    make_product(pk=lamps[-1].pk + 1, name="Shoe", embedding=axis(3))

    response = client.get("/map/points/")

    points = response.json()
    assert points["ids"] == [p.pk for p in lamps] + [lamps[-1].pk + 1]
    # The largest category comes first; the shoe has none.
    assert points["series"] == [*(7 * [0]), 1]
    assert (points["width"], points["height"]) == (100_000, 64_000)
    # The picture's height without its margins, in hundredths.
    assert max(points["y"]) - min(points["y"]) == 59_200
    assert points["clusters"] == []
    assert "Lamp" not in response.content.decode()


def test_the_points_are_sent_compressed_and_once(client):
    for number in range(60):  # fewer are shorter than what gzip makes of them
        make_product(embedding=near(0.01 * number))
    first = client.get("/map/points/", headers={"Accept-Encoding": "gzip"})

    etag = first.headers["ETag"]
    again = client.get("/map/points/", headers={"If-None-Match": etag})

    assert first.headers["Content-Encoding"] == "gzip"
    assert etag.startswith("W/")
    assert (again.status_code, again.content) == (304, b"")


def test_a_catalogue_without_a_map_has_no_points(client):
    assert client.get("/map/points/").json()["ids"] == []


def test_the_clusters_of_the_points_have_words(client):
    for number in range(30):
        make_product(name=f"Desk lamp {number}", embedding=near(0.001 * number))
        make_product(
            name=f"Running shoes {number}",
            embedding=near(0.001 * number, base=5, towards=6),
        )

    clusters = client.get("/map/points/").json()["clusters"]

    assert sorted(cluster["words"] for cluster in clusters) == [
        "Desk · lamp",
        "Running · shoes",
    ]
    assert "Desk · lamp" in client.get("/map/").content.decode()


def test_the_picture_of_a_large_map_shows_a_part(client, lamps, monkeypatch):
    monkeypatch.setattr(map_drawing, "PICTURED", 3)

    picture = client.get("/map.svg").content.decode()

    # Every third of seven.
    assert picture.count("<circle") == 3
    assert all(f"Lamp {n}<" in picture for n in (0, 3, 6))


@pytest.mark.parametrize("path", ["/map.svg", "/map/points/"])
def test_there_is_no_picture_of_another_projection(client, path):
    assert client.get(path, {"projection": "umap"}).status_code == 404


def test_a_card_has_the_five_nearest_and_their_distances(client, lamps):
    response = client.get(f"/map/products/{lamps[0].pk}/")

    card = response.content.decode()
    assert f'data-product="{lamps[0].pk}"' in card
    assert f'href="{lamps[0].get_absolute_url()}#similar"' in card
    assert "$9.99" in card
    assert [f"Lamp {n}" in card for n in range(7)] == [*(6 * [True]), False]
    assert card.index("0.100") < card.index("0.200") < card.index("0.500")


def test_the_neighbours_of_a_card_are_read_in_one_statement(
    client, lamps, django_assert_num_queries
):
    with django_assert_num_queries(1):
        client.get(f"/map/products/{lamps[0].pk}/")


def test_the_card_of_a_product_without_embedding_says_so(client):
    bare = make_product(name="Torch", embedding=None)

    card = client.get(f"/map/products/{bare.pk}/").content.decode()

    assert "Torch has no embedding yet" in card


def test_there_is_no_card_of_no_product(client):
    assert client.get("/map/products/123456789/").status_code == 404


def test_names_come_in_the_order_that_was_asked_for(client, lamps):
    ids = [lamps[2].pk, 123_456_789, lamps[0].pk]

    names = client.get("/map/names/", {"product": ids}).content.decode()

    assert names.index("Lamp 2") < names.index("Lamp 0")
    assert names.count("<li>") == 2


@pytest.mark.parametrize(
    "asked",
    [["x"], ["-1"], ["1" * 19], ["٣"], list(range(21))],
    ids=["text", "negative", "too long", "another script", "too many"],
)
def test_nobody_gets_the_names_of_what_is_no_id_or_of_too_many(client, asked, caplog):
    response = client.get("/map/names/", {"product": asked})

    assert response.status_code == 400
    assert "up to 20 ids of products" in response.content.decode()
    assert not any(record.exc_info for record in caplog.records)


def test_a_search_gives_the_ids_of_what_it_finds(client, by_hand):
    found = client.get("/map/found/", {"q": "bright"}).json()

    [product] = Product.objects.filter(description="Bright")
    assert found["ids"][0] == product.pk
    assert found["text"] == "1 product"


@pytest.mark.parametrize("text", ["x" * 1_001, "\0"], ids=["too long", "no text"])
def test_what_cannot_be_searched_for_is_said(client, text):
    response = client.get("/map/found/", {"q": text})

    assert response.status_code == 400
    assert response.json()["ids"] == []
    assert response.json()["text"]


# The page


def test_the_page_shows_the_chosen_product_without_a_script(client, lamps):
    page = client.get("/map/", {"product": lamps[1].pk}).content.decode()

    assert f'<article class="map-card" data-product="{lamps[1].pk}"' in page
    assert f'href="/map/?product={lamps[0].pk}"' in page


@pytest.mark.parametrize(
    ("asked", "status", "message"),
    [
        ({"product": "123456789"}, 404, "There is no such product. Choose a point."),
        ({"product": "abc"}, 400, "Product: Enter a whole number."),
        ({"product": "9" * 30}, 400, "less than or equal to 9223372036854775807"),
        ({"projection": "umap"}, 400, "umap is not one of the available choices"),
        ({"q": "x" * 1_001}, 400, "at most 1000 characters"),
    ],
    ids=["unknown", "text", "too large", "no projection", "long"],
)
def test_a_wrong_address_shows_the_map_and_says_what_is_wrong(
    client, lamps, asked, status, message
):
    response = client.get("/map/", asked)

    assert response.status_code == status
    assert message in response.content.decode()
    assert 'id="map-canvas"' in response.content.decode()


def test_the_page_says_of_how_many_nearest_it_speaks(client, lamps):
    page = client.get("/map/").content.decode()

    # Seven products: three of the six others.
    assert "3 nearest, so many are among its nearest on the map too" in page


def test_an_empty_map_offers_the_samples_to_those_who_may_write(client, settings):
    settings.OPEN_CATALOG = True
    offered = client.get("/map/").content.decode()
    settings.OPEN_CATALOG = False
    closed = client.get("/map/").content.decode()

    assert "Load the sample products" in offered
    assert "Load the sample products" not in closed


def test_all_products_of_a_small_catalogue_are_on_the_map(client, monkeypatch):
    # Ids far apart are no reason to leave one out.
    monkeypatch.setattr(sampling, "MOST", 10)
    for number in range(10):
        make_product(pk=1_000_000 + 1_000 * number, embedding=near(0.05 * number))

    assert len(client.get("/map/points/").json()["ids"]) == 10
