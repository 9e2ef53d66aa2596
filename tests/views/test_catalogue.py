"""The pages: what they show, what they refuse, and that they never fail."""

import re
import threading
import unicodedata
from decimal import Decimal
from html import unescape

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.urls import reverse

from products.models import Product
from products.search import PAGE_SIZE
from products.search.nearest import plan_nearest
from products.views.narrowing import SHOWN
from tests.factory import axis, make_product, near
from tests.reading import messages_of

pytestmark = pytest.mark.django_db

HUGE = 10**30
LONG = "x" * 10_000


def form_data(**changes):
    return {
        "name": "Desk Lamp",
        "category": "Home",
        "description": "Bright.",
        "price": "19.90",
        **changes,
    }


def text_of(response):
    return unescape(response.content.decode())


def headings(response):
    """The headings of a page as one reads them."""
    found = re.findall(r"<h[123][^>]*>(.*?)</h[123]>", text_of(response), re.DOTALL)
    return [" ".join(re.sub("<[^>]*>", "", text).split()) for text in found]


# Looking


@pytest.mark.parametrize("query", ["?q=zzzz&mode=keyword", "?category=None+such"])
def test_a_question_without_an_answer_is_no_question_for_everything(client, query):
    make_product(name="Desk lamp")

    response = client.get(f"/{query}")

    assert "Desk lamp" not in text_of(response)
    assert "Show all products" in text_of(response)


def test_filters_are_offered_beside_the_catalogue_after_a_wrong_question(client):
    make_product(category="Home")

    response = client.get("/?min_price=x")

    assert response.status_code == 400
    assert response.context["categories"].shown == [(1, "Home", 1, False)]


@pytest.mark.parametrize(
    ("query", "heading"),
    [
        ("", "All products 2"),
        ("?category=Home", "1 product"),
        ("?min_price=50", "No products found"),
        ("?q=lamp&mode=keyword", "1 product"),
    ],
)
def test_the_heading_says_what_was_found(client, query, heading):
    make_product(name="Lamp", category="Home")
    make_product(name="Chair", category="Seats")

    assert heading in headings(client.get(f"/{query}"))


@pytest.mark.parametrize(
    "path", ["/", "/?q=lamp", "/products/{pk}/", "/similar/?q=lam", "/map/"]
)
def test_no_category_is_said_in_the_same_words_everywhere(client, path):
    first = make_product(name="Lamp", category="")
    for distance in (0.1, 0.2):
        make_product(name=f"Lamp {distance}", embedding=near(distance))

    page = text_of(client.get(path.format(pk=first.pk))).split("<footer")[0]

    assert "No category" in page
    for other in (">None<", ">–<", ">-<", "> ·", "/ </p>"):
        assert other not in page


def test_the_heading_says_that_there_is_more(client, monkeypatch):
    monkeypatch.setattr("products.search.answer.WINDOW", PAGE_SIZE)
    monkeypatch.setattr("products.search.answer.LISTING_WINDOW", 2)
    product = make_product(category="Home")
    for _ in range(PAGE_SIZE + 1):
        make_product(category="Home")

    assert "All products more than 2" in headings(client.get("/"))
    page = client.get(f"/?like={product.pk}")
    assert "At least 24 products match" in headings(page)
    page = client.get("/?category=Home")
    assert "At least 2 products match" in headings(page)


def test_an_empty_catalogue_says_what_to_do(client):
    response = client.get("/")

    assert "Load the sample products to begin" in text_of(response)


def test_the_list_shows_products_with_their_facts(client):
    make_product(name="Desk Lamp", category="Home", description="Bright.", price=19)

    page = text_of(client.get("/"))

    for text in ("Desk Lamp", "Home", "Bright.", "$19.00"):
        assert text in page


