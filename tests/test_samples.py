"""The sets of sample products: loaded and removed as one."""

from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from products import samples
from products.models import Product
from tests.factory import make_product

pytestmark = pytest.mark.django_db


def test_the_sets_have_their_sizes():
    assert {name: samples.size(name) for name in samples.SETS} == {
        "ten": 10,
        "thousand": 980,
        "new": 3,
    }


def test_counts_are_those_of_the_catalogue():
    samples.load("ten")
    Product.objects.get(sku="yoga-mat").delete()
    make_product(name="Mine")

    assert samples.counts() == {"ten": 9, "thousand": 0, "new": 0}


def test_the_large_set_is_loaded_with_its_vectors():
    assert samples.load("thousand") == 980

    loaded = Product.objects.get(sku="sample-glass-teapot")
    assert (loaded.name, loaded.category) == ("Glass Teapot", "Kitchen")
    assert len(loaded.embedding) == 384
    assert Product.objects.count() == 980


def test_loading_again_puts_back_what_was_changed_and_keeps_the_id():
    samples.load("ten")
    before = Product.objects.get(sku="yoga-mat")
    Product.objects.filter(pk=before.pk).update(name="Mine", price=1)

    samples.load("ten")

    after = Product.objects.get(sku="yoga-mat")
    assert (after.pk, after.name, after.price) == (
        before.pk,
        "Yoga Mat",
        before.price,
    )
    assert after.updated_at > before.updated_at


def test_loading_without_replacing_counts_and_writes_only_what_is_missing():
    make_product(name="Mine", sku="yoga-mat", price="1.00")

    assert samples.load("ten", replace=False) == 9

    assert Product.objects.get(sku="yoga-mat").name == "Mine"


def test_removing_takes_only_unchanged_products_of_the_set():
    samples.load("ten")
    samples.load("new")
    make_product(name="Mine")
    Product.objects.filter(sku="yoga-mat").update(description="My own words")
    Product.objects.filter(sku="coffee-maker").update(price=Decimal("1.00"))

    found = samples.remove("ten")

    assert (len(found.unchanged), found.changed, found.count) == (8, 2, 10)
    assert set(Product.objects.values_list("name", flat=True)) == {
        "Mine",
        "Yoga Mat",
        "Coffee Maker",
        "Espresso Machine",
        "Wireless Gaming Mouse",
        "Fitness Tracker Band",
    }


@pytest.mark.usefixtures("real_model")
def test_the_bundled_model_made_the_embeddings_of_every_set():
    assert all(samples.fit_recipe(name) for name in samples.SETS)


def test_another_recipe_did_not_make_them_and_they_have_to_be_embedded():
    samples.load("ten")

    assert not samples.fit_recipe("ten")
    assert Product.objects.needs_embedding().count() == 10


@pytest.mark.usefixtures("real_model")
def test_the_command_loads_and_removes_a_set(capsys):
    call_command("samples", "load", "ten")
    Product.objects.filter(sku="yoga-mat").update(name="Mine")
    call_command("samples", "remove", "ten")

    said = capsys.readouterr().out
    assert "Loaded 10 sample products." in said
    assert "embed_products" not in said
    assert "Removed 9 sample products. Kept 1 that somebody changed." in said


def test_the_command_says_what_to_do_under_another_recipe(capsys):
    call_command("samples", "load", "ten")

    assert "Run manage.py embed_products" in capsys.readouterr().out


def test_the_command_gives_the_reason_of_the_database():
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE products ADD CHECK (name <> 'Yoga Mat')")

    with pytest.raises(CommandError, match="Nothing was loaded"):
        call_command("samples", "load", "ten")
