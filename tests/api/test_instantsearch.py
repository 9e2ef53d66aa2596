"""Searches as Algolia's InstantSearch sends them. The products are found by words."""

import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from products.api.instantsearch import marks
from tests.factory import make_product

pytestmark = pytest.mark.django_db

ADDRESS = "/api/v1/instantsearch"
PROBLEM = "application/problem+json"


@pytest.fixture
def shop():
    """Four lamps and a chair; without vectors, so that words alone find them."""
    rows = [
        ("L1", "Red Lamp", "Home", "10.00"),
        ("L2", "Blue Lamp", "Home", "20.00"),
        ("L3", "Bicycle Lamp", "Sports", "30.00"),
        ("L4", "Lamp Oil", "Garden", "40.00"),
        ("C1", "Chair", "Home", "50.00"),
    ]
    for sku, name, category, price in rows:
        make_product(sku=sku, name=name, category=category, price=price, embedding=None)


@pytest.fixture
def post(client):
    """A function that posts requests, each as its parameters, and returns the response."""

    def post(*params, index="products"):
        requests = [{"indexName": index, "params": each} for each in params]
        return client.post(ADDRESS, json.dumps(requests), "application/json")

    return post


@pytest.fixture
def ask(post):
    """A function that returns the answer to one request."""

    def ask(index="products", **params):
        response = post(params, index=index)
        assert response.status_code == 200, response.content
        [answer] = response.json()["results"]
        return answer

    return ask


def skus(answer):
    return sorted(hit["objectID"] for hit in answer["hits"])


# Pages


def test_a_text_finds_products_with_all_that_a_hit_shows(ask, settings):
    settings.CURRENCY = "€"
    lamp = make_product(
        sku="L1", name="Red Lamp", category="Home", price="10.50", embedding=None
    )

    answer = ask(query="lamp")

    [hit] = answer["hits"]
    assert hit == {
        "objectID": "L1",
        "sku": "L1",
        "name": "Red Lamp",
        "category": "Home",
        "description": "",
        "price": 10.5,
        "currency": "EUR",
        "url": f"http://testserver/products/{lamp.pk}/",
        "image": None,
        "_highlightResult": {
            "name": {
                "value": "Red <em>Lamp</em>",
                "matchLevel": "full",
                "matchedWords": ["Lamp"],
            },
            "category": {"value": "Home", "matchLevel": "none", "matchedWords": []},
            "description": {"value": "", "matchLevel": "none", "matchedWords": []},
        },
        "_snippetResult": {},
    }
    assert isinstance(answer.pop("processingTimeMS"), int)
    assert answer == {
        "index": "products",
        "query": "lamp",
        "hits": [hit],
        "nbHits": 1,
        "page": 0,
        "nbPages": 1,
        "hitsPerPage": 20,
        "exhaustiveNbHits": True,
        "exhaustiveFacetsCount": True,
        "userData": [],
        "facets": {},
        "facets_stats": {},
    }


@pytest.mark.usefixtures("shop")
def test_pages_are_counted_from_0_and_none_comes_after_the_last(ask):
    pages = [ask(query="lamp", hitsPerPage=3, page=page) for page in (0, 1, 2)]

    assert [len(page["hits"]) for page in pages] == [3, 1, 0]
    assert {sku for page in pages for sku in skus(page)} == {"L1", "L2", "L3", "L4"}
    assert {(page["nbHits"], page["nbPages"]) for page in pages} == {(4, 2)}
    assert [page["page"] for page in pages] == [0, 1, 2]


@pytest.mark.usefixtures("shop")
def test_no_text_lists_the_catalogue(ask):
    answer = ask(hitsPerPage=2)

    assert (answer["nbHits"], answer["nbPages"]) == (5, 3)
    assert [hit["name"] for hit in answer["hits"]] == ["Bicycle Lamp", "Blue Lamp"]