@pytest.mark.parametrize(
    ("page", "number"), [("2", 2), ("", 1), (str(HUGE), 2)], ids=["2", "empty", "huge"]
)
def test_a_page_number_gives_its_page_or_the_last_one(client, page, number):
    for _ in range(PAGE_SIZE + 1):
        make_product()

    response = client.get("/", {"page": page})

    assert response.status_code == 200
    assert response.context["results"].page == number


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("page", "abc", "Page: Enter a whole number."),
        ("page", "0", "Page: Ensure this value is greater than or equal to 1."),
        ("page", "\0", "Page: Enter a whole number."),
        ("page", LONG, "Page: Enter a whole number."),
        ("q", "a\0b", "Search: Null characters are not allowed."),
        ("q", LONG, "Search: Ensure this value has at most 1000 characters"),
        ("mode", "magic", "Search by: Select a valid choice."),
        ("sort", "price; DROP TABLE", "Sort by: Select a valid choice."),
        ("min_price", "cheap", "Lowest price: Enter a number."),
        ("min_price", "-1", "Lowest price: Ensure this value is greater"),
        ("max_price", "NaN", "Highest price: Enter a number."),
        ("max_price", "1e400", "Highest price: Ensure that there are no more"),
        ("category", "\0", "Category: Select a valid choice."),
        ("like", "abc", "There is no product number abc."),
        ("like", str(HUGE), f"There is no product number {HUGE}."),
        ("like", "9" * 5000, "There is no product number 99"),
        ("unlike", "0", "There is no product number 0."),
        ("like", [str(number) for number in range(21)], "At most 20 products"),
        ("diversity", "2", "Variety: Ensure this value is less than or equal to 1."),
        ("diversity", "nan", "Variety: Enter a number."),
    ],
)
def test_a_bad_question_gets_a_message_and_the_catalogue(client, name, value, message):
    make_product(name="Desk Lamp")

    response = client.get("/", {name: value})

    assert response.status_code == 400
    assert message in text_of(response)
    assert "Desk Lamp" in text_of(response)


def test_prices_the_wrong_way_round_get_a_message(client):
    response = client.get("/", {"min_price": "9", "max_price": "3"})

    assert response.status_code == 400
    assert "Exchange them" in text_of(response)


def test_a_search_without_hits_says_so_and_shows_no_other_products(client):
    make_product(name="Desk Lamp", price="60")

    response = client.get("/", {"q": "lamp", "max_price": "50"})

    assert "Nothing matches" in text_of(response)
    assert "Desk Lamp" not in text_of(response)


def test_the_list_takes_four_queries_that_select_no_embedding(
    client, django_assert_max_num_queries
):
    make_product(pk=1)  # of a shop whose ids are small
    client.get("/")  # which reads the examples of the search box

    with django_assert_max_num_queries(6) as queries:  # two begin and end a transaction
        client.get("/")

    selects = [query for query in queries if query["sql"].startswith("SELECT")]
    assert len(selects) == 4  # count, page, categories, lowest and highest price
    assert not any('"embedding",' in query["sql"] for query in queries)


def test_similar_products_are_shown_nearest_first(client):
    product = make_product(name="Lamp")
    make_product(name="Chair", embedding=near(0.5))
    make_product(name="Torch", embedding=near(0.125))

    response = client.get("/similar/", {"product": product.pk})

    shown = [hit.product.name for hit in response.context["results"]]
    assert shown == ["Torch", "Chair"]
    assert "0.1250" in text_of(response)
    assert "0.8750" in text_of(response)


def test_five_similar_products_are_shown(client):
    product = make_product()
    for _ in range(7):
        make_product()

    response = client.get(product.get_absolute_url())

    assert len(response.context["results"].hits) == 5


def test_the_similar_list_is_one_query(client, django_assert_num_queries):
    product = make_product()
    for _ in range(6):
        make_product()
    with connection.cursor() as cursor:
        # Without this the index returns rows that other tests rolled back.
        cursor.execute("SET LOCAL enable_indexscan = off")

    with django_assert_num_queries(1) as queries:  # the product and those like it
        client.get(product.get_absolute_url())

    lists = [query["sql"] for query in queries if "<=>" in query["sql"]]
    assert len(lists) == 1
    for query in queries:
        selected = query["sql"].split(" FROM ")[0]
        assert not selected.startswith('SELECT "products"."embedding"')
        assert ', "products"."embedding",' not in selected


@pytest.mark.parametrize("fingerprint", ["", "older/384/0"])
def test_a_product_without_vector_says_so(client, fingerprint):
    product = make_product(embedding=None, embedding_fingerprint=fingerprint)
    other = make_product()
    Product.objects.filter(pk=other.pk).update(embedding_fingerprint=fingerprint)

    response = client.get(product.get_absolute_url())

    assert response.status_code == 200
    assert other.name not in text_of(response)


