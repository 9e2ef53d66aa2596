"""The lab: its story with the bundled vectors, and the seven steps of its tour."""

import re

import pytest

from products import samples
from products.insight.added import BESIDE
from products.models import Product
from products.samples import NEW_PRODUCTS, SAMPLE_PRODUCTS, fixture_products
from products.views.lab.steps import STEPS
from tests.conftest import BrokenBackend
from tests.factory import axis, make_product, near
from tests.views.test_catalogue import messages_of, text_of

pytestmark = pytest.mark.django_db

ADDRESSES = [
    "/lab/samples/",
    "/lab/embedding/",
    "/lab/distance/",
    "/lab/adding/",
    "/lab/index/",
    "/lab/filters/",
    "/lab/your-data/",
]


def similar_names(client, sku):
    product = Product.objects.get(sku=sku)
    response = client.get("/similar/", {"product": product.pk})
    return [hit.product.name for hit in response.context["results"]]


def add(client, sku):
    client.post("/products/add/prepared/", {"sku": sku})


def done(client):
    return client.get("/lab/").context["done"]


# The story


@pytest.mark.usefixtures("samples")
def test_the_earbuds_are_most_like_the_headphones(client):
    names = similar_names(client, "wireless-bluetooth-headphones")

    assert names[0] == "Noise Cancelling Earbuds"
    assert len(names) == 5


@pytest.mark.usefixtures("samples")
def test_the_espresso_machine_becomes_most_like_the_coffee_maker(client):
    before = similar_names(client, "coffee-maker")

    add(client, "espresso-machine")

    assert "Espresso Machine" not in before
    assert similar_names(client, "coffee-maker")[0] == "Espresso Machine"


@pytest.mark.usefixtures("samples")
def test_the_gaming_mouse_comes_among_the_five_like_the_gaming_laptop(client):
    before = similar_names(client, "gaming-laptop")

    add(client, "wireless-gaming-mouse")

    assert "Wireless Gaming Mouse" not in before
    assert "Wireless Gaming Mouse" in similar_names(client, "gaming-laptop")


@pytest.mark.usefixtures("samples")
def test_the_espresso_machine_is_nearest_also_among_a_thousand_others(client):
    samples.load("thousand")

    add(client, "espresso-machine")

    assert similar_names(client, "coffee-maker")[0] == "Espresso Machine"


@pytest.mark.parametrize(
    ("fixture", "names"),
    [
        (
            SAMPLE_PRODUCTS,
            {
                "Wireless Bluetooth Headphones",
                "Noise Cancelling Earbuds",
                "Smart Watch",
                "Gaming Laptop",
                "Ultrabook Laptop",
                "Mechanical Keyboard",
                "Running Shoes",
                "Trail Running Shoes",
                "Yoga Mat",
                "Coffee Maker",
            },
        ),
        (
            NEW_PRODUCTS,
            {"Espresso Machine", "Wireless Gaming Mouse", "Fitness Tracker Band"},
        ),
    ],
)
def test_the_labs_products_are_all_there(fixture, names):
    products = fixture_products(fixture)

    assert {product.name for product in products} == names
    assert {product.category for product in products} <= {
        "Electronics",
        "Computers",
        "Sports",
        "Home",
    }
    assert all(product.price > 0 and product.description for product in products)


@pytest.mark.usefixtures("samples")
def test_the_labs_path_embeds_nothing(client, settings, monkeypatch):
    settings.EMBEDDING_BACKEND = "tests.conftest.BrokenBackend"
    asked = []
    monkeypatch.setattr(BrokenBackend, "vectors", lambda self, texts: asked.append(1))

    add(client, "espresso-machine")
    first = similar_names(client, "coffee-maker")[0]

    assert (first, asked) == ("Espresso Machine", [])


# The tour


@pytest.mark.parametrize("address", ADDRESSES)
def test_each_step_opens_in_an_empty_shop_and_is_not_done(client, address):
    response = client.get(address)

    assert response.status_code == 200
    assert response.context["done"] == set()
    assert len(response.content) < 60_000


@pytest.mark.parametrize("address", [*ADDRESSES, "/lab/"])
def test_each_step_leads_to_all_others(client, address):
    page = text_of(client.get(address))

    for other in ADDRESSES:
        assert f'href="{other}"' in page
    assert page.count('aria-current="step"') == (address != "/lab/")


def test_the_steps_stand_in_the_order_of_the_tour():
    assert [step.address for step in STEPS] == ADDRESSES
    assert [step.number for step in STEPS] == [1, 2, 3, 4, 5, 6, 7]


