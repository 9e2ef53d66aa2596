"""Products are added, changed and removed by the API, with a key."""

from urllib.parse import quote

import pytest
from django.contrib.admin.models import ADDITION, CHANGE, DELETION, LogEntry
from django.contrib.auth.models import Permission
from django.db import IntegrityError
from django.test import Client

from products.api import limits
from products.api_keys import ApiKey
from products.catalog import one_product
from products.models import Judgement, Product
from tests.factory import make_product

pytestmark = pytest.mark.django_db

LAMP = "/api/v1/products/lamp-1"
BODY = {"name": "Lamp", "price": "20.50", "category": "Home", "description": "Bright"}


@pytest.fixture
def owner(django_user_model):
    return django_user_model.objects.create(username="ada")


@pytest.fixture
def api(owner, settings):
    """A client that sends a key with the scope `write`."""
    settings.OPEN_CATALOG = True
    return client_with(owner, "write")


def client_with(owner, *scopes):
    made = ApiKey.objects.make(name="till", user=owner, scopes=scopes)
    return Client(
        enforce_csrf_checks=True, headers={"Authorization": f"Bearer {made.key}"}
    )


def put(api, body=BODY, address=LAMP, **options):
    return api.put(address, body, content_type="application/json", **options)


def patch(api, body, address=LAMP, **options):
    return api.patch(address, body, content_type="application/json", **options)


def stored(sku="lamp-1"):
    return Product.objects.get(sku=sku)


def reason(response, status=400):
    """The only wrong value of a problem: where it is, and what is wrong with it."""
    assert response.status_code == status
    [error] = response.json()["errors"]
    return error.get("pointer") or error["parameter"], error["detail"]


# PUT


def test_a_new_product_is_stored_and_embedded(api):
    answer = put(api)

    assert answer.status_code == 201
    assert answer.headers["Location"] == f"http://testserver{LAMP}"
    assert answer.json() == {
        "sku": "lamp-1",
        "name": "Lamp",
        "category": "Home",
        "description": "Bright",
        "price": "20.50",
        "currency": "USD",
        "url": f"http://testserver/products/{stored().pk}/",
        "image": None,
    }
    assert not stored().needs_embedding()


def test_a_product_that_is_put_twice_is_stored_once(api):
    put(api)
    before = stored()
    answer = put(api)

    assert answer.status_code == 200
    assert "Location" not in answer.headers
    assert stored().updated_at == before.updated_at
    assert LogEntry.objects.count() == 1


def test_what_is_put_replaces_all_values(api):
    put(api)
    answer = put(api, {"name": "Lantern", "price": 3})

    assert answer.status_code == 200
    assert answer.json()["price"] == "3.00"
    product = stored()
    assert (product.name, product.category, product.description) == ("Lantern", "", "")
    assert not product.needs_embedding()


def test_the_answer_has_the_tag_that_the_next_read_has(api):
    written = put(api, BODY | {"price": "20.5"})
    read = api.get(LAMP)

    assert written.json() == read.json()
    assert written.headers["ETag"] == read.headers["ETag"]


def test_texts_are_stored_as_an_import_stores_them(api):
    put(
        api,
        BODY
        | {
            "name": "  Caf\N{LATIN SMALL LETTER E}\N{COMBINING ACUTE ACCENT} <b>lamp</b> ",
            "price": "$1.500",
        },
    )

    assert stored().name == "Caf\N{LATIN SMALL LETTER E WITH ACUTE} lamp"
    assert str(stored().price) == "1.50"


@pytest.mark.parametrize(
    ("changes", "where", "why"),
    [
        ({"price": "1,50"}, "#/price", "has a comma"),
        ({"price": -1}, "#/price", "greater than or equal to 0"),
        ({"price": "1.234"}, "#/price", "2 decimal places"),
        ({"name": " "}, "#/name", "cannot be blank"),
        ({"name": "x" * 301}, "#/name", "at most 300"),
        ({"description": "x" * 20_001}, "#/description", "at most 20000"),
        ({"category": "a\0b"}, "#/category", "NUL"),
        ({"category": "\ud800"}, "#/category", "surrogate"),
        ({"image": "javascript:x"}, "#/image", "https"),
        ({"prise": 1}, "#/prise", "not permitted"),
    ],
)
def test_a_wrong_value_is_refused_with_its_place(api, changes, where, why):
    place, detail = reason(put(api, BODY | changes))

    assert place == where
    assert why in detail
    assert not Product.objects.exists()