@pytest.mark.parametrize(
    ("product", "status", "message"),
    [
        ("", 400, "Choose a product."),
        ("abc", 404, "There is no such product."),
        ("4294967296", 404, "There is no such product."),
        (HUGE, 404, "There is no such product."),
        ("9" * 5000, 404, "There is no such product."),
        (-1, 404, "There is no such product."),
        ("1.5", 404, "There is no such product."),
        ("\0", 404, "There is no such product."),
        ("1\0", 404, "There is no such product."),
        ("'; DROP TABLE products; --", 404, "There is no such product."),
        ("٣", 404, "There is no such product."),
        (LONG, 404, "There is no such product."),
    ],
)
def test_a_wrong_choice_gets_a_message(client, product, status, message):
    make_product()

    response = client.get("/similar/", {"product": product})

    assert response.status_code == status
    assert message in text_of(response)


@pytest.mark.parametrize("pk", ["0", str(HUGE), "9" * 5000, "abc", "-1", "%00"])
def test_a_product_that_does_not_exist_is_not_found(client, pk):
    response = client.get(f"/products/{pk}/")

    assert response.status_code == 404
    assert "There is no such page or product" in text_of(response)


# Writing


def test_loading_the_samples_says_so(client):
    response = client.post("/samples/load/", follow=True)

    assert Product.objects.count() == 10
    assert "Successfully loaded 10 sample products!" in text_of(response)


SHARED = {"sku": "yoga-mat", "name": "My mat", "price": "1.00"}


@pytest.mark.parametrize(
    ("permissions", "name", "said"),
    [
        (["add"], "My mat", "Successfully loaded 9 sample products! Those in the"),
        (["add", "change"], "Yoga Mat", "Successfully loaded 10 sample products!"),
    ],
    ids=["add", "add and change"],
)
def test_loading_the_samples_overwrites_only_for_who_may_change(
    log_in, settings, permissions, name, said
):
    settings.OPEN_CATALOG = False
    client = log_in(*permissions)
    mine = Product.objects.create(**SHARED)

    response = client.post("/samples/load/", follow=True)

    mine.refresh_from_db()
    assert mine.name == name
    assert said in text_of(response)
    assert Product.objects.count() == 10
    assert not Product.objects.filter(embedding=None).exists()


def test_loading_samples_that_are_all_there_adds_nothing(log_in, settings):
    settings.OPEN_CATALOG = False
    client = log_in("add")
    client.post("/samples/load/")
    Product.objects.update(price="1.00")

    response = client.post("/samples/load/", follow=True)

    assert "they stay as they are" in text_of(response)
    assert set(Product.objects.values_list("price", flat=True)) == {Decimal("1.00")}


def test_samples_that_cannot_be_loaded_are_reported(client, caplog):
    with connection.cursor() as cursor:
        cursor.execute(
            "ALTER TABLE products ADD CONSTRAINT no_yoga CHECK (name <> 'Yoga Mat')"
        )

    response = client.post("/samples/load/", follow=True)

    assert "could not be loaded; nothing was changed" in text_of(response)
    assert not Product.objects.exists()
    assert "no_yoga" in caplog.text


def test_a_prepared_product_is_added_with_its_vector(client):
    response = client.post("/products/add/prepared/", {"sku": "espresso-machine"})

    product = Product.objects.get()
    assert product.embedding is not None
    assert product.embedding_fingerprint.startswith("all-MiniLM-L6-v2")
    assert response.url == product.get_absolute_url()
    assert messages_of(response) == ["Successfully added 'Espresso Machine'!"]


def test_a_prepared_product_is_added_only_once(client):
    client.post("/products/add/prepared/", {"sku": "espresso-machine"})

    response = client.post("/products/add/prepared/", {"sku": "espresso-machine"})

    assert messages_of(response)[-1] == "Product 'Espresso Machine' already exists"
    assert Product.objects.count() == 1


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({}, "This field is required."),
        ({"sku": "no-such"}, "There is no such prepared product."),
        ({"sku": "\0"}, "There is no such prepared product."),
        ({"sku": LONG}, "There is no such prepared product."),
    ],
    ids=["none", "unknown", "NUL", "long"],
)
def test_a_wrong_prepared_product_gets_a_message(client, data, message):
    response = client.post("/products/add/prepared/", data)

    assert messages_of(response) == [message]
    assert not Product.objects.exists()