def test_the_start_offers_the_samples_and_then_the_next_step(client):
    empty = client.get("/lab/")
    samples.load("ten")
    loaded = client.get("/lab/")

    assert "Load the sample products" in text_of(empty)
    assert empty.context["following"].name == "samples"
    assert "Load the sample products" not in text_of(loaded)
    assert loaded.context["following"].name == "embedding"


@pytest.mark.usefixtures("samples")
def test_a_done_step_stays_done_in_this_browser(client):
    first, second = Product.objects.all()[:2]

    client.get("/lab/embedding/", {"a": first.pk, "b": second.pk})
    client.get("/lab/distance/", {"product": first.pk})

    assert done(client) == {"samples", "embedding", "distance"}


@pytest.mark.usefixtures("samples")
def test_only_the_request_that_does_a_step_sets_the_cookie(client):
    product = Product.objects.first()

    looked = client.get("/lab/distance/")
    did = client.get("/lab/distance/", {"product": product.pk})
    again = client.get("/lab/distance/", {"product": product.pk})

    assert "lab" not in looked.cookies
    assert did.cookies["lab"]["path"] == "/lab/"
    assert did.cookies["lab"]["httponly"]
    assert "lab" not in again.cookies


@pytest.mark.parametrize("value", ["embedding", "embedding:x:y", "", "é", "x" * 4000])
def test_a_forged_cookie_ticks_nothing(client, value):
    response = client.get("/lab/", headers={"cookie": f"lab={value}"})

    assert response.status_code == 200
    assert response.context["done"] == set()


@pytest.mark.usefixtures("samples")
def test_starting_over_clears_the_ticks_and_no_products(client):
    client.get("/lab/distance/", {"product": Product.objects.first().pk})

    response = client.post("/lab/start-over/")

    assert response.url == "/lab/"
    assert done(client) == {"samples"}
    assert Product.objects.count() == 10


# Step 1


def test_loading_and_removing_stay_in_the_lab(client):
    stay = {"next": "/lab/samples/"}

    loaded = client.post("/samples/load/", {"set": "thousand"} | stay)
    asked = client.post("/samples/remove/", {"set": "thousand"} | stay)
    still = Product.objects.count()
    removed = client.post(
        "/samples/remove/", {"set": "thousand", "confirmed": 1} | stay
    )

    assert loaded.url == removed.url == "/lab/samples/"
    assert "Products that will be removed: 980" in text_of(asked)
    assert still == 980
    assert messages_of(removed)[-1] == "980 sample products are removed."
    assert not Product.objects.exists()


def test_removing_says_what_stays(client):
    samples.load("ten")
    Product.objects.filter(sku="yoga-mat").update(name="Mine")

    asked = client.post("/samples/remove/", {"set": "ten"})
    removed = client.post("/samples/remove/", {"set": "ten", "confirmed": 1})

    assert "because somebody changed them: 1" in text_of(asked)
    assert messages_of(removed) == [
        "9 sample products are removed. 1 stays, because somebody changed it."
    ]


def test_removing_twice_says_that_there_is_nothing_to_remove(client):
    samples.load("ten")
    client.post("/samples/remove/", {"set": "ten", "confirmed": 1})

    again = client.post("/samples/remove/", {"set": "ten", "confirmed": 1}, follow=True)

    page = again.content.decode()
    assert '<li class="info">There is nothing to remove.</li>' in page
    assert ">0 sample products" not in page


@pytest.mark.parametrize(
    ("asked", "kept"),
    [
        ({"next": "/lab/adding/"}, "/lab/adding/"),
        ({"next": "https://other.example/"}, "/lab/samples/"),
        ({}, "/lab/samples/"),
    ],
)
def test_who_keeps_the_samples_goes_back_where_they_came_from(client, asked, kept):
    page = client.post("/samples/remove/", {"set": "ten"} | asked).content.decode()

    assert f'<a class="button quiet-button" href="{kept}">Keep them</a>' in page


@pytest.mark.parametrize("address", ["/samples/load/", "/samples/remove/"])
def test_an_unknown_set_is_not_found(client, address):
    assert client.post(address, {"set": "million"}).status_code == 404


@pytest.mark.parametrize(
    "address", ["https://example.org/", "//example.org", "\\\\x", ""]
)
def test_nobody_is_led_to_another_site(client, address):
    response = client.post("/samples/load/", {"next": address})

    assert response.url == "/"


@pytest.mark.parametrize(
    ("permissions", "removes"), [([], False), (["add"], False), (["delete"], True)]
)
def test_removing_needs_the_permission_to_delete(
    log_in, settings, permissions, removes
):
    settings.OPEN_CATALOG = False
    samples.load("ten")
    client = log_in(*permissions)

    response = client.post("/samples/remove/", {"set": "ten", "confirmed": 1})

    assert response.status_code == (302 if removes else 403)
    assert Product.objects.exists() != removes
    samples.load("ten")
    page = text_of(client.get("/lab/samples/"))
    assert ("/samples/remove/" in page) == removes
    assert ("/samples/load/" in page) == ("add" in permissions)