def test_more_than_is_ranked_is_said_to_be_no_exact_number(ask, monkeypatch):
    monkeypatch.setattr("products.search.rank.RANKED", 2)
    for sku in ("a", "b", "c"):
        make_product(sku=sku, name="Lamp", embedding=None)

    answer = ask(query="lamp", facets=["category"])

    assert answer["nbHits"] == 2
    assert answer["exhaustiveNbHits"] is False
    assert answer["exhaustiveFacetsCount"] is False


@pytest.mark.usefixtures("shop")
def test_no_hits_are_asked_for_where_the_counts_are_wanted(ask):
    answer = ask(query="lamp", hitsPerPage=0, facets="category")

    assert answer["hits"] == []
    assert (answer["nbHits"], answer["nbPages"]) == (4, 0)
    assert answer["facets"] == {"category": {"Home": 2, "Garden": 1, "Sports": 1}}


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize(
    ("index", "first"),
    [("products:price", "L1"), ("products:-price", "C1"), ("products:name", "L3")],
)
def test_the_index_says_the_order(ask, index, first):
    answer = ask(index)

    assert answer["index"] == index
    assert answer["hits"][0]["objectID"] == first


@pytest.mark.usefixtures("shop")
def test_a_corrected_text_is_told(ask):
    answer = ask(query="lammp")

    assert skus(answer) == ["L1", "L2", "L3", "L4"]
    assert answer["query"] == "lammp"
    assert answer["userData"][0]["corrected"] == "lamp"


# Filters


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ("category:Home", ["L1", "L2"]),
        (["category:Home"], ["L1", "L2"]),
        ([["category:Home", "category:Sports"]], ["L1", "L2", "L3"]),
        ([["category:Home", "category:Sports"], "category:Sports"], ["L3"]),
        (["category:Home", "category:Sports"], []),
        ([r"category:\-20 %"], []),
        ([[]], ["L1", "L2", "L3", "L4"]),
    ],
)
def test_categories_are_alternatives_within_and_conditions_beside(ask, filters, found):
    assert skus(ask(query="lamp", facetFilters=filters)) == found


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ("price<=20", ["L1", "L2"]),
        (["price<20"], ["L1"]),
        (["price < 20.001"], ["L1", "L2"]),
        (["price>=30"], ["L3", "L4"]),
        (["price>30"], ["L4"]),
        (["price>29.999"], ["L3", "L4"]),
        (["price=30"], ["L3"]),
        ([["price=30"]], ["L3"]),
        (["price:20 TO 30"], ["L2", "L3"]),
        (["price>=20", "price<=30"], ["L2", "L3"]),
        (["price>=30", "price<=20"], []),
        (["price<0"], []),
        (["price>=-1", "price<=999999999999"], ["L1", "L2", "L3", "L4"]),
    ],
)
def test_prices_are_conditions_that_must_all_be_met(ask, filters, found):
    assert skus(ask(query="lamp", numericFilters=filters)) == found


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"facetFilters": "brand:Acme"}, "the category is the only facet"),
        ({"facetFilters": "category"}, "Write category:Home"),
        ({"facetFilters": "category:-Home"}, "leaves a category out"),
        ({"numericFilters": "stock>1"}, "the price is the only number"),
        ({"numericFilters": "price!=1"}, "Write price<=100"),
        ({"numericFilters": [["price=1", "price=2"]]}, "alternatives of prices"),
        ({"filters": "category:Home"}, "Use facetFilters"),
        ({"tagFilters": ["new"]}, "Use facetFilters"),
        ({"facetName": "brand"}, "has no values to search"),
        ({"query": "lamp\0"}, "NUL"),
        ({"query": 1001 * "x"}, "at most 1,000 characters"),
        ({"facetFilters": [[f"category:{n}" for n in range(51)]]}, "At most 50"),
    ],
)
def test_what_cannot_be_asked_is_a_problem_that_says_what_can(post, params, message):
    response = post(params)

    assert response.status_code == 400
    assert response.headers["Content-Type"] == PROBLEM
    assert message in response.json()["detail"]


@pytest.mark.parametrize("index", ["shoes", "products:colour", "products:", ""])
def test_an_unknown_index_is_a_problem(post, index):
    response = post({}, index=index)

    assert response.status_code == 400