def test_a_product_of_ones_own_is_embedded(client):
    response = client.post("/products/add/", form_data())

    product = Product.objects.get()
    assert (product.name, str(product.price)) == ("Desk Lamp", "19.90")
    assert product.embedding is not None
    assert response.url == product.get_absolute_url()
    assert messages_of(response) == ["Successfully added 'Desk Lamp'!"]


@pytest.mark.parametrize(
    ("changes", "field", "message"),
    [
        ({"name": ""}, "name", "This field is required."),
        ({"name": "   "}, "name", "This field is required."),
        ({"name": LONG}, "name", "at most 300 characters"),
        ({"name": "a\0b"}, "name", "Null characters are not allowed."),
        ({"category": LONG}, "category", "at most 200 characters"),
        ({"category": "a\0b"}, "category", "Null characters are not allowed."),
        ({"description": 3 * LONG}, "description", "at most 20000 characters"),
        ({"description": "a\0b"}, "description", "Null characters are not allowed."),
        ({"price": ""}, "price", "This field is required."),
        ({"price": "-0.01"}, "price", "greater than or equal to 0"),
        ({"price": "NaN"}, "price", "Enter a number."),
        ({"price": "Infinity"}, "price", "Enter a number."),
        ({"price": "1e400"}, "price", "digits"),
        ({"price": "1e-400"}, "price", "digits"),
        ({"price": "100000000"}, "price", "no more than 8 digits"),
        ({"price": "1.234"}, "price", "2 decimal places"),
        ({"price": "cheap"}, "price", "Enter a number."),
        ({"price": "1\0"}, "price", "Enter a number."),
        ({"price": LONG}, "price", "Enter a number."),
    ],
)
def test_a_wrong_form_names_the_field_and_saves_nothing(
    client, changes, field, message
):
    response = client.post("/products/add/", form_data(**changes))

    assert response.status_code == 200
    assert list(response.context["form"].errors) == [field]
    assert message in response.context["form"].errors[field][0]
    assert not Product.objects.exists()


def test_fields_nobody_offered_are_ignored(client):
    extra = {"embedding": "[1, 2]", "sku": "hacked", "embedding_fingerprint": "x"}

    client.post("/products/add/", form_data(**extra))

    product = Product.objects.get()
    assert product.sku == "desk-lamp"
    assert len(product.embedding) == 384


@pytest.mark.parametrize("name", ["Desk Lamp", "DESK  lamp!"])
def test_a_name_that_exists_gets_a_message(client, name):
    make_product(name="Desk Lamp")

    response = client.post("/products/add/", form_data(name=name))

    assert "already exists" in response.context["form"].errors["name"][0]
    assert Product.objects.count() == 1


@pytest.mark.usefixtures("broken_model")
def test_a_product_is_saved_even_when_it_cannot_be_embedded(client, caplog):
    response = client.post("/products/add/", form_data(), follow=True)

    assert Product.objects.get().embedding is None
    assert "could not be embedded" in text_of(response)
    assert "has no embedding yet" in text_of(response)
    assert "The model is broken" in caplog.text


@pytest.mark.usefixtures("broken_model")
def test_with_the_embedder_broken_the_labs_path_works(client):
    client.post("/samples/load/")
    client.post("/products/add/prepared/", {"sku": "espresso-machine"})
    coffee_maker = Product.objects.get(sku="coffee-maker")

    response = client.get("/similar/", {"product": coffee_maker.pk})

    assert response.context["results"].hits[0].product.name == "Espresso Machine"


def test_what_people_wrote_is_escaped(client):
    script = "<script>alert('x')</script>"
    client.post(
        "/products/add/",
        form_data(name=script, category=script, description=script),
    )
    product = Product.objects.get()

    pages = [
        client.get(product.get_absolute_url()),
        client.get("/"),
        client.post("/products/add/", form_data(name=script)),
    ]

    for page in pages:
        assert script in text_of(page)
        assert "<script>" not in page.content.decode()
        assert "alert('x')" not in page.content.decode()


