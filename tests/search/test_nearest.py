"""Exact scan or HNSW: the choice, what PostgreSQL makes of it, and what it finds."""

from decimal import Decimal

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given, strategies as st

from products.embeddings import get_backend
from products.models import Product
from products.quality.measures import recall
from products.querysets import EF_SEARCH
from products.search import Filters, nearest, search
from products.search.nearest import (
    EF_SEARCH_FACTOR,
    EXACT_BOUND,
    MAX_EF_SEARCH,
    index_settings,
    plan_nearest,
)
from products.search.results import Plan
from tests.factory import make_product

# As it is made for a filter that keeps more than a few products.
FILTERED = Plan("hnsw", "some are filtered out", matching=5_000, ef_search=300)

ROWS = 4_000
CATEGORIES = 50  # so one of them has 2 % of the rows


@pytest.fixture
def five_products(db):
    return [make_product(price=str(number)) for number in range(5)]


@pytest.fixture(scope="module")
def catalogue(django_db_setup, django_db_blocker):
    """4,000 products in 100 clusters, for all tests of this module."""
    generator = np.random.default_rng(3)
    centers = generator.standard_normal((100, 384))
    vectors = centers[np.arange(ROWS) % 100] + generator.normal(0, 0.5, (ROWS, 384))
    recipe = get_backend().fingerprint
    with django_db_blocker.unblock():
        Product.objects.bulk_create(
            Product(
                sku=f"volume-{number}",
                name=f"Product {number}",
                category=f"Category {number // 100 % CATEGORIES}",
                price=Decimal(number % 1000),
                embedding=vector,
                embedding_fingerprint=recipe,
            )
            for number, vector in enumerate(vectors.round(4).tolist())
        )
        with connection.cursor() as cursor:
            # Without what other tests left in the index.
            cursor.execute("REINDEX INDEX products_embedding_idx")
            cursor.execute("VACUUM ANALYZE products")
        yield
        Product.objects.all().delete()
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE products")


def plan_for(products, *, bound, filtered=True, limit=10):
    return plan_nearest(products if filtered else None, limit=limit, bound=bound)


# The choice


def test_up_to_the_bound_every_row_is_compared(five_products):
    plan = plan_for(Product.objects.embedded(), bound=5)

    assert (plan.method, plan.exact, plan.matching) == ("exact", True, 5)
    assert plan.ef_search is None
    assert plan.reason.startswith("only 5 products to compare")


def test_above_the_bound_the_index_is_read(five_products):
    plan = plan_for(Product.objects.embedded(), bound=4)

    assert (plan.method, plan.exact, plan.partial) == ("hnsw", False, True)
    assert plan.reason.startswith("more than 4 products to compare")
    # The count stops one after the bound, however many rows there are.
    assert plan.matching == 5
    assert plan_for(Product.objects.embedded(), bound=2).matching == 3


def test_without_a_filter_nothing_is_counted(five_products, django_assert_num_queries):
    with django_assert_num_queries(0):
        plan = plan_for(Product.objects.embedded(), bound=0, filtered=False)

    assert (plan.method, plan.matching, plan.partial) == ("hnsw", None, False)
    assert plan.reason.startswith("nothing is filtered out")


@given(
    count=st.integers(0, 3 * EXACT_BOUND),
    limit=st.integers(1, 10_000),
    filtered=st.booleans(),
)
def test_whatever_is_planned_can_be_done(count, limit, filtered):
    class Rows:
        """As much of a query set as is counted."""

        def __init__(self, count):
            self.rows = count

        def order_by(self):
            return self

        def values(self, *names):
            return self

        def __getitem__(self, part):
            return Rows(min(self.rows, part.stop))

        def count(self):
            return self.rows

    plan = plan_nearest(Rows(count) if filtered else None, limit=limit)

    assert plan.exact == (filtered and count <= EXACT_BOUND)
    assert plan.reason
    if plan.exact:
        assert plan.matching == count
    elif plan.ef_search is None:
        assert not filtered and limit * EF_SEARCH_FACTOR <= EF_SEARCH
    else:
        # What pgvector allows, and no fewer than are asked for where it allows them.
        assert min(limit, MAX_EF_SEARCH) <= plan.ef_search <= MAX_EF_SEARCH


# The settings


def shown(name):
    with connection.cursor() as cursor:
        cursor.execute("SELECT '[1]'::vector")  # pgvector defines its settings here
        cursor.execute("SELECT current_setting(%s)", [name])
        return cursor.fetchone()[0]


