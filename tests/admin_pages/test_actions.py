"""The admin for the operator: state, actions, reports from the vectors."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from products.admin_pages import actions
from products.insight.reports import near_duplicates, odd_categories
from products.models import Product
from tests.factory import axis, make_product, near
from tests.reading import messages_of

LIST = "/admin/products/product/"
DUPLICATES = LIST + "near-duplicates/"
ODD = LIST + "odd-categories/"

CATALOG = "sku,name,category,description,price\n"

pytestmark = pytest.mark.django_db


def act(client, action, *products, **data):
    selected = [product.pk for product in products]
    return client.post(LIST, {"action": action, "_selected_action": selected, **data})


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
    label = state.replace("_", " ")
    assert f'<span class="state state-{state}">{label}</span>' in page.text


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

    items = [
        f'{other.pk}/change/">{other.name}</a> (Distance 0.' for other in others[::-1]
    ]
    places = [page.find(item) for item in items[:5]]
    assert -1 not in places
    assert places == sorted(places)
    assert 'At 1</a> (Distance 0.100)</li><li><a href="' in page
    assert items[5] not in page
    assert f"{LIST}{product.pk}/similar/" in page


def test_similar_products_have_a_page(admin_client):
    product = make_product(embedding=axis(0))
    far = make_product(embedding=axis(1))
    close = make_product(embedding=near(0.25))

    page = admin_client.get(f"{LIST}{product.pk}/similar/")

    assert [hit.product for hit in page.context["results"]] == [close, far]
    assert "<td>0.250</td>" in page.content.decode()
    assert admin_client.get(f"{LIST}{far.pk + 9}/similar/").status_code == 404


def test_a_product_without_embedding_has_no_similar_ones(admin_client):
    product = make_product(embedding=None)
    make_product()

    change = admin_client.get(f"{LIST}{product.pk}/change/")
    similar = admin_client.get(f"{LIST}{product.pk}/similar/")

    for page in (change, similar):
        assert (
            f"{product} has no embedding yet, so nothing can" in page.content.decode()
        )


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
    assert messages_of(response) == ["Embedded 2 of 2 selected products."]
    assert Product.objects.fresh().count() == 3
    assert list(fresh.embedding) != axis(0)
    assert list(other.embedding) == axis(0)


def test_embedding_again_is_bounded(admin_client, monkeypatch):
    monkeypatch.setattr(actions, "MAX_PRODUCTS", 2)
    products = [make_product(embedding=None) for _ in range(3)]

    response = act(admin_client, "embed_selected", *products)

    assert list(Product.objects.missing_embedding()) == [products[2]]
    assert messages_of(response)[0] == "Embedded 2 of 3 selected products."
    assert "At most 2 products are embedded at once" in messages_of(response)[1]


@pytest.mark.usefixtures("broken_model")
def test_a_broken_model_is_reported(admin_client):
    product = make_product(embedding=axis(0))

    response = act(admin_client, "embed_selected", product)

    product.refresh_from_db()
    assert "The model is broken. Repair it." in messages_of(response)
    assert list(product.embedding) == axis(0)


def test_selected_products_are_exported_as_csv(admin_client):
    product = make_product(sku="lamp", name='A "lamp", blue', price="9.90")
    make_product()

    response = act(admin_client, "export_csv", product)

    content = b"".join(response.streaming_content).decode()
    assert content == f'{CATALOG[:-1]},image\r\nlamp,"A ""lamp"", blue",,,9.90,\r\n'
    assert response["Content-Disposition"] == 'attachment; filename="products.csv"'


def test_actions_need_their_permission(log_in):
    product = make_product(embedding=None)
    client = log_in("view")

    act(client, "embed_selected", product)
    exported = act(client, "export_csv", product)

    product.refresh_from_db()
    assert product.embedding is None
    assert b"".join(exported.streaming_content).startswith(b"sku,name")


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


def test_a_product_shows_its_nearest_beside_many_rows_of_another_recipe(admin_client):
    lamp = make_product(embedding=axis(0))
    add_nearer_rows_of_another_recipe()
    twin = make_product(name="Twin lamp", embedding=near(0.02))
    use_the_index()

    change = admin_client.get(
        reverse("admin:products_product_change", args=[lamp.pk])
    ).text
    similar = admin_client.get(
        reverse("admin:products_product_similar", args=[lamp.pk])
    ).text

    for page in (change, similar):
        assert f"/{twin.pk}/change/" in page
        assert ">Other<" not in page


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
def test_a_wrong_question_to_a_report_is_reported(admin_client, query):
    url = DUPLICATES if "threshold" in query else ODD

    response = admin_client.get(url, query)

    assert response.status_code == 400
    assert "errorlist" in response.content.decode()


def test_the_pages_are_for_those_who_may_view(log_in):
    product = make_product()
    client = log_in()

    for url in (DUPLICATES, ODD, f"{LIST}{product.pk}/similar/"):
        assert client.get(url).status_code == 403
