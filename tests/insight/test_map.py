"""The map: where products lie on it, and how many."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from django.core.cache import cache
from django.db import connection
from django.db.models import F
from django.test.utils import override_script_prefix
from django.utils.translation import get_language

from products.embeddings import get_backend
from products.insight import map as insight_map, sampling
from products.insight.map import Kind, Map, catalogue_map, grouped
from products.insight.plane import vectors_of
from products.models import Product
from products.sql.expressions import VectorBytes
from products.views import map as map_pages, map_drawing
from tests.factory import axis, make_product, near


def test_the_smallest_categories_share_a_group():
    categories = [f"c{number}" for number in range(9) for _ in range(10 - number)]
    ids = range(len(categories))
    places = np.array([[n, 0.0] for n in ids])

    series, groups = grouped(ids, [f"Lamp {n}" for n in ids], categories, places)

    assert [group.category for group in groups] == [*(f"c{n}" for n in range(7)), "…"]
    assert groups[0].count == 10
    assert groups[-1].count == 3 + 2
    assert series.tolist()[:11] == 10 * [0] + [1]
    assert series.tolist()[-5:] == 5 * [7]


def test_the_middle_of_a_group_is_the_product_nearest_to_the_mean_of_all():
    # The mean of 0, 1 and 5 is 2, and 1 is the nearest to it.
    places = np.array([[0.0, 0.0], [1.0, 0.0], [5.0, 0.0]])

    _, [group] = grouped([7, 8, 9], ["Low", "Middle", "High"], 3 * ["Home"], places)

    assert (group.middle, group.middle_name) == (8, "Middle")


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
    monkeypatch.setattr(sampling, "MOST", 4)
    for number in range(12):
        make_product(category="<b>", embedding=near(0.05 * number))

    drawn = catalogue_map()

    assert drawn.count == 4
    page = client.get("/map/").content.decode()
    assert "4 of 12 products, chosen at random, are shown." in page
    assert client.get("/map.svg").content.decode().count("<circle") == 4


@pytest.mark.django_db
def test_a_large_catalogue_is_not_counted_to_its_end(monkeypatch, client):
    monkeypatch.setattr(sampling, "MOST", 4)
    monkeypatch.setattr(sampling, "COUNTED", 10)
    monkeypatch.setattr(map_pages, "COUNTED", 10)
    for number in range(12):
        make_product(embedding=near(0.05 * number))

    page = client.get("/map/").content.decode()

    assert "4 of more than 10 products, chosen at random, are shown." in page


@pytest.mark.django_db
def test_the_map_of_a_small_catalogue_is_not_a_sample(client):
    three_products()

    assert "chosen at random" not in client.get("/map/").content.decode()


# Cached, and at most a minute old


@pytest.fixture
def a_minute_later(monkeypatch):
    """A function that lets a minute pass for the map."""
    clock = time.time

    def pass_by():
        monkeypatch.setattr(insight_map.time, "time", lambda: clock() + 60)

    return pass_by


def three_products():
    return [make_product(name=f"Lamp {n}", embedding=near(0.2 * n)) for n in range(3)]


def run_sql(statement, *parameters):
    """Change the catalogue as another program may: no model, no signal."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)


CHANGES = {
    "added": lambda first: make_product(name="Torch", embedding=near(0.5)),
    "deleted": lambda first: run_sql("DELETE FROM products WHERE id = %s", first),
    "renamed": lambda first: run_sql(
        "UPDATE products SET name = 'Torch' WHERE id = %s", first
    ),
    "in another category": lambda first: run_sql(
        "UPDATE products SET category = 'Home' WHERE id = %s", first
    ),
    "embedded anew": lambda first: run_sql(
        "UPDATE products SET embedding = %s::vector WHERE id = %s", str(axis(7)), first
    ),
    "without embedding": lambda first: run_sql(
        "UPDATE products SET embedding = NULL WHERE id = %s", first
    ),
}