# Who may write

WRITES = [
    ("get", "/products/add/", {}, 200),
    ("post", "/products/add/", form_data(), 302),
    ("post", "/products/add/prepared/", {"sku": "espresso-machine"}, 302),
    ("post", "/samples/load/", {}, 302),
]


@pytest.fixture
def visitor(request, client, django_user_model):
    if request.param != "anonymous":
        user = django_user_model.objects.create_user("visitor")
        if request.param == "permitted":
            user.user_permissions.add(Permission.objects.get(codename="add_product"))
        client.force_login(user)
    return request.param


@pytest.mark.parametrize("is_open", [True, False], ids=["open", "closed"])
@pytest.mark.parametrize("visitor", ["anonymous", "user", "permitted"], indirect=True)
@pytest.mark.parametrize(("method", "url", "data", "allowed"), WRITES)
def test_who_may_write(client, settings, is_open, visitor, method, url, data, allowed):
    settings.OPEN_CATALOG = is_open

    response = getattr(client, method)(url, data)

    if is_open or visitor == "permitted":
        assert response.status_code == allowed
        assert Product.objects.exists() == (method == "post")
    elif visitor == "user":
        assert response.status_code == 403
        assert "needs a permission" in text_of(response)
    else:
        assert response.url.startswith(reverse("login") + "?next=/")
    if not is_open and visitor != "permitted":
        assert not Product.objects.exists()


@pytest.mark.parametrize("is_open", [True, False], ids=["open", "closed"])
def test_the_shop_offers_writing_only_to_those_who_may(client, settings, is_open):
    settings.OPEN_CATALOG = is_open
    make_product()

    shop = text_of(client.get("/"))

    assert ("/products/add/" in shop) == is_open
    for address in ("/samples/load/", "/samples/remove/", "/products/add/prepared/"):
        assert address not in shop


@pytest.mark.parametrize(
    ("method", "url", "data", "allowed"), [row for row in WRITES if row[0] == "post"]
)
def test_a_write_without_csrf_token_is_refused(method, url, data, allowed):
    response = Client(enforce_csrf_checks=True).post(url, data)

    assert response.status_code == 403
    assert not Product.objects.exists()


def test_a_write_with_csrf_token_is_taken():
    client = Client(enforce_csrf_checks=True)
    client.get("/")
    token = client.cookies["csrftoken"].value

    response = client.post("/samples/load/", {"csrfmiddlewaretoken": token})

    assert response.status_code == 302
    assert Product.objects.count() == 10


@pytest.mark.parametrize(
    "url", ["/samples/load/", "/samples/remove/", "/products/add/prepared/"]
)
def test_looking_never_writes(client, url):
    assert client.get(url).status_code == 405
    assert not Product.objects.exists()


def test_every_page_sends_the_content_security_policy(client):
    for url in ("/", "/products/add/", "/similar/", "/nowhere/"):
        policy = client.get(url).headers["Content-Security-Policy"]

        assert "default-src 'none'" in policy
        assert "unsafe" not in policy


@pytest.mark.parametrize("cookie", ['"\\000aaaaaaaaaaaa"', "x" * 4000, "é"])
def test_a_forged_session_is_no_failure(client, cookie):
    client.cookies.load(f"sessionid={cookie}")

    response = client.get("/", headers={"cookie": f"sessionid={cookie}"})

    assert response.status_code == 200


# Two people at once


def at_once(request, count=2):
    """Run *request* in several threads that start together; return what they get."""
    barrier = threading.Barrier(count)
    responses = []

    def run():
        client = Client(raise_request_exception=False)
        try:
            barrier.wait(timeout=10)
            responses.append(request(client))
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    return responses


@pytest.mark.django_db(transaction=True)
def test_two_people_adding_a_prepared_product_make_one_row():
    responses = at_once(
        lambda client: client.post(
            "/products/add/prepared/", {"sku": "espresso-machine"}
        )
    )

    said = sorted(
        message for response in responses for message in messages_of(response)
    )
    assert Product.objects.count() == 1
    assert said == [
        "Product 'Espresso Machine' already exists",
        "Successfully added 'Espresso Machine'!",
    ]


