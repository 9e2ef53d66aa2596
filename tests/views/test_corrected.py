"""The page of a query that was corrected: every part of it is of the corrected text."""

import re
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest

from products.models import Judgement
from tests.factory import make_product

pytestmark = pytest.mark.django_db


@pytest.fixture
def kettles():
    """A kettle for the kitchen, one to camp with, and a page more of them."""
    make_product(name="Kettle", category="Kitchen", embedding=None)
    for number in range(25):
        make_product(name=f"Kettle {number}", category="Camping", embedding=None)


def text_of(response):
    return unescape(response.content.decode())


def link(page, text):
    """Return the parameters of the link with a text, None if the page has no such."""
    for address, inside in re.findall(r'<a [^>]*href="([^"]*)"[^>]*>(.*?)</a>', page):
        if inside == text:
            return parse_qs(urlsplit(address).query)
    return None


@pytest.mark.parametrize("headers", [{}, {"HX-Request": "true"}])
def test_the_page_says_what_it_shows_and_how_to_search_as_typed(
    client, kettles, headers
):
    response = client.get("/?q=ketle&mode=keyword&page=1", headers=headers)
    page = text_of(response)

    assert response.context["results"].total == 26
    assert page.count("Showing results for “kettle”.") == 2  # one is read aloud
    assert 'value="ketle"' in page
    assert link(page, "Search instead for “ketle”") == {
        "q": ["ketle"],
        "mode": ["keyword"],
        "literal": ["ketle"],
    }


def test_the_text_as_typed_finds_what_it_finds(client, kettles):
    response = client.get("/?q=ketle&literal=ketle&mode=keyword")

    assert response.context["results"].total == 0
    assert "Showing results for" not in text_of(response)
    # A filter that is chosen next goes on with the text as typed.
    assert '<input type="hidden" name="literal" value="ketle">' in text_of(response)


def test_another_text_is_corrected_again(client, kettles):
    response = client.get("/?q=kettel&literal=ketle&mode=keyword")

    assert response.context["results"].corrected == "kettle"


def test_the_next_page_and_the_categories_are_of_the_corrected_text(client, kettles):
    response = client.get("/?q=ketle&mode=keyword")

    assert response.context["categories"].shown == [
        (1, "Camping", 25, False),
        (2, "Kitchen", 1, False),
    ]
    assert link(text_of(response), "Next") == {
        "q": ["ketle"],
        "mode": ["keyword"],
        "page": ["2"],
    }
    second = client.get("/?q=ketle&mode=keyword&page=2")
    kitchen = client.get("/?q=ketle&mode=keyword&category=Kitchen")
    assert [second.context["results"].page, len(second.context["results"].hits)] == [
        2,
        2,
    ]
    assert kitchen.context["results"].found_text == "1 product"


def test_the_pages_that_explain_a_result_are_asked_for_the_corrected_text(
    client, kettles
):
    page = text_of(client.get("/?q=ketle"))

    assert "/lab/why/?q=kettle" in page
    again = page[page.index('id="again"') :].split("</form>")[0]
    assert 'name="q" value="kettle"' in again


def test_a_judgement_is_of_the_corrected_text(admin_client, kettles):
    product = make_product(name="Red kettle", embedding=None)
    Judgement.objects.create(query="kettle", product=product, grade=1)

    response = admin_client.get("/?q=ketle&mode=keyword")

    assert response.context["grades"] == {product.pk: 1}
    assert 'name="query" value="kettle"' in text_of(response)


def test_a_word_of_the_language_is_asked_about(client, kettles, monkeypatch):
    backend = "products.embeddings.deterministic.EmbeddingBackend.knows_word"
    monkeypatch.setattr(backend, lambda self, word: word == "settle")

    response = client.get("/?q=settle&mode=keyword&page=3&literal=other")

    assert response.context["results"].total == 0
    assert link(text_of(response), "kettle") == {
        "q": ["kettle"],
        "mode": ["keyword"],
        "literal": ["other"],
    }
    assert "Did you mean" in text_of(response)


def test_what_is_typed_is_shown_as_text(client, kettles):
    page = client.get("/", {"q": "<b>x</b> ketle", "mode": "keyword"}).content.decode()

    assert "Search instead for “&lt;b&gt;x&lt;/b&gt; ketle”" in page
    assert "<b>x</b>" not in page


def test_find_similar_corrects_what_is_typed(client, kettles):
    page = text_of(client.get("/similar/?q=ketle", headers={"HX-Request": "true"}))

    assert "Kettle 24" in page or "Kettle 1" in page