def test_a_visitor_of_a_closed_shop_signs_in_to_remove(client, settings):
    settings.OPEN_CATALOG = False
    samples.load("ten")

    response = client.post("/samples/remove/", {"set": "ten", "confirmed": 1})

    assert response.url.startswith("/login/?next=")
    assert Product.objects.count() == 10


@pytest.mark.usefixtures("samples")
def test_samples_of_another_recipe_are_said_to_wait_for_embedding(client):
    assert "manage.py embed_products" in text_of(client.get("/lab/samples/"))


@pytest.mark.usefixtures("samples", "real_model")
def test_samples_of_the_recipe_in_force_wait_for_nothing(client):
    assert "manage.py embed_products" not in text_of(client.get("/lab/samples/"))


# Steps 2 and 3


def test_two_products_are_compared_number_by_number(client):
    one = make_product(name="One")
    other = make_product(name="Other", embedding=near(0.25))

    response = client.get("/lab/embedding/", {"a": one.pk, "b": other.pk})

    page = text_of(response)
    assert "cosine similarity, 0.7500" in page
    assert "1 minus that, 0.2500" in page
    assert "[1.000, 0.000, 0.000, 0.000, 0.000, 0.000, …]" in page
    assert 'style="' not in page


@pytest.mark.parametrize("query", ["a=1&b=x", "a=99999999&b=99999999", "a=1", "a=&b="])
def test_wrong_products_get_a_message(client, query):
    response = client.get(f"/lab/embedding/?{query}")

    assert response.status_code == 400
    assert re.search("Choose (a product|one of the list)", text_of(response))


def test_products_of_two_recipes_are_not_compared(client):
    one = make_product()
    other = make_product(fingerprint="other/384/0")

    response = client.get("/lab/embedding/", {"a": one.pk, "b": other.pk})

    assert "These two cannot be compared" in text_of(response)
    assert "embedding" not in response.context["done"]


def test_the_five_nearest_stand_on_the_dial_and_in_the_histogram(client):
    product = make_product(name="Lamp")
    make_product(name="Torch", embedding=near(0.5))
    make_product(name="Candle", embedding=axis(2))

    response = client.get("/lab/distance/", {"product": product.pk})

    page = text_of(response)
    assert "The needle shows the nearest: 0.5000." in page
    assert "The distances of 3 pairs of this catalogue (3 products" in page
    assert "Half of them are below 1.00" in page
    assert page.count('class="mark mark-first"') == 2


def test_a_product_without_embedding_is_explained(client):
    make_product()
    product = make_product(name="Bare", embedding=None)

    response = client.get("/lab/distance/", {"product": product.pk})

    assert "Bare has no embedding yet" in text_of(response)
    assert response.context["done"] == set()


# Step 4


@pytest.mark.usefixtures("samples")
@pytest.mark.parametrize(("sku", "beside"), BESIDE.items())
def test_an_added_product_shows_before_and_after(client, sku, beside):
    address = f"/lab/adding/?sku={sku}"
    before = client.get(address).context["change"]

    response = client.post("/products/add/prepared/", {"sku": sku, "next": address})

    change = client.get(response.url).context["change"]
    assert response.url == address
    assert before.after == []
    assert change.product.sku == beside
    assert [p.pk for p in change.before] == [p.pk for p in before.before]
    assert 1 <= change.place <= 5
    assert change.after[change.place - 1].sku == sku
    assert "adding" in done(client)


def test_adding_asks_for_the_samples_it_looks_at(client):
    page = text_of(client.get("/lab/adding/"))

    assert "The ten sample products are missing" in page
    assert "Load the sample products" in page


def test_an_unknown_prepared_product_gets_a_message(client):
    response = client.get("/lab/adding/?sku=tank")

    assert response.status_code == 400
    assert "There is no such prepared product." in text_of(response)


def test_who_may_not_add_is_offered_nothing_to_add(client, settings):
    settings.OPEN_CATALOG = False
    samples.load("ten")

    page = text_of(client.get("/lab/adding/"))

    assert "/products/add/prepared/" not in page
    assert "Only those with the permission to add products may add it." in page


# Steps 5 and 6