@pytest.mark.parametrize("price", [True, None, [], {}, {"str": 1}])
def test_a_price_is_a_text_or_a_number(api, price):
    assert reason(put(api, BODY | {"price": price})) == (
        "#/price",
        "Write a text such as 1234.50, or a number",
    )


@pytest.mark.parametrize("price", [True, [], {}])
def test_a_changed_price_is_a_text_or_a_number_too(api, price):
    put(api)

    assert reason(patch(api, {"price": price}))[0] == "#/price"


def test_a_message_ends_with_one_full_stop(api):
    sku = "x" * 201
    detail = put(api, {"name": "", "price": "x"}, f"/api/v1/products/{sku}").json()[
        "detail"
    ]
    both = put(api, {"name": "", "price": "x"}).json()["detail"]

    assert detail.endswith("(it has 201).")
    assert both.startswith("name: This field cannot be blank. price: ")


def test_all_wrong_values_are_named_at_once(api):
    errors = put(api, {"name": "", "price": "x"}).json()["errors"]

    assert [error["pointer"] for error in errors] == ["#/name", "#/price"]


@pytest.mark.parametrize("body", ["[" * 100_000, "[]", "1", "{", '{"name": NaN}'])
def test_a_body_that_is_no_product_is_a_problem(api, body):
    answer = api.put(LAMP, body, content_type="application/json")

    assert answer.status_code == 400
    assert answer.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("sku", "why"),
    [
        ("%20lamp", "stored as 'lamp'"),
        ("%00", "NUL"),
        ("x" * 201, "at most 200"),
        ("%20", "missing"),
    ],
)
def test_a_sku_that_an_import_would_not_store_is_refused(api, sku, why):
    place, detail = reason(put(api, address=f"/api/v1/products/{sku}"))

    assert place == "sku"
    assert why in detail


@pytest.mark.parametrize("sku", ["A/1", "ü 1", "50%", "a?b#c", "a%2Fb"])
def test_a_sku_may_have_any_letters(api, sku):
    answer = put(api, address=f"/api/v1/products/{quote(sku)}")

    assert answer.status_code == 201
    assert stored(sku).name == "Lamp"
    assert api.get(answer.headers["Location"]).json()["sku"] == sku


@pytest.mark.parametrize("sku", ["..", ".", "../..", "a/./b", "a/.."])
def test_a_sku_that_an_address_would_lose_is_refused(api, sku):
    address = f"/api/v1/products/{quote(sku, safe='')}"

    assert reason(put(api, address=address)) == (
        "sku",
        "has a part . or .., which addresses cannot have; send a batch",
    )
    assert not Product.objects.exists()


@pytest.mark.parametrize("ask", ["get", "put", "patch", "delete"])
def test_no_address_has_a_line_break(api, ask):
    document = api.get("/api/v1/openapi.json").json()

    answer = getattr(api, ask)("/api/v1/products/lamp%0A")

    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert "404" in document["paths"]["/api/v1/products/{sku}"][ask]["responses"]


@pytest.mark.parametrize("end", ["similar", "why-not"])
def test_an_address_that_ends_like_a_question_takes_no_product(api, end):
    answer = put(api, address=f"{LAMP}/{end}")

    assert answer.status_code == 405
    assert not Product.objects.exists()


def test_an_unknown_parameter_is_refused(api):
    assert reason(put(api, address=LAMP + "?embed=1"))[0] == "embed"


def test_a_product_is_stored_without_a_vector_if_the_model_fails(
    api, broken_model, caplog
):
    assert put(api).status_code == 201
    assert stored().embedding is None
    assert "Run manage.py embed_products" in caplog.text


def test_another_price_embeds_nothing(api, monkeypatch):
    put(api)
    monkeypatch.setattr(Product, "embed", None)

    assert put(api, BODY | {"price": "1"}).status_code == 200
    assert str(stored().price) == "1.00"


def test_a_text_that_is_embedded_counts_as_a_cold_one(api, settings):
    settings.API_RATE_KEY = 100

    assert limits.COLD == 5
    assert put(api).headers["RateLimit"] == '"key";r=95;t=60'
    assert put(api).headers["RateLimit"] == '"key";r=94;t=60'


# PATCH


def test_only_the_values_that_are_sent_are_changed(api):
    put(api)
    answer = patch(api, {"price": "9", "category": None})

    assert answer.status_code == 200
    product = stored()
    assert (product.name, product.description) == ("Lamp", "Bright")
    assert (str(product.price), product.category) == ("9.00", "")
    assert not product.needs_embedding()


def test_a_change_of_nothing_changes_nothing(api):
    put(api)
    before = stored().updated_at

    assert patch(api, {}).status_code == 200
    assert stored().updated_at == before