@pytest.mark.django_db
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_no_picture_is_a_minute_older_than_the_catalogue(
    client, a_minute_later, change
):
    first, *_ = three_products()
    make_product(name="Candle", embedding=near(0.7, towards=2))
    before = client.get("/map.svg")

    change(first.pk)
    a_minute_later()
    after = client.get("/map.svg", headers={"If-None-Match": before.headers["ETag"]})

    assert after.status_code == 200
    assert after.content != before.content


@pytest.mark.django_db
def test_a_map_is_drawn_once_as_long_as_nothing_changes(
    client, monkeypatch, a_minute_later, django_assert_num_queries
):
    three_products()
    before = client.get("/map.svg").content
    monkeypatch.setattr(insight_map, "draw_map", lambda *_: pytest.fail("Drawn again."))
    monkeypatch.setattr(
        map_drawing, "render_to_string", lambda *_: pytest.fail("Again.")
    )

    a_minute_later()
    with django_assert_num_queries(3):
        again = client.get("/map.svg")

    assert again.content == before
    etag = again.headers["ETag"]
    assert client.get("/map.svg", headers={"If-None-Match": etag}).status_code == 304


@pytest.mark.django_db
def test_a_map_is_drawn_at_most_once_a_minute(
    client, a_minute_later, django_assert_num_queries
):
    three_products()
    before = client.get("/map.svg").content
    make_product(name="Torch", embedding=near(0.5))

    with django_assert_num_queries(0):
        meanwhile = client.get("/map.svg").content
    a_minute_later()
    after = client.get("/map.svg").content

    assert meanwhile == before
    assert b"Torch" in after


@pytest.mark.django_db
def test_one_thread_draws_and_the_others_see_the_old_map(monkeypatch, a_minute_later):
    three_products()
    old = catalogue_map()
    make_product(name="Torch", embedding=near(0.5))
    a_minute_later()

    with insight_map.TURNS.taken(seconds=0):
        assert catalogue_map().version == old.version

    assert catalogue_map().version != old.version


def test_a_first_map_is_drawn_once_for_all_who_wait(monkeypatch):
    drawn = Map(Kind.PRINCIPAL, [], None, None, [], [], "new")
    began, may_end, calls = threading.Event(), threading.Event(), []

    def draw(*args):
        calls.append(args)
        began.set()
        assert may_end.wait(30)
        return drawn

    monkeypatch.setattr(insight_map, "sample", lambda total: None)
    monkeypatch.setattr(insight_map, "stored_projection", lambda: None)
    monkeypatch.setattr(insight_map, "shares_of", lambda *_: {})
    monkeypatch.setattr(insight_map, "version_of", lambda _: "new")
    monkeypatch.setattr(insight_map, "embedded_count", lambda: 3)
    monkeypatch.setattr(insight_map, "draw_map", draw)

    with ThreadPoolExecutor(4) as threads:
        maps = [threads.submit(catalogue_map) for _ in range(4)]
        assert began.wait(30)
        while insight_map.TURNS.inside < 4:
            time.sleep(0.01)
        may_end.set()
        versions = [found.result(30).version for found in maps]

    assert versions == 4 * ["new"]
    assert len(calls) == 1


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/map/", "/map.svg", "/map/points/"])
def test_who_cannot_wait_for_a_first_map_is_told_so(client, monkeypatch, path):
    three_products()
    monkeypatch.setattr(insight_map, "WAIT_SECONDS", 0.01)

    with insight_map.TURNS.taken(seconds=0):
        response = client.get(path)

    assert (response.status_code, response.headers["Retry-After"]) == (503, "5")
    assert "try again in a few seconds" in response.content.decode()