@pytest.mark.parametrize(
    ("params", "pointer"),
    [
        ({"page": -1}, "#/0/params/page"),
        ({"hitsPerPage": 201}, "#/0/params/hitsPerPage"),
        ({"query": 1}, "#/0/params/query"),
        ({"facetFilters": 1}, "#/0/params/facetFilters"),
        ({"facetFilters": [["a"], 1]}, "#/0/params/facetFilters/1"),
        ({"highlightPreTag": 101 * "x"}, "#/0/params/highlightPreTag"),
    ],
)
def test_a_wrong_value_is_pointed_at(post, params, pointer):
    response = post(params)

    assert response.status_code == 400
    assert [error["pointer"] for error in response.json()["errors"]] == [pointer]


def test_more_than_ten_requests_are_refused(post):
    assert post(*[{}] * 10).status_code == 200
    assert post(*[{}] * 11).status_code == 400


def test_all_requests_together_get_so_many_hits(post, client):
    page = {"hitsPerPage": 200}
    values = {"type": "facet", "facet": "category", "params": page}
    requests = [{"indexName": "products", "params": page}] * 2 + [
        {"indexName": "products"} | values
    ]

    refused = post(page, page, {"hitsPerPage": 1})

    assert post(page, page, {"hitsPerPage": 0}).status_code == 200
    assert client.post(ADDRESS, requests, "application/json").status_code == 200
    assert (refused.status_code, refused.json()["detail"]) == (
        400,
        "The requests ask for 401 hits together, and 400 is the most. "
        "Ask with a smaller hitsPerPage, or with fewer requests.",
    )


def test_each_request_counts(post, settings):
    settings.API_RATE_ADDRESS = 100

    assert post({}, {}, {}).headers["RateLimit"] == '"address";r=97;t=60'
    assert post().headers["RateLimit"] == '"address";r=96;t=60'


# Facets


@pytest.mark.usefixtures("shop")
def test_a_facet_counts_what_passes_and_its_other_values_by_a_second_request(post):
    chosen = {"query": "lamp", "facets": ["category"], "facetFilters": "category:Home"}
    beside = {"query": "lamp", "facets": "category", "hitsPerPage": 0}

    narrowed, whole = post(chosen, beside).json()["results"]

    assert narrowed["nbHits"] == 2
    assert narrowed["facets"] == {"category": {"Home": 2}}
    assert whole["nbHits"] == 4
    assert whole["facets"] == {"category": {"Home": 2, "Garden": 1, "Sports": 1}}


@pytest.mark.usefixtures("shop")
def test_two_chosen_categories_are_counted_each(ask):
    both = [["category:Home", "category:Sports"]]

    answer = ask(query="lamp", facets=["category"], facetFilters=both)

    assert answer["facets"] == {"category": {"Home": 2, "Sports": 1}}


@pytest.mark.usefixtures("shop")
def test_so_many_values_come_as_are_asked_for_the_largest_first(ask):
    answer = ask(facets=["*"], maxValuesPerFacet=1)

    assert answer["facets"] == {"category": {"Home": 3}, "price": {}}
    assert answer["facets_stats"] == {"price": {"min": 10.0, "max": 50.0}}


def test_an_empty_shop_has_no_range_of_prices(ask):
    answer = ask(facets=["category", "price"])

    assert answer["nbHits"] == 0
    assert (answer["facets"], answer["facets_stats"]) == (
        {"category": {}, "price": {}},
        {},
    )


@pytest.mark.usefixtures("shop")
def test_values_of_a_facet_are_found_by_a_part_of_their_name(client):
    requests = [
        {
            "indexName": "products",
            "type": "facet",
            "facet": "category",
            "params": {"query": "lamp", "facetQuery": "R", "highlightPreTag": "<b>"},
        },
        {"indexName": "products", "params": {"facetName": "category"}},
    ]

    response = client.post(ADDRESS, json.dumps(requests), "application/json")

    part, every = (answer["facetHits"] for answer in response.json()["results"])
    assert part == [
        {"value": "Garden", "highlighted": "Ga<b>r</em>den", "count": 1},
        {"value": "Sports", "highlighted": "Spo<b>r</em>ts", "count": 1},
    ]
    assert [(hit["value"], hit["count"]) for hit in every] == [
        ("Home", 3),
        ("Garden", 1),
        ("Sports", 1),
    ]


