"""The admin for the operator: state, actions, import, reports from the vectors."""

import gzip
import json
import os

import pytest
from django.contrib.auth.models import Permission
from django.contrib.messages import get_messages
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext

from products import admin_actions, import_page
from products.models import Product
from products.reports import near_duplicates, odd_categories
from tests.factory import axis, make_product, near

LIST = "/admin/products/product/"
IMPORT = LIST + "import/"
DUPLICATES = LIST + "near-duplicates/"
ODD = LIST + "odd-categories/"

CATALOG = "sku,name,category,description,price\n"

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def uploads(monkeypatch, tmp_path):
    """Where uploads wait for their confirmation."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


@pytest.fixture
def log_in(client, django_user_model):
    def log_in(*permissions):
        user = django_user_model.objects.create(username="clerk", is_staff=True)
        codenames = [f"{name}_product" for name in permissions]
        user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
        client.force_login(user)
        return client

    return log_in


def said(response):
    return [str(message) for message in get_messages(response.wsgi_request)]


def act(client, action, *products, **data):
    selected = [product.pk for product in products]
    return client.post(LIST, {"action": action, "_selected_action": selected, **data})


def upload(client, content, name="catalog.csv", **data):
    content = content.encode() if isinstance(content, str) else content
    return client.post(IMPORT, {"file": SimpleUploadedFile(name, content), **data})


def confirm(client, response):
    return client.post(IMPORT, {"token": response.context["upload"].token})


def file_errors(response):
    return " ".join(response.context["form"].errors.get("file", []))


def four_states():
    """One product in each state, named for it."""
    make_product(name="fresh")
    make_product(name="missing", embedding=None)
    make_product(name="other_recipe", fingerprint="other/384/0")
    stale = make_product(name="was fresh")
    Product.objects.filter(pk=stale.pk).update(name="stale")


# State


@pytest.mark.parametrize("state", ["fresh", "missing", "other_recipe", "stale"])
def test_products_are_filtered_by_the_state_of_their_embedding(admin_client, state):
    four_states()

    page = admin_client.get(LIST, {"embedding_state": state})

    [product] = page.context["cl"].result_list
    assert product.name == product.embedding_state == state
    assert f'class="field-state">{state.replace("_", " ")}<' in page.content.decode()


def test_the_filters_count_the_states(admin_client):
    four_states()

    page = admin_client.get(LIST, {"_facets": "True"}).content.decode()

    for state in ("missing", "stale", "other recipe", "fresh"):
        assert f"{state} (1)" in page


def test_the_list_takes_no_query_more_for_more_products(
    admin_client, django_assert_num_queries, django_assert_max_num_queries
):
    make_product()
    with django_assert_max_num_queries(12) as few:
        admin_client.get(LIST)

    for _ in range(20):
        make_product()
    with django_assert_num_queries(len(few)) as queries:
        admin_client.get(LIST)

    assert not any('"products"."embedding",' in query["sql"] for query in queries)


# Find similar


def test_the_change_page_lists_the_five_nearest_with_their_distance(admin_client):
    product = make_product(embedding=axis(0))
    others = [
        make_product(name=f"At {d}", embedding=near(d / 10)) for d in range(6, 0, -1)
    ]

    page = admin_client.get(f"{LIST}{product.pk}/change/").content.decode()

    items = [f'{other.pk}/change/">{other.name}</a> 0.' for other in others[::-1]]
    places = [page.find(item) for item in items[:5]]
    assert -1 not in places
    assert places == sorted(places)
    assert 'At 1</a> 0.100</li><li><a href="' in page
    assert items[5] not in page
    assert f"{LIST}{product.pk}/similar/" in page


def test_similar_products_have_a_page(admin_client):
    product = make_product(embedding=axis(0))
    far = make_product(embedding=axis(1))
    close = make_product(embedding=near(0.25))

    page = admin_client.get(f"{LIST}{product.pk}/similar/")

    assert list(page.context["similar"]) == [close, far]
    assert "<td>0.250</td>" in page.content.decode()
    assert admin_client.get(f"{LIST}{far.pk + 9}/similar/").status_code == 404


def test_a_product_without_embedding_has_no_similar_ones(admin_client):
    product = make_product(embedding=None)
    make_product()

    change = admin_client.get(f"{LIST}{product.pk}/change/")
    similar = admin_client.get(f"{LIST}{product.pk}/similar/")

    assert "None: not embedded yet." in change.content.decode()
    assert "this product is not embedded" in similar.content.decode()


# Actions


def test_selected_products_are_embedded_again(admin_client):
    fresh, missing, other = (
        make_product(embedding=axis(0)),
        make_product(embedding=None),
        make_product(embedding=axis(0)),
    )

    response = act(admin_client, "embed_selected", fresh, missing)

    for product in (fresh, missing, other):
        product.refresh_from_db()
    assert said(response) == ["Embedded 2 of 2 selected products."]
    assert Product.objects.fresh().count() == 3
    assert list(fresh.embedding) != axis(0)
    assert list(other.embedding) == axis(0)


def test_embedding_again_is_bounded(admin_client, monkeypatch):
    monkeypatch.setattr(admin_actions, "MAX_PRODUCTS", 2)
    products = [make_product(embedding=None) for _ in range(3)]

    response = act(admin_client, "embed_selected", *products)

    assert list(Product.objects.missing_embedding()) == [products[2]]
    assert said(response)[0] == "Embedded 2 of 3 selected products."
    assert "At most 2 products are embedded at once" in said(response)[1]


@pytest.mark.usefixtures("broken_model")
def test_a_broken_model_is_told(admin_client):
    product = make_product(embedding=axis(0))

    response = act(admin_client, "embed_selected", product)

    product.refresh_from_db()
    assert "The model is broken. Repair it." in said(response)
    assert list(product.embedding) == axis(0)


def test_selected_products_are_exported_as_csv(admin_client):
    product = make_product(sku="lamp", name='A "lamp", blue', price="9.90")
    make_product()

    response = act(admin_client, "export_csv", product)

    content = b"".join(response.streaming_content).decode()
    assert content == f'{CATALOG[:-1]}\r\nlamp,"A ""lamp"", blue",,,9.90\r\n'
    assert response["Content-Disposition"] == 'attachment; filename="products.csv"'


def test_an_export_of_all_is_imported_without_a_change(admin_client):
    products = [make_product(name=f"Größe {n}") for n in range(3)]

    response = act(admin_client, "export_jsonl", products[0], select_across="1")

    content = b"".join(response.streaming_content)
    assert len([json.loads(line) for line in content.splitlines()]) == 3
    result = upload(admin_client, content, "p.jsonl").context["preview"].result
    assert (result.new, result.changed, result.unchanged) == (0, 0, 3)


def test_actions_need_their_permission(log_in):
    product = make_product(embedding=None)
    client = log_in("view")

    act(client, "embed_selected", product)
    exported = act(client, "export_csv", product)

    product.refresh_from_db()
    assert product.embedding is None
    assert b"".join(exported.streaming_content).startswith(b"sku,name")


# Import


def test_the_preview_tells_what_would_happen_and_changes_nothing(admin_client):
    make_product(sku="same", name="Same", price="1")
    make_product(sku="dearer", name="Dearer", price="1")
    lines = ["same,Same,,,1", "dearer,Dearer,,,2", "new,New,,,3", 'bad,Bad,,,"1,5"']

    response = upload(admin_client, CATALOG + "\n".join(lines))

    preview, page = response.context["preview"], response.content.decode()
    result = preview.result
    assert (result.new, result.changed, result.unchanged, result.refused) == (1,) * 4
    assert [(c.line, c.columns) for c in preview.changed] == [(3, ("price",))]
    assert [row.line for row in preview.refused] == [5]
    assert "has a comma: write it with a point" in page
    assert Product.objects.filter(price__gt=1).count() == 0


def test_the_confirmed_import_is_that_of_the_preview(admin_client, uploads):
    make_product(sku="lamp", name="Lamp", price="1")
    preview = upload(admin_client, CATALOG + "lamp,Lamp,,,2\nnew,New,,,3\nbad,,,,1\n")
    [kept] = uploads.iterdir()

    response = confirm(admin_client, preview)

    prices = dict(Product.objects.values_list("sku", "price"))
    assert prices == {"lamp": 2, "new": 3}
    assert Product.objects.fresh().count() == 2
    assert said(response)[:2] == [
        "Imported 2 products: 1 new, 1 changed, 0 unchanged.",
        "1 rows were refused.",
    ]
    assert not kept.exists()


def test_the_kept_upload_is_private_and_old_ones_go(admin_client, uploads):
    old = uploads / f"{import_page.PREFIX}old"
    old.touch()
    os.utime(old, (0, 0))

    upload(admin_client, CATALOG + "a,A,,,1\n")
    upload(admin_client, CATALOG + "b,B,,,1\n")

    [file] = uploads.iterdir()
    assert "b,B" in file.read_text()
    assert file.stat().st_mode & 0o077 == 0


def test_only_the_preview_at_hand_is_confirmed(admin_client):
    first = upload(admin_client, CATALOG + "a,A,,,1\n")
    upload(admin_client, CATALOG + "b,B,,,1\n")

    response = confirm(admin_client, first)

    assert said(response) == ["This preview is no longer kept. Upload it again."]
    assert not Product.objects.exists()


def test_an_upload_that_another_server_keeps_is_told(admin_client, uploads):
    preview = upload(admin_client, CATALOG + "a,A,,,1\n")
    [file] = uploads.iterdir()
    file.unlink()

    response = confirm(admin_client, preview)

    assert "not kept on this server" in said(response)[0]


def test_columns_with_other_names_are_mapped(admin_client):
    preview = upload(
        admin_client,
        "Title;Price;SKU\nLamp;2;lamp\n",
        "list.txt",
        format="csv",
        delimiter=";",
        column_name="Title",
    )

    confirm(admin_client, preview)

    assert Product.objects.get(sku="lamp").name == "Lamp"


@pytest.mark.parametrize("in_memory", [0, 2**20], ids=["on disk", "in memory"])
def test_a_packed_file_is_unpacked(admin_client, settings, in_memory):
    settings.FILE_UPLOAD_MAX_MEMORY_SIZE = in_memory
    content = gzip.compress((CATALOG + "a,A,,,1\n").encode())

    confirm(admin_client, upload(admin_client, content, "catalog.csv.gz"))

    assert Product.objects.get().sku == "a"


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "packed"])
def test_a_large_file_is_for_the_command(admin_client, monkeypatch, uploads, packed):
    monkeypatch.setattr(import_page, "MAX_BYTES", 1000)
    content = b"x" * 1001

    response = upload(admin_client, gzip.compress(content) if packed else content)

    assert "manage.py import_products FILE" in file_errors(response)
    assert not list(uploads.iterdir())


@pytest.mark.parametrize(
    ("content", "name", "problem"),
    [
        ("name\nLamp\n", "a.csv", "has no column 'price'"),
        ("name;price\nLamp;1\n", "a.csv", "separates its columns by semicolons"),
        ("{}", "a.json", "not a JSON array"),
        ("\ufeff".encode("utf-16") + b"x", "a.csv", "is UTF-16"),
        (b"\x1f\x8bbroken", "a.csv.gz", "cannot be kept or unpacked"),
        (gzip.compress(b"name,price\n" * 99)[:-9], "a.csv.gz", "unpacked"),
        (b"", "a.csv", "empty"),
    ],
)
def test_a_file_that_cannot_be_read_is_told(
    admin_client, uploads, content, name, problem
):
    response = upload(admin_client, content, name)

    assert response.status_code == 200
    assert problem in file_errors(response)
    assert not list(uploads.iterdir())


def test_a_name_that_tells_no_format_is_told(admin_client):
    response = upload(admin_client, "name,price\n", "list.txt")

    assert "Choose the format" in str(response.context["form"].errors["format"])


def test_a_server_that_cannot_keep_the_file_is_told(admin_client, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", "/dev/null/nowhere")

    response = upload(admin_client, CATALOG + "a,A,,,1\n")

    assert "The server cannot keep the file" in file_errors(response)


def test_rows_that_the_database_loses_are_told(admin_client, monkeypatch):
    preview = upload(admin_client, CATALOG + "a,A,,,1\n")

    def gone(*args, **kwargs):
        raise OperationalError("the connection was lost\nsecond line")

    monkeypatch.setattr("products.catalog.writing.write", gone)
    response = confirm(admin_client, preview)

    assert said(response)[:2] == [
        "The database failed: the connection was lost. Import the same file again.",
        "Imported 0 products: 0 new, 0 changed, 0 unchanged.",
    ]
    levels = [message.tags for message in get_messages(response.wsgi_request)]
    assert "success" not in levels


@pytest.mark.usefixtures("broken_model")
def test_an_import_is_stored_though_the_model_is_broken(admin_client):
    response = confirm(admin_client, upload(admin_client, CATALOG + "a,A,,,1\n"))

    assert Product.objects.missing_embedding().get().sku == "a"
    assert "The model is broken. Repair it." in said(response)


@pytest.mark.parametrize("permission", ["add", "change", "view"])
def test_an_import_needs_permission_to_add_and_to_change(log_in, permission):
    client = log_in("view", permission)

    assert client.get(IMPORT).status_code == 403
    assert upload(client, CATALOG + "a,A,,,1\n").status_code == 403
    assert IMPORT not in client.get(LIST).content.decode()


# Reports


def test_near_duplicates_are_the_nearest_under_the_threshold():
    lamp = make_product(embedding=axis(0))
    twin = make_product(embedding=near(0.01))
    make_product(embedding=near(0.5, towards=2))
    make_product(embedding=axis(0), fingerprint="other/384/0")

    page = near_duplicates(threshold=0.05)

    [pair] = page.findings
    assert (pair.product, pair.other) == (lamp, twin)
    assert pair.distance == pytest.approx(0.01)
    assert (page.looked_at, page.last) == (3, None)
    assert len(near_duplicates(threshold=0.6).findings) == 2
    assert near_duplicates(threshold=0.005).findings == []


def use_the_index():
    with connection.cursor() as cursor:
        # Without the rows that other tests rolled back: a search may end among them.
        cursor.execute("REINDEX INDEX products_embedding_idx")
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off")


def add_nearer_rows_of_another_recipe():
    """Four times as many as the index has places, up to 0.01 away from axis(0)."""
    Product.objects.bulk_create(
        Product(
            sku=f"other-{number}",
            name="Other",
            price=1,
            embedding=near(0.01 * number / 400),
            embedding_fingerprint="other/384/0",
        )
        for number in range(1, 401)
    )


def test_near_duplicates_are_found_beside_many_rows_of_another_recipe():
    lamp = make_product(embedding=axis(0))
    add_nearer_rows_of_another_recipe()
    twin = make_product(embedding=near(0.02))
    use_the_index()

    with CaptureQueriesContext(connection) as queries:
        [pair] = near_duplicates(limit=1).findings

    report = next(query["sql"] for query in queries if "<=>" in query["sql"])
    assert "Index Scan using products_embedding_idx" in explain(report)
    assert (pair.product, pair.other) == (lamp, twin)


def test_odd_categories_are_found_beside_many_rows_of_another_recipe():
    odd = make_product(category="Garden", embedding=axis(0))
    add_nearer_rows_of_another_recipe()
    for number in range(10):
        make_product(category="Light", embedding=near(0.02 + number / 1000))
    use_the_index()

    [found] = odd_categories(limit=1).findings

    assert (found.product, found.votes) == (odd, 10)


def explain(statement):
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN " + statement)
        return "\n".join(line for (line,) in cursor.fetchall())


def test_near_duplicates_come_page_by_page():
    first, second, third = (make_product(embedding=axis(0)) for _ in range(3))

    pages = [near_duplicates(after=after, limit=2) for after in (0, second.pk)]

    assert [page.last for page in pages] == [second.pk, None]
    assert [page.looked_at for page in pages] == [2, 1]
    assert pages[1].findings[0].product == third
    assert pages[1].findings[0].other in (first, second)


def test_an_odd_category_is_not_that_of_most_neighbours():
    odd = make_product(category="Garden", embedding=axis(0))
    for number in range(6):
        make_product(category="Light", embedding=near(0.1, towards=number + 1))
    for number in range(4):
        make_product(category="Garden", embedding=near(0.2, towards=number + 10))
    make_product(category="Garden", embedding=axis(99))

    page = odd_categories(limit=1)

    [found] = page.findings
    assert (found.product, found.category, found.votes) == (odd, "Light", 6)
    assert page.last == odd.pk


@pytest.mark.parametrize("category", ["", "Light"], ids=["none", "the same"])
def test_neighbours_in_no_or_the_same_category_tell_nothing(category):
    make_product(category="Light", embedding=axis(0))
    for number in range(10):
        make_product(category=category, embedding=near(0.1, towards=number + 1))

    assert odd_categories(limit=1).findings == []


def test_half_of_the_neighbours_are_not_most():
    make_product(category="Garden", embedding=axis(0))
    for number in range(5):
        make_product(category="Light", embedding=near(0.1, towards=number + 1))
    for number in range(5):
        make_product(category="", embedding=near(0.1, towards=number + 10))

    assert odd_categories(limit=1).findings == []


def test_the_reports_take_few_statements_and_send_no_vector(
    django_assert_num_queries,
):
    for _ in range(20):
        make_product(embedding=axis(0), category="Light")

    with django_assert_num_queries(3) as first:
        near_duplicates()
    with django_assert_num_queries(2) as second:
        odd_categories()

    for query in (*first, *second):
        assert '"products"."embedding",' not in query["sql"]


def test_the_reports_are_pages_with_links(admin_client):
    lamp = make_product(category="Garden", embedding=axis(0))
    for _ in range(7):
        make_product(category="Light", embedding=axis(0))

    for url in (DUPLICATES, ODD):
        page = admin_client.get(url).content.decode()

        assert f'href="{LIST}{lamp.pk}/change/"' in page
        assert "Looked at 8 products; there are no more." in page


@pytest.mark.parametrize(
    "query",
    [
        {"threshold": "NaN"},
        {"threshold": "3"},
        {"threshold": "x"},
        {"after": "-1"},
        {"after": "9" * 30},
        {"after": "a\0"},
    ],
)
def test_a_wrong_question_to_a_report_is_told(admin_client, query):
    url = DUPLICATES if "threshold" in query else ODD

    response = admin_client.get(url, query)

    assert response.status_code == 400
    assert "errorlist" in response.content.decode()


def test_the_pages_are_for_those_who_may_view(log_in):
    product = make_product()
    client = log_in()

    for url in (DUPLICATES, ODD, f"{LIST}{product.pk}/similar/"):
        assert client.get(url).status_code == 403
