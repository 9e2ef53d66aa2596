"""The second look: when a query is corrected, and what the results say of it."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from products.embeddings import BaseEmbeddingBackend, EmbeddingError
from products.models import Product
from products.search import Filters, Mode, search, vocabulary
from tests.factory import axis, make_product

pytestmark = pytest.mark.django_db


class Kitchen(BaseEmbeddingBackend):
    """Knows what a few texts mean, and counts what it is asked."""

    model = "kitchen"
    default_floor = 0.3
    known = {
        "kettle": axis(0),
        "red kettle": axis(0),
        "teapot": axis(1),
        "teapot cattle": axis(1),
    }

    def __init__(self):
        self.texts = []

    def knows_word(self, word):
        return word == "cattle"

    def vectors(self, texts):
        self.texts += texts
        return [self.known.get(text, axis(383)) for text in texts]


@pytest.fixture
def embedder():
    return Kitchen()


@pytest.fixture
def kitchen(embedder):
    """Three products; "whistling" stands in no name."""

    def make(sku, name, category, embedding, description=""):
        make_product(
            sku=sku,
            name=name,
            category=category,
            description=description,
            embedding=embedding,
            fingerprint=embedder.fingerprint,
        )

    make("K-1", "Red kettle", "Kitchen", axis(0), "Whistling kattle")
    make("K-2", "Kettle", "Camping", axis(0))
    make("T-1", "Teapot", "Kitchen", axis(1))


@pytest.fixture
def ask(embedder, kitchen):
    def ask(*args, **options):
        return search(*args, embedder=embedder, **options)

    return ask


def skus(results):
    return [hit.product.sku for hit in results]


@pytest.mark.parametrize("mode", list(Mode))
def test_a_word_that_no_product_has_is_corrected(ask, mode):
    results = ask("ketle", mode=mode)

    assert (results.corrected, results.mode) == ("kettle", mode)
    assert sorted(skus(results)) == ["K-1", "K-2"]


@pytest.mark.parametrize("mode", list(Mode))
def test_the_text_as_typed_is_searched_for_on_request(ask, mode):
    results = ask("ketle", mode=mode, literal=True)

    assert (results.corrected, skus(results)) == ("", [])


def test_the_other_words_found_something_and_it_is_corrected_all_the_same(ask):
    assert skus(ask("red ketle", mode="keyword", literal=True)) == ["K-1"]

    results = ask("red ketle", mode="keyword")

    assert results.corrected == "red kettle"
    assert skus(results) == ["K-1", "K-2"]
    assert set(results.hits[0].words) == {"Red", "kettle"}


def test_a_word_of_a_description_is_not_corrected(ask):
    assert ask("kattle").corrected == ""
    assert ask("kittle").corrected == "kettle"


@pytest.mark.parametrize("mode", list(Mode))
def test_a_word_of_the_language_is_only_suggested_to_be_another(ask, mode):
    results = ask("kttle", mode=mode)
    assert (results.corrected, results.suggested) == ("kettle", "")

    make_product(name="Battle")
    vocabulary.forget()
    results = ask("cattle", mode=mode)
    assert (results.corrected, results.suggested) == ("", "battle")

    # The first word is an error, the second need not be one.
    results = ask("teepot cattle", mode=mode)
    assert (results.corrected, results.suggested) == ("teapot cattle", "teapot battle")


def test_without_its_model_a_search_by_words_finds_what_it_finds(
    kitchen, embedder, monkeypatch
):
    def broken(word):
        raise EmbeddingError("The model is broken. Repair it.")

    monkeypatch.setattr(embedder, "knows_word", broken)

    results = search("red ketle", mode=Mode.KEYWORD, embedder=embedder)

    assert (results.corrected, skus(results)) == ("", ["K-1"])


def test_a_stop_word_is_not_corrected(ask):
    make_product(name="Than there other")

    assert ask("them teapot").corrected == ""


def test_a_sku_of_two_words_is_not_corrected(ask):
    make_product(sku="red ketle", name="Something else")

    results = ask("red ketle")

    assert (results.corrected, results.hits[0].product.sku) == ("", "red ketle")


def test_a_sku_is_not_corrected(ask):
    make_product(sku="ketle", name="Something else")

    results = ask("ketle")

    assert (results.corrected, skus(results)) == ("", ["ketle"])
    assert ask("red ketle").corrected == ""


def test_words_that_products_have_are_joined_where_nothing_was_found(ask):
    make_product(name="Tea", embedding=None)
    make_product(name="Pot", embedding=None)

    assert ask("tea pot").corrected == ""
    assert ask("tea pot", mode=Mode.SEMANTIC).corrected == "teapot"


def test_a_correction_that_finds_nothing_is_not_shown(ask):
    results = ask("teepot", Filters(categories=("Camping",)))

    assert (results.corrected, results.total) == ("", 0)


def test_filters_facets_and_pages_are_of_the_corrected_text(ask):
    first = ask("ketle", page_size=1)
    second = ask("ketle", page_size=1, page=2)
    camping = ask("ketle", Filters(categories=("Camping",)))

    assert first.corrected == second.corrected == camping.corrected == "kettle"
    assert sorted(skus(first) + skus(second)) == ["K-1", "K-2"]
    assert skus(camping) == ["K-2"]
    assert first.facets == camping.facets == [("Camping", 1), ("Kitchen", 1)]


def test_examples_narrow_a_corrected_text_too(ask):
    example = Product.objects.get(sku="K-1")

    results = ask("ketle", like=[example])

    # For an example no product is too far away, so the teapot comes too.
    assert (results.corrected, skus(results)) == ("kettle", ["K-2", "T-1"])


def test_the_corrected_text_is_embedded_once(ask, embedder):
    ask("ketle")
    ask("ketle")

    assert embedder.texts == ["ketle", "kettle"]


def test_while_no_text_can_be_embedded_nothing_is_corrected(kitchen, broken_model):
    results = search("red ketle")

    assert results.notice
    assert (results.corrected, skus(results)) == ("", ["K-1"])


def test_words_that_products_have_cost_no_second_look(ask):
    def statements(**options):
        with CaptureQueriesContext(connection) as queries:
            assert ask("red kettle", **options).total
        return [query["sql"] for query in queries]

    ask("red kettle")  # embeds the text

    assert statements() == statements(literal=True)
    assert not vocabulary.KEPT


def test_where_nothing_is_near_no_statement_is_added(ask, monkeypatch):
    monkeypatch.setattr(vocabulary, "KEPT_FACTOR", float("inf"))
    ask("ketle")  # reads the words

    with CaptureQueriesContext(connection) as literal:
        ask("qzxvqzxv", literal=True)
    with CaptureQueriesContext(connection) as queries:
        ask("qzxvqzxv")

    assert len(queries) == len(literal)


def test_operators_stay_where_the_rest_is_corrected(kitchen, ask):
    results = ask("ketle -red", mode="keyword")

    assert results.corrected == "kettle -red"
    assert skus(results) == ["K-2"]
    assert ask('"red ketle"', mode="keyword", literal=True).corrected == ""


def test_a_text_of_very_many_words_is_not_corrected(kitchen, ask):
    assert ask("ketle " * 32, mode="keyword").corrected != ""
    assert ask("ketle " * 33, mode="keyword").corrected == ""
