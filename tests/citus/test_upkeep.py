"""Commands that change the table itself, on one server and on shards."""

import math
import random
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection

from products.models import DIMENSIONS, EmbeddingRecipe, Product
from products.quality.recall import index_quality
from products.search import search
from products.search.answer import similar_to
from products.sql.language import current_language
from products.upkeep.vector_index import HALFVEC, VECTOR, is_usable
from tests.backends import SECOND, Second
from tests.factory import make_product

pytestmark = pytest.mark.django_db(transaction=True)


def run(*args, **options):
    out = StringIO()
    call_command(*args, stdout=out, stderr=out, **options)
    return out.getvalue()


def unit(numbers):
    length = math.sqrt(sum(number**2 for number in numbers))
    return [number / length for number in numbers]


@pytest.fixture
def crowd():
    """120 products with vectors at random, always the same."""
    chance = random.Random(7)
    for number in range(120):
        vector = unit([chance.gauss(0, 1) for _ in range(DIMENSIONS)])
        make_product(sku=f"sku-{number}", name=f"Lampen {number}", embedding=vector)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE products")


def test_the_index_is_built_in_both_precisions(crowd):
    run("build_index")
    out = run("build_index", halfvec=True)

    assert "Half precision saves" in out
    assert index_quality(VECTOR, using="default").recall > 0.9
    half = index_quality(HALFVEC, using="default")
    assert half.recall > 0.9
    assert half.size > 0

    run("build_index", drop_other=True)
    assert is_usable(VECTOR, using="default")
    assert not is_usable(HALFVEC, using="default")


def test_the_model_is_changed_and_back(crowd):
    before = EmbeddingRecipe.objects.current().fingerprint
    product = Product.objects.get(sku="sku-7")

    run("migrate_embeddings", to=SECOND)
    run("migrate_embeddings", switch=True)
    assert EmbeddingRecipe.objects.current().fingerprint == Second().fingerprint
    assert Product.objects.embedding_states()["fresh"] == 120
    assert len(similar_to(product.pk, page_size=10)[1].hits) == 10

    run("migrate_embeddings", rollback=True)
    assert EmbeddingRecipe.objects.current().fingerprint == before
    run("migrate_embeddings", finish=True)
    assert Product.objects.embedding_states()["fresh"] == 120
    assert is_usable(VECTOR, using="default")


def test_the_language_is_changed_and_back(crowd):
    before = current_language("default")
    assert not search("Lampe", mode="keyword", literal=True).hits

    run("set_language", "german")
    try:
        assert search("Lampe", mode="keyword", literal=True).hits
    finally:
        run("set_language", before)


def test_the_checks_find_the_index_and_the_states(crowd, capsys):
    call_command("check", databases=["default"])

    assert "products.W00" not in capsys.readouterr().err