@pytest.mark.parametrize("column", ["name", "price"])
def test_what_a_product_needs_cannot_be_emptied(api, column):
    put(api)

    assert reason(patch(api, {column: None}))[0] == f"#/{column}"


def test_a_product_that_is_not_there_cannot_be_changed(api):
    answer = patch(api, {"price": 1})

    assert answer.status_code == 404
    assert "no product with the sku 'lamp-1'" in answer.json()["detail"]


# DELETE


def test_a_product_is_removed_once(api):
    put(api)

    assert api.delete(LAMP).status_code == 204
    assert not Product.objects.exists()
    assert api.delete(LAMP).status_code == 404
    assert api.get(LAMP).status_code == 404


def test_the_judgements_of_a_product_go_with_it(api):
    product = make_product(sku="lamp-1")
    Judgement.objects.create(query="lamp", product=product, grade=1)

    assert api.delete(LAMP).status_code == 204
    assert not Judgement.objects.exists()


# Two at a time


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_a_product_that_has_changed_since_is_left_alone(api, method):
    tag = put(api).headers["ETag"]
    patch(api, {"price": 1})
    body = BODY if method == "put" else {"name": "Lantern"}

    answer = getattr(api, method)(
        LAMP, body, content_type="application/json", headers={"If-Match": tag}
    )

    assert answer.status_code == 412
    assert "Read it again" in answer.json()["detail"]
    assert (stored().name, str(stored().price)) == ("Lamp", "1.00")


@pytest.mark.parametrize("form", ["{}", "*", '"other", {}'])
def test_a_product_that_is_as_it_was_is_written(api, form):
    tag = put(api).headers["ETag"]

    answer = patch(api, {"price": 1}, headers={"If-Match": form.format(tag)})

    assert answer.status_code == 200


def test_a_strong_tag_is_taken_for_the_weak_one(api):
    tag = put(api).headers["ETag"].removeprefix("W/")

    assert patch(api, {"price": 1}, headers={"If-Match": tag}).status_code == 200


def test_a_tag_holds_by_every_name_of_the_shop(api, settings):
    settings.ALLOWED_HOSTS = ["a.example", "b.example"]
    put(api, BODY | {"image": "sample:headphones"}, headers={"host": "a.example"})
    read = api.get(LAMP, headers={"host": "a.example"}, secure=True)
    tag = {"host": "b.example", "If-Match": read.headers["ETag"]}

    answer = patch(api, {"price": 1}, headers=tag)

    assert answer.status_code == 200
    assert answer.json()["url"].startswith("http://b.example/")
    assert answer.headers["ETag"] != read.headers["ETag"]


@pytest.mark.parametrize("tag", ["", "x", '"x"', "W/"])
def test_another_tag_is_refused(api, tag):
    put(api)

    assert patch(api, {"price": 1}, headers={"If-Match": tag}).status_code == 412


def test_a_product_that_is_gone_is_not_added_again(api):
    tag = put(api).headers["ETag"]
    api.delete(LAMP)

    assert put(api, headers={"If-Match": tag}).status_code == 412
    assert put(api, headers={"If-Match": "*"}).status_code == 412
    assert not Product.objects.exists()


def test_a_product_can_be_added_only_if_it_is_new(api):
    new = {"If-None-Match": "*"}

    assert put(api, headers=new).status_code == 201
    assert put(api, {"name": "Other", "price": 1}, headers=new).status_code == 412
    assert stored().name == "Lamp"


@pytest.fixture
def at_the_same_time(monkeypatch):
    """A function that has something happen once, while a text is embedded."""

    def happen(work):
        def embedded(product):
            monkeypatch.undo()
            work()
            return product.embed_if_needed("default")

        monkeypatch.setattr(one_product, "embedded", embedded)

    return happen


def test_a_product_that_is_added_meanwhile_is_changed(api, at_the_same_time):
    at_the_same_time(lambda: make_product(sku="lamp-1", name="Other"))

    assert put(api).status_code == 200
    assert stored().name == "Lamp"


def test_a_product_that_is_deleted_meanwhile_is_added(api, at_the_same_time):
    put(api)
    at_the_same_time(lambda: Product.objects.all().delete())

    assert put(api, BODY | {"name": "Lantern"}).status_code == 201
    assert stored().name == "Lantern"


def test_a_change_meanwhile_is_noticed_before_the_write(api, at_the_same_time):
    tag = put(api).headers["ETag"]
    at_the_same_time(lambda: Product.objects.update(price=1))

    answer = patch(api, {"name": "Lantern"}, headers={"If-Match": tag})

    assert answer.status_code == 412
    assert stored().name == "Lamp"