@pytest.mark.django_db(transaction=True)
def test_the_settings_end_with_the_transaction():
    example = make_product()
    assert shown("hnsw.ef_search") == "40"

    with index_settings(FILTERED, using="default"):
        inside = [shown("hnsw.ef_search"), shown("hnsw.iterative_scan")]
    logs = search("product").log, search(like=[example], page_size=100).log

    assert inside == ["300", "relaxed_order"]
    for log in logs:
        assert any("hnsw.ef_search" in statement for statement in log.statements)
    assert shown("hnsw.ef_search") == "40"
    assert shown("hnsw.iterative_scan") == "off"


@pytest.mark.django_db(transaction=True)
def test_the_settings_end_with_a_search_that_fails():
    with pytest.raises(ZeroDivisionError), index_settings(FILTERED, using="default"):
        assert shown("hnsw.ef_search") != "40"
        raise ZeroDivisionError

    assert shown("hnsw.ef_search") == "40"


# What PostgreSQL does


def explained(**question):
    """The results of a search, and PostgreSQL's plan for its nearest products."""
    with CaptureQueriesContext(connection) as queries:
        results = search(**question)
    [statement] = [query["sql"] for query in queries if "<=>" in query["sql"]]
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN " + statement)
        return results, "\n".join(line for (line,) in cursor.fetchall())


@pytest.mark.django_db
def test_the_index_is_used_unless_the_plan_is_exact(catalogue, monkeypatch):
    example = Product.objects.get(sku="volume-7")
    few = Filters(categories=("Category 3",))

    index, index_plan = explained(like=[example])
    exact, exact_plan = explained(like=[example], filters=few)
    monkeypatch.setattr(nearest.plan_nearest, "__kwdefaults__", {"bound": 99})
    cheap = Filters(max_price=Decimal(900))
    with connection.cursor() as cursor:  # 4,000 rows are read about as fast
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off")
    filtered, filtered_plan = explained(like=[example], filters=cheap)

    assert (index.plan.method, exact.plan.method) == ("hnsw", "exact")
    assert "Index Scan using products_embedding_idx" in index_plan
    assert "products_embedding_idx" not in exact_plan
    assert "products_category_price_idx" in exact_plan
    assert (filtered.plan.method, filtered.plan.matching) == ("hnsw", 100)
    assert "Index Scan using products_embedding_idx" in filtered_plan


FILTERS = [
    pytest.param(Filters(), id="none"),
    pytest.param(Filters(max_price=Decimal(250)), id="25 %"),
    pytest.param(Filters(max_price=Decimal(50)), id="5 %"),
    pytest.param(Filters(categories=("Category 3",)), id="2.5 %"),
    pytest.param(Filters(("Category 3",), max_price=Decimal(310)), id="0.3 %"),
]


@pytest.mark.django_db
@pytest.mark.parametrize("bound", [0, EXACT_BOUND], ids=["index", "by plan"])
@pytest.mark.parametrize("filters", FILTERS)
def test_the_nearest_are_found_with_any_filter(catalogue, filters, bound, monkeypatch):
    monkeypatch.setattr(nearest.plan_nearest, "__kwdefaults__", {"bound": bound})
    found, full = [], 0

    for example in Product.objects.filter(pk__in=sample_ids(20)):
        results = search(filters=filters, like=[example], page_size=10)
        passing = filters.narrow(Product.objects.all())
        truth = passing.similar_to(example, exact=True)[:10]
        expected = [product.pk for product in truth]
        found.append(recall([hit.pk for hit in results], expected))
        full += len(results.hits) == len(expected)

    assert np.mean(found) >= 0.95
    assert full == 20


def sample_ids(count):
    """The ids of products all over the catalogue."""
    skus = [f"volume-{number * 197}" for number in range(count)]
    return Product.objects.filter(sku__in=skus).values("pk")


@pytest.mark.django_db
def test_without_the_planner_a_filter_loses_most_products(catalogue):
    """What the planner is there for; the test above could not fail otherwise."""
    few = Product.objects.in_category("Category 3")
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_sort = off")

    found = [
        recall(
            [product.pk for product in few.similar_to(example)[:10]],
            [product.pk for product in few.similar_to(example, exact=True)[:10]],
        )
        for example in Product.objects.filter(pk__in=sample_ids(20))
    ]

    assert np.mean(found) < 0.5
