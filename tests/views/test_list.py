"""The shop's list: what its cards say, and what it offers where nothing is found."""

import re
from html import unescape

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from products.embeddings import get_backend
from products.models import Calibration
from tests.backends import AXES
from tests.factory import axis, make_product, near

pytestmark = pytest.mark.django_db


@pytest.fixture
def axes(settings):
    """A model that knows three words: "lamp" is axis(0), "home" is axis(1)."""
    settings.EMBEDDING_BACKEND = AXES


def read(client, address):
    """The page as one reads it, on one line."""
    page = client.get(address).content.decode()
    return " ".join(unescape(re.sub("<[^>]*>", " ", page)).split())


def nearness(client, address):
    """What each card says of how near its product is, by name."""
    page = client.get(address).content.decode()
    said = {}
    for card in page.split('<li class="card">')[1:]:
        texts = re.findall(r"<h3[^>]*>(.*?)</h3>|<p class=\"near\">(.*?)</p>", card)
        name, near = ("".join(parts) for parts in zip(*texts, strict=True))
        said[re.sub("<[^>]*>", "", name)] = re.sub("<[^>]*>", "", near).strip()
    return said


def test_how_near_a_product_is_stands_on_its_card_in_words(client, axes):
    # From the calibrated floor, half of the way to 1 is 0.8, a quarter of it 0.7. The
    # floor of the backend, 0.2, leaves others in, once the nearest is a match.
    Calibration.objects.create(
        fingerprint=get_backend().fingerprint, floor=0.6, products=4, samples=1
    )
    for similarity in (0.95, 0.75, 0.65, 0.3):
        make_product(name=f"At {similarity}", embedding=near(1 - similarity))
    make_product(name="Table lamp", embedding=None)

    assert nearness(client, "/?q=lamp") == {
        "At 0.95": "very alike",
        "At 0.75": "alike",
        "At 0.65": "loosely related",
        "At 0.3": "loosely related",  # without a bar
        "Table lamp": "has your words",
    }
    assert client.get("/?q=lamp").content.decode().count('<svg class="bar') == 3


def test_an_article_number_is_said_before_how_near_it_is(client, axes):
    make_product(sku="lamp", name="Thing")

    assert nearness(client, "/?q=lamp") == {"Thing": "article number"}


def test_a_search_by_words_alone_does_not_say_so_on_each_card(client, axes):
    make_product(sku="l1", name="Lamp")

    assert nearness(client, "/?q=lamp&mode=keyword") == {"Lamp": ""}


@pytest.mark.parametrize("address", ["/", "/?q=lamp", "/?like={pk}", "/products/{pk}/"])
def test_the_shop_shows_no_figure_of_similarity(client, axes, address):
    product = make_product(name="Lamp", price=19)
    make_product(name="Torch", embedding=near(0.3), price=19)

    page = read(client, address.format(pk=product.pk))

    assert set(re.findall(r"\d+\.\d+", page)) == {"19.00"}
    assert not re.search("similarity|distance", page.split("Similar products by")[0])


def test_the_words_of_a_search_are_marked_on_the_card(client, axes):
    make_product(name="Lamp <b>", category="Lamp", description=90 * "x " + "A lamp.")

    page = client.get("/?q=lamp").content.decode()

    assert "<mark>Lamp</mark> &lt;b&gt;</a>" in page
    assert 'eyebrow"><mark>Lamp</mark></p>' in page
    assert re.search(r'blurb">…x x .*A <mark>lamp</mark>\.</p>', page)


def test_every_product_leads_to_those_like_it(client):
    product = make_product(name="Lamp")

    page = client.get("/").content.decode()

    assert f'<a href="/?like={product.pk}">Find similar</a>' in page


def test_a_sort_of_some_results_says_that_there_are_others(client, monkeypatch, axes):
    monkeypatch.setattr("products.search.sorting.SORTED", 2)
    for number in range(3):
        make_product(sku=f"l{number}", name="Lamp")

    assert "The 2 best matches, sorted." in read(client, "/?q=lamp&sort=price")
    assert "best matches, sorted" not in read(client, "/?q=lamp")


@pytest.mark.parametrize(
    ("address", "options"),
    [
        ("/", ["Name", "Lowest price", "Highest price", "Newest"]),
        ("/?q=lamp", ["Relevance", "Lowest price", "Highest price", "Newest"]),
    ],
)
def test_there_is_an_order_for_a_question_and_one_for_none(
    client, axes, address, options
):
    for number in range(2):
        make_product(sku=f"l{number}", name="Lamp")

    page = client.get(address).content.decode()

    assert re.findall(r"<option [^>]*>(.*?)</option>", page) == options


def test_where_nothing_matches_the_nearest_are_shown_as_far_ones(client, axes):
    make_product(name="Far", embedding=near(0.9))
    make_product(name="Farther", embedding=axis(9))

    page = read(client, "/?q=lamp")

    assert "Nothing matches" in page
    assert re.search("These come nearest, but are far .* Far .* Farther", page)
    assert "These come nearest" not in read(client, "/?q=lamp&mode=keyword")


@pytest.mark.parametrize("address", ["/", "/?q=lamp", "/?category=Home&max_price=5"])
def test_an_empty_shop_offers_the_samples(client, address):
    page = read(client, address)

    assert "The catalogue is empty" in page
    assert "Load the sample products" in page


@pytest.mark.parametrize("address", ["/?q=lamp&mode=keyword", "/?category=Home"])
def test_a_shop_in_which_nothing_is_found_is_not_empty(client, address):
    make_product(name="Thing")

    page = read(client, address)

    assert "The catalogue is empty" not in page
    assert "Load the sample products" not in page


def test_home_has_a_line_of_its_largest_categories(client):
    for number in range(10):
        make_product(category=f"Kind {number}")

    page = client.get("/").content.decode()

    aisles = page.split('class="aisles"')[1].split("</nav>")[0]
    assert re.findall(r"category=Kind%20(\d)", aisles) == list("01234567")
    assert "aisles" not in client.get("/?category=Kind+1").content.decode()


def test_the_price_slider_goes_from_the_lowest_to_the_highest_price(client):
    for price in ("13.50", "1299"):
        make_product(price=price)

    page = read(client, "/")
    html = client.get("/").content.decode()

    assert "$13.50 – $1,299.00" in page
    assert re.search(r'id="low_price"[^>]* min="10" max="1300" step="10"', html)


def test_what_is_typed_to_find_a_category_is_kept_and_bounded(client):
    make_product(category="Home & <Garden>")
    for number in range(12):
        make_product(category=f"Kind {number}")

    found = client.get("/", {"within": "<gard"})
    refused = client.get("/", {"within": 201 * "x"})

    assert [each.name for each in found.context["categories"].shown] == [
        "Home & <Garden>"
    ]
    assert 'value="&lt;gard"' in found.content.decode()
    assert refused.status_code == 400
    assert "Find a category: Ensure this value has at most 200" in unescape(
        refused.content.decode()
    )


def test_a_search_sorted_by_price_reads_one_statement_more(client, axes):
    for price in (3, 1, 2):
        make_product(sku=f"l{price}", name="Lamp", price=price)

    def statements(address):
        with CaptureQueriesContext(connection) as queries:
            client.get(address)
        return len(queries)

    statements("/?q=lamp")  # the first one reads what is kept for the others
    plain = statements("/?q=lamp")
    assert statements("/?q=lamp&sort=price") == plain + 1