def test_a_change_meanwhile_of_another_value_is_kept(api, at_the_same_time):
    put(api)
    at_the_same_time(lambda: Product.objects.update(price=1))

    assert patch(api, {"name": "Lantern"}).json()["price"] == "1.00"
    assert stored().name == "Lantern"


def test_two_who_put_at_once_leave_what_one_of_them_sent(api, at_the_same_time):
    put(api)
    other = BODY | {"category": "Garden", "price": "1.00"}
    at_the_same_time(lambda: put(api, other))

    answer = put(api, BODY | {"name": "Lantern"})

    product = stored()
    assert answer.json()["name"] == "Lantern"
    assert (product.name, product.category) == ("Lantern", "Home")
    assert str(product.price) == "20.50"
    log = LogEntry.objects.order_by("-pk").values_list("change_message", flat=True)
    assert log[0].startswith("Changed name, price, category by")


def test_what_another_has_put_meanwhile_is_no_change(api, at_the_same_time):
    put(api)
    lantern = BODY | {"name": "Lantern"}
    at_the_same_time(lambda: put(api, lantern))

    assert put(api, lantern).status_code == 200
    assert LogEntry.objects.count() == 2


def test_what_the_database_refuses_is_not_tried_again(api, monkeypatch):
    def save(*args, **kwargs):
        raise IntegrityError("some constraint")

    monkeypatch.setattr(Product, "save", save)

    with pytest.raises(IntegrityError, match="some constraint"):
        put(api)


# Who may


@pytest.mark.parametrize(
    ("method", "permission"),
    [
        ("put", "add_product"),
        ("patch", "change_product"),
        ("delete", "delete_product"),
    ],
)
def test_the_owner_of_a_key_needs_the_permission(owner, settings, method, permission):
    settings.OPEN_CATALOG = False
    api = client_with(owner, "write")
    if method != "put":
        make_product(sku="lamp-1")

    def write():
        body = BODY if method == "put" else {"price": "1"}
        return getattr(api, method)(LAMP, body, content_type="application/json")

    refused = write()
    owner.user_permissions.set(Permission.objects.filter(codename=permission))

    assert refused.status_code == 403
    assert f"products.{permission}" in refused.json()["detail"]
    assert write().status_code in (200, 201, 204)


def test_whoever_may_add_may_not_therefore_change(owner, settings):
    settings.OPEN_CATALOG = False
    owner.user_permissions.set(Permission.objects.filter(codename="add_product"))
    api = client_with(owner, "write")

    assert put(api).status_code == 201
    assert put(api, BODY | {"price": 1}).status_code == 403
    assert str(stored().price) == "20.50"


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_writing_needs_the_scope(owner, method, settings):
    settings.OPEN_CATALOG = True
    make_product(sku="lamp-1", name="Lamp")
    api = client_with(owner, "read", "explain")

    answer = getattr(api, method)(LAMP, BODY, content_type="application/json")

    assert answer.status_code == 403
    assert 'scope="write"' in answer.headers["WWW-Authenticate"]


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_a_session_writes_nothing(admin_client, method, settings):
    settings.OPEN_CATALOG = True
    make_product(sku="lamp-1", name="Lamp")

    answer = getattr(admin_client, method)(LAMP, BODY, content_type="application/json")

    assert answer.status_code == 401
    assert stored().name == "Lamp"


# The admin's log


def test_the_admin_s_log_says_what_a_key_has_done(api, owner):
    put(api)
    patch(api, {"price": 1, "name": "Lantern"})
    pk = str(stored().pk)
    api.delete(LAMP)
    key = ApiKey.objects.get()

    entries = LogEntry.objects.order_by("pk").values_list(
        "user", "action_flag", "object_id", "object_repr", "change_message"
    )
    assert [*entries] == [
        (owner.pk, ADDITION, pk, "Lamp", f"Added by the API key {key}."),
        (
            owner.pk,
            CHANGE,
            pk,
            "Lantern",
            f"Changed name, price by the API key {key}.",
        ),
        (owner.pk, DELETION, pk, "Lantern", f"Removed by the API key {key}."),
    ]


def test_a_write_that_cannot_be_logged_is_not_stored(api, monkeypatch):
    def fail(*args, **kwargs):
        raise RuntimeError("no log")

    monkeypatch.setattr("products.api.writing.log_entry", fail)

    with pytest.raises(RuntimeError):
        put(api)
    assert not Product.objects.exists()
