"""The second projection of the map, computed by openTSNE and stored."""

import sys

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from products.insight.map import Kind, catalogue_map
from products.insight.projections import project, stored_places, text_number
from products.models import Product, Projection
from tests.factory import make_product, near

pytestmark = pytest.mark.django_db


@pytest.fixture
def two_kinds():
    """Twelve lamps around one axis and twelve shoes around another."""
    return [
        make_product(
            name=f"{name} {number}",
            category=name,
            embedding=near(0.01 * number, base=base, towards=base + 1 + number % 3),
        )
        for name, base in (("Lamp", 0), ("Shoe", 10))
        for number in range(12)
    ]


def places_of(projection, products):
    known = stored_places(projection)
    return np.array([known[p.pk, text_number(p.embedded_hash)] for p in products])


def test_neighbours_lie_beside_each_other(two_kinds):
    projection = project()

    assert projection.count == 24
    places = places_of(projection, two_kinds)
    middles = places[:12].mean(axis=0), places[12:].mean(axis=0)
    to_own = np.linalg.norm(places[:12] - middles[0], axis=1)
    to_other = np.linalg.norm(places[:12] - middles[1], axis=1)
    assert (to_own < to_other).all()


def test_the_same_products_get_the_same_places(two_kinds):
    first = project()
    again = project()

    assert first.pk == again.pk
    assert bytes(first.places) == bytes(again.places)


def test_progress_is_reported_to_the_end(two_kinds):
    reports = []

    project(on_progress=lambda *report: reports.append(report))

    assert reports[0] == ("comparing", 24, 24)
    assert reports[-1] == ("placing", 750, 750)


def test_the_command_says_how_much_is_kept(two_kinds, capsys):
    call_command("project_products")

    placed, kept = capsys.readouterr().out.splitlines()
    assert placed.startswith("Placed 24 products in ")
    assert kept.startswith("Of the 10 nearest of a product, t-SNE keeps ")
    stored = Projection.objects.get()
    assert f"{stored.kept:.0%}, the principal components" in kept
    assert f"{stored.principal_kept:.0%}. See /map/?projection=tsne." in kept


def test_the_command_takes_as_many_as_it_is_told(two_kinds, capsys):
    call_command("project_products", count=15)

    assert "Placed 15 products" in capsys.readouterr().out


@pytest.mark.parametrize("count", [9, 20_001])
def test_the_command_refuses_what_the_map_does_not_show(count):
    with pytest.raises(CommandError, match="from 10 to 20000"):
        call_command("project_products", count=count)


def test_a_few_products_are_not_projected():
    make_product()

    with pytest.raises(CommandError, match="1 products have an embedding; .* needs 10"):
        call_command("project_products")


def test_without_the_package_the_command_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "openTSNE", None)

    with pytest.raises(CommandError, match="pip install -c constraints.txt openTSNE"):
        call_command("project_products")


def test_a_stopped_command_says_what_is_shown(two_kinds, monkeypatch):
    def stop(*args, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("products.insight.projections.neighbourhoods", stop)

    with pytest.raises(CommandError, match="Stopped.") as stopped:
        call_command("project_products")

    assert stopped.value.returncode == 130
    assert not Projection.objects.exists()


# On the map


def store(products, places):
    """Store a projection as the command does, with places to reckon with."""
    return Projection.objects.create(
        fingerprint=products[0].embedding_fingerprint,
        ids=np.array([p.pk for p in products], "<i8").tobytes(),
        texts=np.array(
            [text_number(p.embedded_hash) for p in products], "<i8"
        ).tobytes(),
        places=np.array(places, "<f4").tobytes(),
        kept=0.75,
        principal_kept=0.25,
    )


@pytest.fixture
def stored():
    products = [
        make_product(name=f"Lamp {n}", embedding=near(0.1 * n)) for n in range(4)
    ]
    return products, store(products, [[0, 0], [1, 0], [2, 0], [4, 0]])


def test_a_stored_projection_is_offered_and_drawn(client, stored):
    products, _projection = stored

    drawn = catalogue_map(Kind.NEIGHBOURHOODS)

    # 952 of the picture's 1,000 units for four of the projection's.
    assert drawn.ids == [product.pk for product in products]
    assert drawn.places.tolist() == [[24, 320], [262, 320], [500, 320], [976, 320]]
    page = client.get("/map/?projection=tsne").content.decode()
    assert page.index("25 %") < page.index("75 %")
    assert 'href="/map/?projection=pca"' in page


def test_without_one_the_page_says_how_to_compute_it(client):
    for number in range(3):
        make_product(embedding=near(0.1 * number))

    page = client.get("/map/").content.decode()
    asked = client.get("/map/?projection=tsne")

    assert "projection=tsne" not in page
    assert "manage.py project_products computes a second map" in page
    assert asked.status_code == 400
    assert "It is not computed yet." in asked.content.decode()
    assert "The same in words" in asked.content.decode()


def test_changed_and_new_products_are_told_as_missing(client, stored):
    (first, *_), _projection = stored
    make_product(name="Torch", embedding=near(0.5))
    first.name = "Desk lamp"
    first.set_embedding(near(0.6), first.embedding_fingerprint)
    first.save(embed=False)

    drawn = catalogue_map(Kind.NEIGHBOURHOODS)

    assert (drawn.count, drawn.missing) == (3, 2)
    page = client.get("/map/?projection=tsne").content.decode()
    assert "are not on it: 2." in page
    assert "chosen at random" not in page


def test_a_projection_of_another_recipe_is_not_shown(client, stored):
    Projection.objects.update(fingerprint="another/384/0")

    assert catalogue_map(Kind.NEIGHBOURHOODS) is None
    assert "projection=tsne" not in client.get("/map/").content.decode()


def test_a_new_projection_is_shown_within_a_minute(client, stored, monkeypatch):
    before = client.get("/map/points/?projection=tsne")
    products, projection = stored
    projection.delete()
    store(products, [[4, 0], [1, 0], [2, 0], [0, 0]])
    monkeypatch.setattr("products.insight.map.FRESH_SECONDS", 0)

    etag = before.headers["ETag"]
    again = client.get("/map/points/?projection=tsne", headers={"If-None-Match": etag})

    assert before.json()["x"] == [2400, 26200, 50000, 97600]
    assert again.json()["x"] == [97600, 26200, 50000, 2400]


def test_a_deleted_product_is_not_on_the_map(stored):
    Product.objects.filter(name="Lamp 0").delete()

    drawn = catalogue_map(Kind.NEIGHBOURHOODS)

    assert (drawn.count, drawn.missing) == (3, 0)