@pytest.mark.django_db
def test_a_new_product_at_the_end_makes_no_other_sample(monkeypatch):
    monkeypatch.setattr(sampling, "MOST", 300)
    numbers = range(1, 1001, 2)
    Product.objects.bulk_create(
        Product(pk=n, sku=str(n), name="Lamp", price=1, embedding=near(0.5))
        for n in numbers
    )
    Product.objects.update(embedding_fingerprint=get_backend().fingerprint)
    before = {product.pk for product in sampling.sample(500)}

    Product.objects.filter(pk=999).update(id=1003)
    after = {product.pk for product in sampling.sample(500)}

    assert 100 < len(before) < 200
    assert before - {999} == after - {1003}


@pytest.mark.parametrize(
    ("first", "last", "rounded"),
    [
        # 990 needs ten bits, so the steps are of 2**(10 - 6) = 16.
        (10, 1000, (0, 1008)),
        (10, 1007, (0, 1008)),
        (10, 1009, (0, 1024)),
        # 20,000 needs fifteen: steps of 512.
        (1_000_000, 1_020_000, (999_936, 1_020_416)),
        (0, 1, (0, 1)),
    ],
)
def test_the_range_of_a_sample_is_rounded(first, last, rounded):
    assert sampling.rounded_range(first, last) == rounded


@pytest.mark.django_db
def test_a_picture_of_one_language_is_not_shown_in_another(
    client, settings, monkeypatch
):
    settings.LANGUAGES = [("en", "English"), ("de", "Deutsch")]
    three_products()
    monkeypatch.setattr(map_drawing, "render_to_string", lambda *_: get_language())

    shown = [
        client.get("/map.svg", headers={"Accept-Language": language})
        for language in ("de", "en", "de")
    ]

    assert [picture.content for picture in shown] == [b"de", b"en", b"de"]
    assert "Accept-Language" in shown[0].headers["Vary"]


@pytest.mark.django_db
def test_coordinates_are_written_with_a_point_in_every_language(client, settings):
    settings.LANGUAGES = [("en", "English"), ("de", "Deutsch")]
    three_products()

    english, german = (
        client.get("/map.svg", headers={"Accept-Language": language}).content
        for language in ("en", "de")
    )

    assert english == german


@pytest.mark.django_db
def test_the_picture_is_sent_compressed(client):
    three_products()

    response = client.get("/map.svg", headers={"Accept-Encoding": "gzip"})

    assert response.headers["Content-Encoding"] == "gzip"
    assert response.headers["ETag"].startswith("W/")


@pytest.mark.django_db
def test_vectors_are_read_as_they_were_stored():
    vectors = [near(0.3), axis(5)]
    for vector in vectors:
        make_product(embedding=vector)
    columns = VectorBytes(F("embedding"))

    sent = Product.objects.order_by("pk").values_list(columns, flat=True)

    assert np.allclose(vectors_of(list(sent)), vectors)


@pytest.mark.django_db
def test_the_picture_escapes_names_and_links_to_products(client):
    product = make_product(name="</title><script>alert(1)</script>")
    for number in range(3):
        make_product(embedding=near(0.1 * number))

    response = client.get("/map.svg")

    assert response.headers["Content-Type"] == "image/svg+xml"
    assert f'href="{product.get_absolute_url()}"' in response.content.decode()
    assert "<script" not in response.content.decode()


@pytest.mark.django_db
def test_a_map_of_deleted_products_is_forgotten(client, a_minute_later):
    three_products()
    assert client.get("/map.svg").content.count(b"<circle") == 3
    Product.objects.all().delete()
    a_minute_later()

    assert client.get("/map.svg").content.count(b"<circle") == 0
    assert cache.get("map-pca") is None  # which the next one would be shown meanwhile


@pytest.mark.django_db
def test_the_picture_below_a_path_is_not_that_of_another(client):
    three_products()
    with override_script_prefix("/shop/"):
        below = map_drawing.catalogue_picture(Kind.PRINCIPAL)
    above = client.get("/map.svg").content

    assert 'href="/shop/products/' in below
    assert b"/shop/" not in above
