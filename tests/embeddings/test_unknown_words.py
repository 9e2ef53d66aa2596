"""Texts in which the model knows no word: no vector, and everybody says why."""

import pytest
from django.core.management import call_command

from products.embeddings import get_backend
from products.models import Product
from products.querysets import EmbeddingState
from products.search import search
from products.upkeep.pending import count_pending, embed_pending
from tests.backends import LATIN, Latin
from tests.factory import axis, make_product

FRIDGE, HEADPHONES = "เครื่องซักผ้า", "หูฟังไร้สาย"


@pytest.fixture
def latin(db, settings):
    settings.EMBEDDING_BACKEND = LATIN


@pytest.fixture
def thai(latin):
    product = Product(sku="thai", name=FRIDGE, price=1)
    product.save()
    return Product.objects.get(sku="thai")


@pytest.mark.parametrize(
    "text, known",
    [
        ("mug", True),
        ("☕ mug", True),
        ("Kopfhörer", True),
        ("16 GB", True),
        ("холодильник", True),  # letter by letter: two such texts do differ
        ("耳机", True),  # one of the two
        ("123", True),
        ("???", True),
        ("☕☕", False),
        ("☕☕ 2", False),
        (FRIDGE, False),
        (HEADPHONES, False),
        ("冰箱", False),
    ],
)
def test_the_bundled_model_says_whether_it_knows_a_word(real_model, text, known):
    assert get_backend().knows(["lamp", text]) == [True, known]


def test_unknown_words_would_have_the_same_vector(real_model):
    one, other = get_backend().embed([FRIDGE, HEADPHONES])

    assert one @ other > 0.99


def test_a_product_without_a_known_word_is_saved_without_a_vector(thai):
    assert (thai.embedding, thai.embedding_fingerprint) == (None, "")
    assert not thai.needs_embedding()
    [state] = Product.objects.with_embedding_state()
    assert state.embedding_state == EmbeddingState.UNKNOWN


def test_nobody_tries_it_again(thai, monkeypatch):
    monkeypatch.setattr(Latin, "knows", None)

    assert count_pending() == 0
    assert list(embed_pending()) == []


@pytest.mark.parametrize(
    "change", [{"name": "Fridge"}, {"description": "A fridge, เย็น"}]
)
def test_it_is_tried_again_once_its_text_changes(thai, change):
    Product.objects.update(**change)

    assert count_pending() == 1


def test_another_model_may_know_its_words(thai, settings):
    settings.EMBEDDING_BACKEND = "products.embeddings.deterministic.EmbeddingBackend"

    assert [*embed_pending()] == [1]
    assert Product.objects.fresh().count() == 1


def test_a_vector_that_sql_takes_away_is_missing(latin):
    make_product(name=FRIDGE)
    Product.objects.update(embedding=None)

    assert Product.objects.missing_embedding().count() == 1
    assert count_pending() == 1


def test_embed_products_takes_away_vectors_from_before(latin, capsys):
    make_product(sku="thai", name=FRIDGE, embedding=axis(0))
    make_product(name="Mug", embedding=axis(1))

    call_command("embed_products")

    assert [product.sku for product in Product.objects.without_known_words()] == [
        "thai"
    ]
    assert Product.objects.fresh().count() == 1
    out = capsys.readouterr().out
    assert "Took 1 vectors away" in out
    assert "1 products have no word that the model knows" in out


def test_words_find_it(thai):
    make_product(name="Mug")

    results = search(FRIDGE)

    assert [hit.product.sku for hit in results] == ["thai"]
    assert "does not know these words" in results.notice
    assert (results.plan.method, results.plan.reason) == (
        "keyword",
        "the model knows no word of the text",
    )


def test_its_page_says_why_nothing_is_similar(thai, client):
    make_product(name="Mug")

    page = client.get(thai.get_absolute_url())

    assert f"The model knows no word of {FRIDGE}" in page.content.decode()


def test_it_cannot_be_an_example_beside_a_text(thai):
    results = search("mug", like=[thai])

    assert "The model knows no word of" in results.notice


def test_the_admin_lists_such_products(thai, admin_client):
    make_product(name="Mug")

    listed = admin_client.get("/admin/products/product/?embedding_state=unknown")
    counts = admin_client.get("/admin/products/product/embeddings/")

    assert [row.sku for row in listed.context["cl"].result_list] == ["thai"]
    assert counts.context["states"]["unknown"] == 1
    assert counts.context["pending"] == 0


def test_a_part_without_a_known_word_is_not_compared(latin, client):
    product = make_product(name="Mug", description=FRIDGE)

    page = client.get(f"/products/{product.pk}/why/", {"q": "mug"})

    assert page.status_code == 200
    page = client.get(f"/products/{product.pk}/why/", {"q": FRIDGE})
    assert page.status_code == 400
    assert "No word of this text is known" in page.content.decode()