@pytest.mark.usefixtures("samples")
@pytest.mark.parametrize(
    "address", ["/lab/index/?ef_search=40", "/lab/filters/?share=0.1"]
)
def test_a_small_catalogue_is_offered_the_larger_set(client, address):
    response = client.get(address)

    assert "This catalogue is too small for this step" in text_of(response)
    assert "Load about 1,000 products" in text_of(response)
    assert response.context["done"] == {"samples"}


@pytest.mark.usefixtures("real_model")
def test_the_index_gives_no_more_than_ef_search(client):
    samples.load("thousand")

    response = client.get("/lab/index/?ef_search=3")

    measured = {row.ef_search: row for row in response.context["lesson"].measured}
    assert list(measured) == [3, 10, 20, 40, 100]
    # Of three candidates one is the product itself, which leaves two of ten.
    assert measured[3].recall == pytest.approx(0.2)
    assert measured[100].recall > 0.9
    assert "index" in done(client)


@pytest.mark.parametrize("value", ["", "0", "1001", "x", "4.5"])
def test_a_wrong_ef_search_gets_a_message(client, value):
    response = client.get("/lab/index/", {"ef_search": value})

    assert response.status_code == 400
    assert "whole number from 1 to 1,000" in text_of(response)


@pytest.mark.usefixtures("real_model")
def test_a_filter_costs_pgvectors_defaults_their_recall_and_not_the_shop(client):
    samples.load("thousand")

    response = client.get("/lab/filters/?share=0.05")

    lesson = response.context["lesson"]
    assert lesson.default.recall < 0.6
    assert lesson.shop.recall == 1
    assert lesson.method == "exact"
    assert any(not found.by_default for found in lesson.nearest)
    assert all(found.by_shop for found in lesson.nearest)
    assert "filters" in done(client)


@pytest.mark.parametrize("value", ["", "0.5", "x"])
def test_a_wrong_share_gets_a_message(client, value):
    response = client.get("/lab/filters/", {"share": value})

    assert response.status_code == 400
    assert "Choose one of the shares" in text_of(response)


# Step 7


def test_the_text_that_is_embedded_is_shown(client):
    make_product(name="Desk Lamp")
    words = " ".join(f"word{number}" for number in range(1, 15))

    response = client.get(
        "/lab/your-data/", {"name": "Lamp", "category": "Home", "description": words}
    )

    expected = f"Lamp. {' '.join(words.split()[:12])}. Home"
    assert f"<blockquote>{expected}</blockquote>" in text_of(response)
    assert "your_data" in response.context["done"]
    assert Product.objects.count() == 1


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"name": ""}, "Type a name."),
        ({"name": "x" * 301}, "at most 300 characters"),
        ({"name": "a\0b"}, "Null characters are not allowed."),
        ({"name": "x", "description": "y" * 2001}, "at most 2000 characters"),
    ],
)
def test_a_wrong_text_gets_a_message(client, data, message):
    response = client.get("/lab/your-data/", data)

    assert response.status_code == 400
    assert message in text_of(response)


@pytest.mark.usefixtures("broken_model")
def test_a_broken_model_is_explained(client):
    response = client.get("/lab/your-data/", {"name": "Lamp"})

    assert "The embedding model does not answer" in text_of(response)


@pytest.mark.usefixtures("real_model")
@pytest.mark.parametrize(
    "address", ["/lab/index/?ef_search=40", "/lab/filters/?share=0.1"]
)
def test_too_little_time_for_all_questions_is_said(client, monkeypatch, address):
    monkeypatch.setattr("products.quality.live.SECONDS", 0)
    samples.load("thousand")

    page = text_of(client.get(address))

    assert "There was time for 1 of 10 questions." in page


def test_who_adds_a_product_of_their_own_from_the_lab_returns_to_it(client):
    link = "/products/add/?next=%2Flab%2Fyour-data%2F"
    assert f'href="{link}"' in text_of(client.get("/lab/your-data/"))
    assert 'name="next" value="/lab/your-data/"' in text_of(client.get(link))

    refused = client.post("/products/add/", {"name": "", "next": "/lab/your-data/"})
    data = {"name": "Lamp", "price": "5", "next": "/lab/your-data/"}
    added = client.post("/products/add/", data)

    assert 'name="next" value="/lab/your-data/"' in text_of(refused)
    assert added.url == "/lab/your-data/"
    assert messages_of(added) == ["Successfully added 'Lamp'!"]


# Find similar


def test_find_similar_offers_the_samples_only_in_an_empty_shop(client, settings):
    offered = "Load the sample products"
    empty = text_of(client.get("/similar/"))
    settings.OPEN_CATALOG = False
    closed = text_of(client.get("/similar/"))
    settings.OPEN_CATALOG = True
    make_product()

    assert (offered in empty, offered in closed) == (True, False)
    assert offered not in text_of(client.get("/similar/"))
