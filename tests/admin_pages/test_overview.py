"""The admin's start page: what it counts and links, and the button for the recall."""

import re
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.core.cache import cache
from django.db import connection

from products.admin_pages import overview
from products.admin_pages.log import IMPORTED, log
from products.models import HourlyFigure, Product
from products.querysets import ProductQuerySet
from products.watching.history import this_hour
from tests.factory import make_product, near
from tests.reading import messages_of

START = "/admin/"
LIST = "/admin/products/product/"
MEASURE = LIST + "recall/"

pytestmark = pytest.mark.django_db


# What is counted


def test_the_start_page_counts_what_needs_an_operator(admin_client):
    make_product()
    make_product(embedding=None)
    make_product(embedding=None)
    make_product(fingerprint="another/384/0")

    page = admin_client.get(START).text

    assert '<p class="figure">4</p>' in page
    assert f'href="{LIST}?embedding_state=missing">2 missing</a>' in page
    assert f'href="{LIST}?embedding_state=other_recipe">1 other recipe</a>' in page
    assert "stale" not in page


def test_where_every_embedding_is_fresh_the_start_page_says_so(admin_client):
    make_product()

    assert "all fresh" in admin_client.get(START).text


def test_a_catalogue_too_large_to_count_in_a_second_is_estimated(
    admin_client, monkeypatch
):
    make_product()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE products")

    def count_slowly(products):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(30)")

    monkeypatch.setattr(ProductQuerySet, "embedding_states", count_slowly)
    page = admin_client.get(START).text
    estimate = overview.estimated_products()

    assert estimate >= 1
    assert f'<p class="figure">about {estimate:,}</p>' in page
    assert "too many products to count their embeddings here" in page
    kept = cache.get(overview.COUNTS_KEY)  # the next visit does not try again
    assert (kept.products, kept.states) == (estimate, None)


def test_a_large_catalogue_is_counted_once_in_five_minutes(monkeypatch):
    monkeypatch.setattr(overview, "LARGE", 0)
    make_product()
    first = overview.count_states()
    make_product()

    assert overview.count_states() == first
    assert first.products == 1


def test_the_limit_of_the_count_ends_with_it():
    overview.count_states()

    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() != ("1s",)


def test_a_catalogue_never_analyzed_has_no_estimate(monkeypatch):
    monkeypatch.setattr(overview, "estimated_rows", lambda using: -1.0)

    assert overview.estimated_products() is None


# The eight figures


def test_the_start_page_shows_the_eight_figures_and_what_to_do(admin_client):
    make_product()
    make_product(embedding=None)
    HourlyFigure.objects.create(
        name="waiting", hour=this_hour() - timedelta(days=1), value=0.25
    )

    page = admin_client.get(START).text

    [row] = re.findall(
        r'<tr class="attention">\s*<th scope="row">Products without(.+?)</tr>',
        page,
        re.DOTALL,
    )
    assert "Keep manage.py embed_products --watch running." in row
    assert re.findall(r'class="number">(.+?)<', row) == ["50%", "25%", "–"]
    assert page.count('<th scope="row">') >= 8


# The last import


def test_the_start_page_names_the_last_import_of_products(admin_client, rf):
    user = LogEntry._meta.get_field("user").related_model.objects.get()
    request = rf.get(START)
    request.user = user
    counts = {"changed": 0, "refused": 1, "failure": ""}
    log(request, Product, IMPORTED, "old.csv", new=1, **counts)
    log(request, Product, IMPORTED, "new.csv", new=1200, **counts)

    page = admin_client.get(START).text

    assert "Imported new.csv: 1,200 new, 0 changed, 1 refused (admin)." in page
    assert page.count("old.csv") == 1  # under "Recent actions" alone


# Recall


def test_the_recall_is_measured_and_shown_to_everybody(admin_client, log_in):
    for distance in (0.1, 0.2, 0.3):
        make_product(embedding=near(distance))

    response = admin_client.post(MEASURE)
    recent = admin_client.get(START).text
    page = log_in("view").get(START).text

    assert response.url == START
    assert messages_of(response) == ["Measured a recall of 1.000 for 3 products."]
    assert "Measured a recall of 1.000 for 3 products\n" in recent
    assert '<p class="figure">1.000</p>' in page
    assert "for 3 products." in page


def test_without_neighbours_there_is_nothing_to_measure(admin_client):
    make_product()

    response = admin_client.post(MEASURE)

    assert "fewer than two products are embedded" in messages_of(response)[0]
    assert not LogEntry.objects.exists()


def test_one_at_a_time_measures(admin_client):
    make_product()
    with overview.MEASURING.taken(seconds=0):
        response = admin_client.post(MEASURE)

    assert messages_of(response)[0].startswith("Somebody is measuring the recall now.")


# Who sees what


def test_who_may_not_view_products_sees_no_figures_and_measures_nothing(log_in):
    client = log_in("view", model="synonym")

    assert "overview" not in client.get(START).text
    assert client.post(MEASURE).status_code == 403


def test_only_a_form_measures(admin_client):
    assert admin_client.get(MEASURE).status_code == 405


def test_the_start_page_links_the_reports(admin_client, client):
    page = admin_client.get(START).text

    for address in (
        LIST + "near-duplicates/",
        LIST + "odd-categories/",
        LIST + "embeddings/",
        LIST + "import/",
        "/admin/products/synonym/suggestions/",
        "/quality/",
    ):
        assert f'href="{address}"' in page, address
        assert client.get(address).status_code == 200, address


# An empty catalogue


@pytest.mark.parametrize("page", [START, LIST])
def test_an_empty_catalogue_offers_the_samples_and_comes_back(admin_client, page):
    shown = admin_client.get(page).text

    response = admin_client.post("/samples/load/", {"next": page})

    assert f'name="next" value="{page}"' in shown
    assert response.url == page
    assert Product.objects.count() == 10
    assert "Load the sample products" not in admin_client.get(page).text


@pytest.mark.parametrize(
    "query", ["?q=nothing", "?embedding_state=stale"], ids=["search", "filter"]
)
def test_a_list_that_is_empty_by_its_filter_offers_none(admin_client, query):
    make_product()

    assert "Load the sample products" not in admin_client.get(LIST + query).text


# The way in


def test_the_log_in_has_a_heading_and_a_way_back_to_the_shop(client):
    page = client.get("/admin/login/").text

    assert "<h1>Log in</h1>" in page
    assert '<a href="/">Back to the shop</a>' in page