# Marks


def test_tags_of_html_stand_in_text_that_is_escaped(ask):
    make_product(name='<b>Lamp</b> & "oil"', category="A&B", embedding=None)

    [hit] = ask(query="lamp")["hits"]

    marks = hit["_highlightResult"]
    assert marks["name"]["value"] == (
        "&lt;b&gt;<em>Lamp</em>&lt;/b&gt; &amp; &#34;oil&#34;"
    )
    assert marks["category"]["value"] == "A&amp;B"
    assert hit["name"] == '<b>Lamp</b> & "oil"'


def test_marks_of_instantsearch_stand_in_text_that_it_escapes_itself(ask):
    make_product(name="<b>Lamp</b>", embedding=None)

    answer = ask(
        query="lamp",
        highlightPreTag="__ais-highlight__",
        highlightPostTag="__/ais-highlight__",
    )

    name = answer["hits"][0]["_highlightResult"]["name"]
    assert name["value"] == "<b>__ais-highlight__Lamp__/ais-highlight__</b>"


def test_a_text_with_some_of_the_words_is_a_partial_match(ask):
    make_product(name="Red Lamp", description="A lamp for the desk.", embedding=None)

    [hit] = ask(query="red lamp")["hits"]

    levels = {
        name: mark["matchLevel"] for name, mark in hit["_highlightResult"].items()
    }
    assert levels == {"name": "full", "description": "partial", "category": "none"}


def test_a_snippet_is_cut_around_the_word(ask):
    make_product(
        name="Thing", description=f"{40 * 'begin '}lamp{40 * ' end'}", embedding=None
    )

    [hit] = ask(
        query="lamp", attributesToSnippet=["description:10", "name", "price:2"]
    )["hits"]

    snippets = hit["_snippetResult"]
    assert set(snippets) == {"description", "name"}
    assert snippets["description"]["value"].startswith("…begin begin begin <em>lamp")
    assert len(snippets["description"]["value"]) < 100
    assert snippets["name"] == {"value": "Thing", "matchLevel": "none"}


def test_an_attribute_is_cut_once_however_often_it_is_named(ask, monkeypatch):
    cut = []
    monkeypatch.setattr(
        "products.api.instantsearch.answers.snippet",
        lambda text, words, tags, size: (
            cut.append(size) or marks.highlighted(text, words, tags)
        ),
    )
    make_product(name="Thing", embedding=None)

    ask(attributesToSnippet=["name:3"] * 50 + ["name:4"] * 50)

    assert cut == [4]


# Cost


def statements(post, *params):
    """How many statements a POST runs, the second time."""
    post(*params)
    with CaptureQueriesContext(connection) as captured:
        assert post(*params).status_code == 200
    return len(captured)


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize(
    "chosen", ["category:Home", [["category:Home", "category:Sports"]]]
)
def test_counts_of_categories_cost_no_statement_beside_their_own_search(post, chosen):
    """A page asks for the products of the categories, and for the others' counts."""
    found = {"query": "lamp", "facetFilters": chosen}
    counts = {"query": "lamp", "hitsPerPage": 0}
    searches = statements(post, found) + statements(post, counts)

    both = [found | {"facets": ["category"]}, counts | {"facets": ["category"]}]

    assert statements(post, *both) == searches


@pytest.mark.usefixtures("shop")
def test_the_count_of_one_category_is_the_number_of_its_products(post):
    one = {"query": "lamp", "facetFilters": "category:Home"}

    assert statements(post, one | {"facets": "category"}) == statements(post, one)


@pytest.mark.usefixtures("shop")
def test_the_same_question_is_asked_once(post, django_assert_max_num_queries):
    request = {"query": "lamp", "facets": ["category"]}
    post(request)

    with django_assert_max_num_queries(12):
        answers = post(*[request] * 10).json()["results"]

    assert {answer["nbHits"] for answer in answers} == {4}
