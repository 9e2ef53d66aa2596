"""The migration that reads the words of all products anew."""

import pytest
from django.core.management import call_command
from django.db import connection

from products.models import Product
from products.search import search
from products.upkeep import rewriting
from products.upkeep.rewriting import Steps, step_of
from products.upkeep.vector_index import Progress
from tests.factory import make_product


def indexes():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT indexdef FROM pg_indexes WHERE tablename = 'products' ORDER BY 1"
        )
        return cursor.fetchall()


@pytest.mark.django_db(transaction=True)
def test_products_are_read_anew_and_the_steps_shown(monkeypatch, capsys):
    product = make_product(name="Stick of 16 GB")
    before = indexes()
    call_command("migrate", "products", "0007", verbosity=0)
    monkeypatch.setattr(rewriting, "LARGE", 0)

    call_command("migrate", verbosity=0)

    assert [hit.pk for hit in search("16gb", mode="keyword")] == [product.pk]
    assert Product.objects.get().embedding is not None
    assert indexes() == before
    steps = [line.strip() for line in capsys.readouterr().out.splitlines() if line]
    assert steps[:2] == [
        "Writing all products anew: 1",
        "Building products_embedding_idx",
    ]


def test_a_step_is_written_once(capsys):
    say = Steps()
    for done in (0, 1, 2, 3):
        say(step_of(Progress("loading tuples", done, 20)))
    say(step_of(Progress("initializing", 0, 0)))

    assert capsys.readouterr().out.splitlines() == [
        "",
        "    loading tuples, 0 %",
        "    loading tuples, 10 %",
        "    initializing",
    ]
