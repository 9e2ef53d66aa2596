"""Walking through the pages of any search of any catalogue, with the real database."""

from decimal import Decimal

import numpy as np
import pytest
from django.db import connection
from hypothesis import HealthCheck, Phase, given, settings, strategies as st

from products.embeddings import BaseEmbeddingBackend, get_backend
from products.models import Product
from products.search import Filters, Results, answer, nearest, rank, search
from tests.factory import axis

pytestmark = pytest.mark.django_db

WORDS = ["red", "shoe", "hat"]
CATEGORIES = ["", "Footwear", "Headgear"]  # none of the words
# Few of them, so that many products are equally near.
VECTORS = {
    "near": axis(0),
    "far": axis(1),
    "between": [0.6, 0.8] + [0.0] * 382,
    "none": None,
}


class Directions(BaseEmbeddingBackend):
    """Every text means the same, so that all that is random is the catalogue."""

    model = "directions"
    default_floor = 0.3

    def vectors(self, texts):
        return np.array([axis(0)] * len(texts))


products = st.lists(
    st.tuples(
        st.lists(st.sampled_from(WORDS), min_size=1, max_size=3),
        st.sampled_from(CATEGORIES),
        st.integers(0, 3),
        st.sampled_from(sorted(VECTORS)),
    ),
    max_size=14,
)
filters = st.builds(
    Filters,
    categories=st.lists(st.sampled_from([*CATEGORIES, "None"]), max_size=2).map(tuple),
    max_price=st.sampled_from([None, Decimal(1), Decimal(2)]),
    embedded=st.booleans(),
)
questions = st.fixed_dictionaries(
    {
        "text": st.sampled_from(["", "red", "red shoe", "sku-3", "sock"]),
        "mode": st.sampled_from(["hybrid", "semantic", "keyword"]),
        "sort": st.sampled_from(["name", "price", "-price", "-created_at"]),
        "diversity": st.sampled_from([0.0, 0.5, 1.0]),
        "page_size": st.integers(1, 6),
    }
)
any_search = settings(
    phases=[Phase.explicit, Phase.generate],
    max_examples=60,
    deadline=None,
    # The catalogue is made anew for each example, see fill().
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture(autouse=True)
def small_windows(monkeypatch):
    """Windows that a dozen products overflow."""
    monkeypatch.setattr(nearest, "WINDOW", 8)
    monkeypatch.setattr(answer, "WINDOW", 8)
    monkeypatch.setattr(answer, "LISTING_WINDOW", 10)
    monkeypatch.setattr(rank, "WINDOW", 8)
    monkeypatch.setattr(rank, "RANKED", 8)


@pytest.fixture(autouse=True)
def exact_scans(db):
    """No HNSW, which may miss one: tests/search/test_nearest.py is about that."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_indexscan = off")


@pytest.fixture(autouse=True)
def embedder(settings):
    settings.EMBEDDING_BACKEND = "tests.search.test_paging.Directions"


def fill(rows):
    """Replace the catalogue."""
    Product.objects.all().delete()
    recipe = get_backend().fingerprint
    Product.objects.bulk_create(
        Product(
            sku=f"SKU-{number}",
            name=" ".join(words),
            category=category,
            price=price,
            embedding=VECTORS[place],
            embedding_fingerprint=recipe if VECTORS[place] else "",
        )
        for number, (words, category, price, place) in enumerate(rows)
    )


def walk(**question):
    """Every page, as a visitor gets them who always presses "next"."""
    pages = [search(**question, page=1)]
    while pages[-1].has_next:
        pages.append(search(**question, page=pages[-1].page + 1))
    return pages


def ids(pages):
    return [hit.product.pk for page in pages for hit in page]


def matching_rows(filters, text, mode):
    """The products that pass, by the definition of a filter, in Python."""
    return [
        product
        for product in Product.objects.all()
        if (not filters.categories or product.category in filters.categories)
        and (filters.max_price is None or product.price <= filters.max_price)
        and (not filters.embedded or product.embedding is not None)
        and answers(product, text, mode)
    ]


def answers(product, text, mode):
    """Whether a product is an answer, by the definition of the modes."""
    asked, name = set(text.split()), set(product.name.split())
    has_word, has_all = bool(asked & name), asked <= name
    is_near = product.embedding is not None and product.embedding[0] > 0.3
    by_words = {
        "keyword": has_word,
        # With part of the words it must be near enough, where that can be said.
        "hybrid": has_all or (has_word and product.embedding is None),
        "semantic": False,
    }
    return (
        not text
        or product.sku.lower() == text
        or by_words[mode]
        or (mode != "keyword" and is_near)
    )


@any_search
@given(rows=products, filters=filters, question=questions)
def test_the_pages_hold_each_product_once_and_only_what_passes(rows, filters, question):
    fill(rows)
    expected = matching_rows(filters, question["text"], question["mode"])
    window = 8 if question["text"] else 10

    pages = walk(filters=filters, **question)
    found = ids(pages)

    assert len(found) == len(set(found)) == min(len(expected), window)
    assert set(found) <= {product.pk for product in expected}
    for page in pages:
        assert page.total == len(found)
        assert page.more == (len(expected) > window)
        assert page.total_text.startswith("at least") == page.more
    assert ids(walk(filters=filters, **question)) == found


@any_search
@given(rows=products, filters=filters, question=questions)
def test_only_an_empty_search_has_an_empty_page(rows, filters, question):
    fill(rows)

    pages = walk(filters=filters, **question)
    last = search(filters=filters, page=10**9, **question)

    assert [page.page for page in pages] == list(range(1, pages[0].pages + 1))
    assert all(len(page.hits) == question["page_size"] for page in pages[:-1])
    assert pages[-1].hits or pages[0].total == 0
    assert ids([last]) == ids(pages[-1:])
    assert (last.page, last.has_next) == (len(pages), False)
    assert last.has_previous == (len(pages) > 1)


@any_search
@given(rows=products, filters=filters, question=questions)
def test_facets_add_up(rows, filters, question):
    fill(rows)
    anywhere = Filters(max_price=filters.max_price, embedded=filters.embedded)
    everything = search(filters=anywhere, **question)

    narrowed = search(filters=filters, **question).facets
    counts = dict(narrowed)

    assert list(narrowed) == list(everything.facets)
    if question["text"]:
        assert sum(counts.values()) == everything.total
    else:
        assert sum(counts.values()) == len(matching_rows(anywhere, "", ""))
    for category, count in counts.items():
        chosen = search(
            filters=Filters((category,), None, filters.max_price, filters.embedded),
            **question,
        )
        # Fewer where the best of all were counted, or the listing's window ends.
        assert count == chosen.total or everything.more


@any_search
@given(rows=products, filters=filters, page_size=st.integers(1, 6), data=st.data())
def test_the_pages_of_similar_products_fit_together(rows, filters, page_size, data):
    fill(rows)
    embedded = list(Product.objects.embedded().order_by("pk"))
    if not embedded:
        return
    example = data.draw(st.sampled_from(embedded))
    question = {"like": [example], "filters": filters, "page_size": page_size}
    passing = [
        product
        for product in matching_rows(filters, "", "")
        if product.embedding is not None and product != example
    ]
    nearest = sorted(
        passing,
        key=lambda product: (
            round(1 - np.dot(product.embedding, example.embedding), 5),
            product.pk,
        ),
    )

    pages = walk(**question)

    assert ids(pages) == [product.pk for product in nearest[:8]]
    assert ids(walk(**question)) == ids(pages)
    assert all(len(page.hits) == page_size for page in pages[:-1])
    assert pages[-1].more == (len(passing) > 8)
    for page in pages:
        assert page.total <= len(passing)
        assert page.more or page.total == len(passing)
    assert ids([search(**question, page=10**9)]) == ids(pages[-1:])


@pytest.mark.parametrize(
    ("page", "pages", "numbers"),
    [
        (1, 1, [1]),
        (2, 4, [1, 2, 3, 4]),
        (1, 9, [1, 2, 3, None, 9]),
        (5, 9, [1, 2, 3, 4, 5, 6, 7, 8, 9]),  # a gap hides two at least
        (9, 9, [1, None, 7, 8, 9]),
        (200, 417, [1, None, 198, 199, 200, 201, 202, None, 417]),
    ],
)
def test_the_pages_to_choose_from_are_few(page, pages, numbers):
    results = Results([], None, None, "listing", pages * 2, False, page, 2, list)

    assert results.page_numbers == numbers