@pytest.mark.django_db(transaction=True)
def test_two_people_adding_a_product_of_their_own_make_one_row(monkeypatch):
    # Both forms are checked before either saves: the database must decide.
    both_checked = threading.Barrier(2)
    save = Product.save

    def save_together(product, **kwargs):
        both_checked.wait(timeout=10)
        save(product, **kwargs)

    monkeypatch.setattr(Product, "save", save_together)

    responses = at_once(lambda client: client.post("/products/add/", form_data()))

    assert Product.objects.count() == 1
    assert sorted(response.status_code for response in responses) == [200, 302]
    [refused] = [response for response in responses if response.status_code == 200]
    assert "Product 'Desk Lamp' already exists" in text_of(refused)


@pytest.mark.django_db(transaction=True)
def test_two_people_loading_the_samples_load_them_once():
    responses = at_once(lambda client: client.post("/samples/load/"), count=3)

    said = [message for response in responses for message in messages_of(response)]
    assert Product.objects.count() == 10
    assert said == 3 * ["Successfully loaded 10 sample products!"]


def test_a_vector_reaches_no_page(client):
    product = make_product(embedding=axis(3))

    for url in ("/", product.get_absolute_url()):
        assert "0.0, 0.0" not in client.get(url).content.decode()


# What a reader of the pages noticed


@pytest.mark.parametrize("query", ["like={pk}", "like={pk}&q=lamp", "unlike={pk}"])
def test_an_example_whose_vector_is_gone_is_explained(client, query):
    product = make_product(embedding=None, embedding_fingerprint="older/384/0")
    make_product()

    response = client.get(f"/?{query.format(pk=product.pk)}")

    assert response.status_code in (200, 400)
    assert "has no embedding yet" in text_of(response)


@pytest.mark.parametrize(
    "query", ["category=Rare", "category=Rare&q=thing&mode=keyword"]
)
def test_a_chosen_category_has_its_count_however_small_it_is(client, query):
    categories = [f"C{number % (SHOWN + 5)}" for number in range(3 * (SHOWN + 5))]
    for number, category in enumerate([*categories, "Rare", "Rare"]):
        make_product(sku=f"t{number}", name="Thing", category=category)

    response = client.get(f"/?{query}")

    shown = response.context["categories"].shown
    assert shown[-1] == (SHOWN + 6, "Rare", 2, True)
    assert len(shown) == SHOWN + 1


def test_a_chosen_category_that_was_not_counted_has_no_count(client):
    make_product(name="Lamp", category="Home")

    response = client.get("/?category=Nowhere")

    assert response.context["categories"].shown == [
        (1, "Home", 1, False),
        (0, "Nowhere", None, True),
    ]


def test_more_like_this_of_a_page_of_words_asks_by_meaning_too(client):
    make_product(name="Lamp")

    page = text_of(client.get("/?q=lamp&mode=keyword&sort=name"))
    form = page[page.index('id="again"') :].split("</form>")[0]

    assert 'name="q" value="lamp"' in form
    assert "keyword" not in form


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_words_are_found_in_each_form_of_unicode(client, form):
    make_product(name="Caf\u00e9 lamp")
    text = unicodedata.normalize(form, "caf\u00e9")

    for path in ("/", "/similar/"):
        response = client.get(path, {"q": text, "mode": "keyword"}, follow=True)
        shown = re.sub("</?mark>", "", text_of(response))
        assert "Caf\u00e9 lamp" in shown
    assert client.get("/", {"q": text, "mode": "keyword"}).context["results"].total == 1


def test_a_count_up_to_a_bound_is_shown_as_one(client, monkeypatch):
    monkeypatch.setattr(plan_nearest, "__kwdefaults__", {"bound": 2})
    for number in range(4):
        make_product(sku=f"l{number}", name="Lamp", category="Home")

    page = text_of(client.get("/lab/why/?q=lamp&category=Home"))

    assert "<dt>Rows that pass the filters</dt><dd>more than 2</dd>" in page


def test_nothing_is_said_of_a_search_that_was_not_made(client):
    product = make_product(embedding=None)

    page = text_of(client.get(f"/?like={product.pk}"))
    words = client.get("/?q=the").context["results"].log.words

    assert "Why these results" not in page
    assert words == []
