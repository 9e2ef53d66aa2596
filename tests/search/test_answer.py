"""search(): what a question finds, in which order, and what it tells about it."""

from decimal import Decimal

import numpy as np
import pytest
from django.contrib.postgres.expressions import ArraySubquery
from django.core.cache import cache
from django.db import connection, connections
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext

from products.embeddings import BaseEmbeddingBackend, EmbeddingError, get_backend
from products.models import Calibration, Product
from products.quality.calibration import calibrate, keep_calibrated
from products.querysets import EF_SEARCH
from products.search import Filters, SearchError, nearest, search, similar_to
from products.search.query_vector import query_vector
from tests.factory import axis, make_product, near

pytestmark = pytest.mark.django_db


class Meanings(BaseEmbeddingBackend):
    """Knows what a few texts mean, as unit vectors, and counts what it is asked."""

    model = "meanings"
    default_floor = 0.3
    known = {"footwear": axis(0), "headgear": axis(1), "red": axis(2)}

    def __init__(self):
        self.texts = []

    def vectors(self, texts):
        self.texts += texts
        return [self.known.get(text, axis(383)) for text in texts]


@pytest.fixture
def embedder():
    cache.clear()
    return Meanings()


@pytest.fixture
def wardrobe(embedder):
    """Five products of two kinds; one of them is not embedded."""

    def make(sku, name, category, price, embedding):
        return make_product(
            sku=sku,
            name=name,
            category=category,
            price=price,
            embedding=embedding,
            fingerprint=embedder.fingerprint,
        )

    return [
        make("B-1", "Boot", "Shoes", "90", near(0.1, base=0, towards=5)),
        make("S-1", "Sandal", "Shoes", "30", near(0.4, base=0, towards=6)),
        make("C-1", "Cap", "Hats", "20", near(0.2, base=1, towards=7)),
        make("R-1", "Red carpet", "Home", "200", axis(8)),
        make("N-1", "Red mat", "Home", "15", None),
    ]


@pytest.fixture
def ask(embedder):
    def ask(*args, **options):
        return search(*args, embedder=embedder, **options)

    return ask


def skus(results):
    return [hit.product.sku for hit in results]


# Modes


def test_meaning_finds_what_has_no_word_of_the_text(ask, wardrobe):
    results = ask("footwear", mode="semantic")

    assert skus(results) == ["B-1", "S-1"]
    assert [hit.similarity for hit in results] == pytest.approx([0.9, 0.6], abs=1e-6)
    assert [hit.distance for hit in results] == pytest.approx([0.1, 0.4], abs=1e-6)
    assert [hit.semantic_rank for hit in results] == [1, 2]
    assert [hit.keyword_rank for hit in results] == [None, None]


def test_words_find_what_means_something_else(ask, wardrobe, embedder):
    results = ask("red", mode="keyword")

    assert sorted(skus(results)) == ["N-1", "R-1"]
    assert [hit.keyword_rank for hit in results] == [1, 2]
    assert {hit.words for hit in results} == {("Red",)}
    assert {hit.similarity for hit in results} == {None}
    assert embedder.texts == []


def test_hybrid_finds_both_and_says_why(ask, wardrobe, embedder):
    make_product(
        sku="F-1",
        name="Footwear polish",
        embedding=near(0.75, base=0, towards=9),
        fingerprint=embedder.fingerprint,
    )

    results = ask("footwear")
    boot, polish, sandal = results

    assert skus(results) == ["B-1", "F-1", "S-1"]
    assert (polish.keyword_rank, polish.words) == (1, ("Footwear",))
    # It is too far away to be found by meaning: no place there, but compared.
    assert polish.semantic_rank is None
    assert polish.similarity == pytest.approx(0.25, abs=1e-6)
    assert (boot.semantic_rank, sandal.semantic_rank) == (1, 2)
    assert (boot.keyword_rank, boot.words) == (None, ())
    assert boot.score == pytest.approx(0.9, abs=1e-6)


def test_hybrid_finds_a_product_without_embedding_by_its_words(ask, wardrobe):
    results = ask("red")

    assert sorted(skus(results)) == ["N-1", "R-1"]
    similarity = {hit.product.sku: hit.similarity for hit in results}
    assert similarity == {"N-1": None, "R-1": pytest.approx(0, abs=1e-6)}


@pytest.mark.parametrize("mode", ["hybrid", "semantic", "keyword"])
@pytest.mark.parametrize("text", ["s-1", "S-1", "  S-1\n"])
def test_the_product_with_this_sku_comes_first(ask, wardrobe, mode, text):
    make_product(sku="other", name="S-1 S-1 case", description="s-1")

    first = list(ask(text, mode=mode))[0]

    assert (first.product.sku, first.exact) == ("S-1", True)


def test_of_two_skus_that_differ_in_case_the_same_one_wins(ask):
    for sku in ("abc", "ABC", "Abc"):
        make_product(sku=sku, name="Z" if sku == "ABC" else "A", embedding=None)

    assert skus(ask("ABC"))[0] == "ABC"
    assert skus(ask("abc"))[0] == "abc"


def test_the_exact_product_is_found_once_and_only_if_it_passes(ask, wardrobe):
    make_product(sku="red", name="Red red red", embedding=None)

    assert skus(ask("red")).count("red") == 1
    assert "red" not in skus(ask("red", Filters(categories=("Home",))))


@pytest.mark.parametrize("text", ["", " ", "\t\n\u3000"])
@pytest.mark.parametrize("mode", ["hybrid", "semantic", "keyword"])
def test_no_text_lists_the_catalogue(ask, wardrobe, embedder, text, mode):
    results = ask(text, mode=mode)

    assert skus(results) == ["B-1", "C-1", "R-1", "N-1", "S-1"]
    assert (results.mode, results.plan.method) == ("listing", "listing")
    assert (results.total, results.more, embedder.texts) == (5, False, [])


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("price", ["N-1", "C-1", "S-1", "B-1", "R-1"]),
        ("-price", ["R-1", "B-1", "S-1", "C-1", "N-1"]),
    ],
)
def test_the_catalogue_is_sorted_as_asked(ask, wardrobe, sort, expected):
    assert skus(ask(sort=sort)) == expected


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("relevance", ["B-1", "S-1"]),
        ("price", ["S-1", "B-1"]),
        ("-price", ["B-1", "S-1"]),
        ("-created_at", ["S-1", "B-1"]),
    ],
)
def test_what_was_found_is_sorted_as_asked(ask, wardrobe, sort, expected):
    Product.objects.filter(sku="B-1").update(created_at="2020-01-01T00:00Z")

    assert skus(ask("footwear", sort=sort)) == expected


def test_what_is_like_an_example_is_sorted_as_asked(wardrobe):
    assert skus(search(like=[wardrobe[0]], sort="price")) == ["C-1", "S-1", "R-1"]


def test_only_the_best_of_what_was_found_is_sorted(ask, wardrobe, monkeypatch):
    monkeypatch.setattr("products.search.sorting.SORTED", 1)

    results = ask("footwear", sort="price")

    assert skus(results) == ["B-1"]  # the nearest, though another costs less
    assert results.found_text == "At least 1 product matches"


def test_where_nothing_is_found_the_three_nearest_come_as_far_ones(ask, wardrobe):
    wardrobe[2].set_embedding(near(0.9, base=383), wardrobe[2].embedding_fingerprint)
    wardrobe[2].save(embed=False)

    results = ask("nonsense")  # axis(383), which the cap alone has a little of

    assert (list(results), results.total, results.floor) == ([], 0, 0.3)
    assert [hit.product.sku for hit in results.far] == ["C-1", "B-1", "S-1"]
    assert results.far[0].similarity == pytest.approx(0.1)


def test_what_is_found_comes_without_far_ones(ask, wardrobe):
    results = ask("footwear")

    assert (skus(results), results.far) == (["B-1", "S-1"], [])


def test_the_floor_of_the_results_is_the_calibrated_one(ask, wardrobe, embedder):
    Calibration.objects.create(
        fingerprint=embedder.fingerprint, floor=0.5, products=4, samples=1
    )

    assert ask("footwear").floor == 0.5
    assert ask("footwear", mode="keyword").floor == 0.3  # the backend's own


def test_a_text_is_embedded_once(ask, wardrobe, embedder):
    for mode in ("hybrid", "semantic", "hybrid"):
        ask("footwear", mode=mode)

    assert embedder.texts == ["footwear"]


def test_the_cache_tells_recipes_and_texts_apart(embedder):
    class Other(Meanings):
        model = "other"
        known = {"footwear": axis(7)}

    other = Other()

    vectors = [
        query_vector("footwear", embedder),
        query_vector("headgear", embedder),
        query_vector("footwear", other),
        query_vector("footwear", embedder),
    ]

    assert [int(np.argmax(vector)) for vector in vectors] == [0, 1, 7, 0]
    assert (embedder.texts, other.texts) == (["footwear", "headgear"], ["footwear"])
    assert {vector.dtype for vector in vectors} == {np.dtype("float32")}


@pytest.mark.parametrize("mode", ["hybrid", "semantic"])
def test_without_an_embedder_words_are_searched(broken_model, caplog, mode):
    make_product(sku="R-1", name="Red carpet")
    make_product(sku="B-1", name="Boot")

    results = search("red", mode=mode)

    assert skus(results) == ["R-1"]
    assert results.notice.startswith("Searching by meaning is not possible just now")
    assert results.plan.method == "keyword"
    assert "The model is broken. Repair it." in caplog.text


def test_without_an_embedder_words_and_listing_need_no_notice(broken_model, caplog):
    make_product(name="Red carpet")

    assert search("red", mode="keyword").notice == search().notice == ""
    assert caplog.records == []


# Filters


@pytest.mark.parametrize("mode", ["hybrid", "semantic"])
def test_filters_narrow_a_text(ask, wardrobe, mode):
    cheap = Filters(max_price=Decimal(30))

    assert skus(ask("footwear", cheap, mode=mode)) == ["S-1"]
    assert skus(ask("footwear", Filters(categories=("Hats",)), mode=mode)) == []
    assert skus(ask("footwear", Filters(categories=("Hats", "Shoes")), mode=mode)) == [
        "B-1",
        "S-1",
    ]


def test_filters_narrow_the_words(ask, wardrobe):
    assert skus(ask("red", Filters(min_price=Decimal(100)), mode="keyword")) == ["R-1"]
    assert skus(ask("red", Filters(embedded=True), mode="keyword")) == ["R-1"]


def test_filters_narrow_similar_products(wardrobe):
    boot = wardrobe[0]

    assert skus(search(like=[boot])) == ["S-1", "C-1", "R-1"]
    assert skus(search(filters=Filters(categories=("Home",)), like=[boot])) == ["R-1"]
    both_bounds = Filters(min_price=Decimal(20), max_price=Decimal("30.00"))
    assert skus(search(filters=both_bounds, like=[boot])) == ["S-1", "C-1"]


def test_only_embedded_leaves_out_what_has_no_embedding(ask, wardrobe):
    results = ask(filters=Filters(embedded=True))

    assert skus(results) == ["B-1", "C-1", "R-1", "S-1"]


# Examples


def test_similar_leaves_the_example_out(wardrobe):
    results = search(like=[wardrobe[0]])

    assert skus(results)[0] == "S-1"
    assert results.mode == "similar"
    assert list(results)[0].similarity == pytest.approx(0.9 * 0.6, abs=1e-6)


def test_several_examples_find_what_is_like_each(wardrobe, embedder):
    boot, sandal, cap = wardrobe[:3]
    between = make_product(
        name="Winter set",
        embedding=[0.7, 0.7] + [0.0] * 382,
        fingerprint=embedder.fingerprint,
    )

    results = search(like=[boot, cap])

    assert list(results)[0].product == between
    assert not {boot.sku, cap.sku} & set(skus(results))


def test_unlike_turns_the_ranking_around(wardrobe):
    boot, sandal, cap, carpet, _ = wardrobe

    results = search(like=[cap], unlike=[boot])

    assert skus(results) == ["R-1", "S-1"]
    # Against (cap - boot) / sqrt(2): sandal is like the boot, carpet like neither.
    assert [hit.similarity for hit in results] == pytest.approx(
        [0, -0.54 / np.sqrt(2)], abs=1e-6
    )


def test_only_unlike_finds_the_most_different(wardrobe):
    boot = wardrobe[0]

    assert skus(search(unlike=[boot])) == ["C-1", "R-1", "S-1"]


def test_a_text_bends_the_examples(ask, wardrobe):
    carpet = wardrobe[3]

    results = ask("headgear", like=[carpet], mode="semantic")

    assert skus(results)[0] == "C-1"
    assert list(results)[0].similarity == pytest.approx(0.8 / np.sqrt(2), abs=1e-6)


@pytest.mark.parametrize("mode", ["hybrid", "semantic"])
def test_nothing_is_too_far_from_an_example(ask, wardrobe, mode):
    found = skus(ask("headgear", like=[wardrobe[3]], mode=mode))

    assert sorted(found) == ["B-1", "C-1", "S-1"]


def test_examples_are_not_compared_by_words(ask, wardrobe):
    with pytest.raises(SearchError, match="Choose another mode than keyword"):
        ask("red", like=[wardrobe[0]], mode="keyword")


def test_examples_that_cancel_out_are_refused(wardrobe):
    twin = make_product(
        embedding=near(0.1, base=0, towards=5),
        fingerprint=wardrobe[0].embedding_fingerprint,
    )

    for unlike in (wardrobe[0], twin):
        with pytest.raises(SearchError, match="The examples cancel out"):
            search(like=[wardrobe[0]], unlike=[unlike])


@pytest.mark.parametrize("options", [{}, {"diversity": 0.5}], ids=["plain", "varied"])
def test_nothing_is_like_an_example_without_embedding(wardrobe, options):
    results = search(like=[wardrobe[4]], **options)

    assert (results.hits, results.total, results.facets) == ([], 0, [])
    assert results.notice.startswith("Red mat has no embedding yet")


def test_every_door_finds_nothing_like_a_product_without_embedding(wardrobe):
    bare = wardrobe[4]
    nearest = Product.objects.nearest_to_outer()[:5].values("pk")

    product, page = similar_to(bare.pk)
    outer = Product.objects.annotate(found=ArraySubquery(nearest)).get(pk=bare.pk)

    assert (product, page.hits) == (bare, [])
    assert page.notice == search(like=[bare]).notice
    assert search(like=[wardrobe[0], bare]).notice == page.notice
    assert list(Product.objects.similar_to(bare)[:5]) == []
    assert outer.found == []


def test_examples_of_two_recipes_are_refused(ask, wardrobe):
    other = make_product(fingerprint="other")

    with pytest.raises(SearchError, match="different models embedded them"):
        search(like=[wardrobe[0], other])
    with pytest.raises(SearchError, match="another model embedded them"):
        ask("footwear", like=[other])


def test_a_product_of_another_recipe_is_never_compared(ask, wardrobe):
    make_product(sku="X-1", embedding=axis(0), fingerprint="other")

    assert "X-1" not in skus(ask("footwear"))
    assert "X-1" not in skus(search(like=[wardrobe[0]]))
    assert "X-1" not in skus(ask("footwear", diversity=1.0))


# Variety


def test_diversity_shows_another_kind_before_a_copy(ask, wardrobe, embedder):
    make_product(
        sku="B-2",
        embedding=near(0.1, base=0, towards=5),
        fingerprint=embedder.fingerprint,
    )

    assert skus(ask("footwear")) == ["B-1", "B-2", "S-1"]
    assert skus(ask("footwear", diversity=1.0)) == ["B-1", "S-1", "B-2"]
    assert skus(ask("footwear", diversity=1.0, page_size=1, page=2)) == ["S-1"]


def test_variety_needs_no_embeddings(ask, wardrobe):
    results = ask("red", mode="keyword", diversity=0.7)

    assert sorted(skus(results)) == ["N-1", "R-1"]


def test_equal_vectors_of_two_recipes_are_no_copies(ask, embedder):
    for vector, recipe in ((0, embedder.fingerprint), (0, "other"), (1, "other")):
        make_product(
            sku=f"{recipe}-{vector}",
            name="Red thing",
            embedding=axis(vector),
            fingerprint=recipe,
        )

    plain, varied = (ask("red", mode="keyword", diversity=d) for d in (0.0, 1.0))

    assert skus(plain) == skus(varied)


# The floor


def test_what_is_too_far_from_a_text_is_not_found(ask, wardrobe):
    results = ask("gibberish")

    assert (list(results), results.total_text, results.pages) == ([], "0", 1)


def test_a_calibrated_floor_is_asked_of_the_best_hit_alone(ask, wardrobe, embedder):
    Calibration.objects.create(
        fingerprint=embedder.fingerprint, floor=0.85, products=5, samples=100
    )

    # 0.9 and 0.6: the best is above the floor, so the other may stay.
    assert skus(ask("footwear", mode="semantic")) == ["B-1", "S-1"]
    # 0.8: the nearest is not near enough.
    assert skus(ask("headgear", mode="semantic")) == []


def test_a_name_that_the_model_does_not_know_is_found_by_meaning(
    ask, wardrobe, embedder
):
    Calibration.objects.create(
        fingerprint=embedder.fingerprint, floor=0.85, products=5, samples=100
    )
    make_product(sku="W-1", name="Headgear rack", embedding=None)

    # The catalogue has the word: so the 0.8 of the nearest product is good enough.
    assert skus(ask("headgear", mode="semantic")) == ["C-1"]
    # It has no product with both words.
    assert skus(ask("headgear visa", mode="semantic")) == []


def test_part_of_the_words_is_not_enough_where_the_meaning_is_far(ask, embedder):
    def make(sku, name, embedding):
        make_product(
            sku=sku, name=name, embedding=embedding, fingerprint=embedder.fingerprint
        )

    # The vector of an unknown text is axis(383).
    make("far", "Order form", axis(0))
    make("near", "Baking form", near(0.6, base=383))
    make("all", "Visa form", axis(1))
    make("unknown", "Cake form", None)

    assert {*skus(ask("visa form"))} == {"all", "near", "unknown"}
    Product.objects.filter(sku__in=["near", "unknown"]).delete()
    assert skus(ask("visa application form")) == []
    assert skus(ask("visa application form", mode="keyword")) == ["all", "far"]


def test_the_floor_is_measured_when_a_tenth_of_the_catalogue_changed(settings):
    settings.EMBEDDING_BACKEND = "tests.search.test_answer.Meanings"
    recipe = get_backend().fingerprint

    def add(count):
        for _ in range(count):
            make_product(embedding=near(0.4, base=383), fingerprint=recipe)

    add(99)
    assert keep_calibrated(using="default") is None  # too few
    add(1)
    assert keep_calibrated(using="default").products == 100
    assert keep_calibrated(using="default") is None  # nothing changed
    add(9)
    assert keep_calibrated(using="default") is None
    add(1)
    assert keep_calibrated(using="default").products == 110
    # As many were written again as make a tenth.
    Product.objects.filter(pk__in=Product.objects.all()[:11]).update(updated_at=Now())
    assert keep_calibrated(using="default").products == 110


def test_calibrate_measures_how_near_nonsense_comes(settings, embedder):
    settings.EMBEDDING_BACKEND = "tests.search.test_answer.Meanings"
    recipe = get_backend().fingerprint
    for _ in range(3):
        # Every text of random letters is axis(383) to this backend.
        make_product(embedding=near(0.4, base=383, towards=3), fingerprint=recipe)

    calibration = calibrate(using="default")

    assert calibration.floor == pytest.approx(0.6, abs=1e-6)
    assert (calibration.fingerprint, calibration.products) == (recipe, 3)
    assert len(set(get_backend().texts)) == calibration.samples == 100
    calibrate(using="default")
    assert Calibration.objects.count() == 1


def test_the_floor_is_never_below_that_of_the_backend(settings):
    settings.EMBEDDING_BACKEND = "tests.search.test_answer.Meanings"
    make_product(embedding=axis(3))

    assert calibrate(using="default").floor == Meanings.default_floor


def test_an_empty_catalogue_cannot_be_calibrated(settings):
    settings.EMBEDDING_BACKEND = "tests.search.test_answer.Meanings"
    make_product(embedding=None)

    with pytest.raises(ValueError, match="Run manage.py embed_products"):
        calibrate(using="default")


def test_calibrate_does_not_hide_that_the_backend_fails(broken_model):
    make_product()

    with pytest.raises(EmbeddingError, match="The model is broken"):
        calibrate(using="default")


@pytest.mark.parametrize("calibrated", [False, True])
def test_the_real_model_tells_a_wish_from_nonsense(samples, real_model, calibrated):
    if calibrated:
        calibrate(using="default")

    nonsense, earphones = search("asdf qwerty"), search("earphones")

    assert (list(nonsense), nonsense.total) == ([], 0)
    assert "eadphone" in list(earphones)[0].product.name
    assert list(earphones)[0].words == ()


# What is told


def test_facets_are_counted_without_the_category(ask, wardrobe):
    results = ask("red", Filters(categories=("Shoes",)))

    assert list(results) == []
    assert list(results.facets) == [("Home", 2)]


def test_facets_keep_the_other_filters(ask, wardrobe):
    cheap = Filters(categories=("Shoes",), max_price=Decimal(50))

    assert list(ask(filters=cheap).facets) == [("Hats", 1), ("Home", 1), ("Shoes", 1)]
    assert list(ask("red", cheap).facets) == [("Home", 1)]
    assert list(search(filters=cheap, like=[wardrobe[0]]).facets) == [
        ("Hats", 1),
        ("Shoes", 1),
    ]


def test_facets_of_the_catalogue_count_all_of_it(ask, wardrobe):
    facets = ask(page_size=1).facets

    assert list(facets) == [("Home", 2), ("Shoes", 2), ("Hats", 1)]


def test_facets_of_many_products_say_how_many_were_counted(ask, embedder):
    Product.objects.bulk_create(
        Product(
            sku=f"sku-{n}",
            name="Red thing",
            category=f"Category {n % 3}",
            price=1,
        )
        for n in range(253)
    )

    results = ask("red", page_size=5)

    assert sum(count for _, count in results.facets) == results.total == 250
    assert results.total_text == "at least 250"


def test_facets_cost_nothing_until_they_are_asked_for(ask, wardrobe):
    with CaptureQueriesContext(connection) as queries:
        results = ask("red", Filters(categories=("Shoes",)))
    before = len(queries)

    with CaptureQueriesContext(connection) as queries:
        first, again = results.facets, results.facets

    assert before <= 14
    assert first is again
    assert queries


def test_the_plan_tells_every_statement(ask, wardrobe):
    with CaptureQueriesContext(connection) as queries:
        results = ask("red", Filters(categories=("Home",)), diversity=0.5)

    assert results.log.statements
    assert len(results.log.statements) == len(queries) <= 14
    assert results.log.sql_ms > 0


def test_similar_to_one_product_is_one_statement_and_a_count(
    wardrobe, django_assert_num_queries
):
    with connection.cursor() as cursor:
        # Else the rows that other tests rolled back are in the index's way.
        cursor.execute("SET LOCAL enable_indexscan = off")

    with django_assert_num_queries(1):
        similar_to(wardrobe[0].pk, page_size=2)
    with django_assert_num_queries(2):
        results = search(like=[wardrobe[0]], page_size=2)

    # The example itself and what is not embedded cannot be found.
    assert (len(results.hits), results.total_text) == (2, "3")
    assert (results.found_text, results.pages) == ("3 products", 2)
    assert "embedding" not in [*list(results)[0].product.__dict__]


@pytest.mark.parametrize("deleted", [True, False], ids=["deleted", "another recipe"])
def test_all_are_read_where_the_index_gives_too_few(wardrobe, embedder, deleted):
    boot = wardrobe[0]
    with connection.cursor() as cursor:
        # Without what other tests left in the index.
        cursor.execute("REINDEX INDEX products_embedding_idx")
    # Four times the places that the index has, each nearer to the boot than the others
    # are, and no two alike: equal vectors share a place.
    Product.objects.bulk_create(
        Product(
            sku=f"twin-{n}",
            name="Twin",
            price=1,
            embedding=near(0.1 + n / 10_000, base=0, towards=5),
            embedding_fingerprint="other",
        )
        for n in range(1, 4 * EF_SEARCH + 1)
    )
    if deleted:  # they stay in the index until a VACUUM
        Product.objects.filter(sku__startswith="twin").delete()
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_sort = off")
        cursor.execute("SET LOCAL enable_seqscan = off")

    short = Product.objects.similar_to(boot)[:4]
    results = search(like=[boot], page_size=3)

    assert not short  # else this proves nothing
    assert skus(results) == ["S-1", "C-1", "R-1"]
    assert results.plan.exact
    assert skus(search("boot", embedder=embedder))[0] == "B-1"
    assert skus(search("footwear", embedder=embedder)) == ["B-1", "S-1"]


def test_the_log_counts_the_rows_that_were_compared(ask, wardrobe, monkeypatch):
    filters = Filters(categories=("Shoes", "Hats"))
    with connection.cursor() as cursor:
        # Of what other tests left there, equal vectors may hide others.
        cursor.execute("REINDEX INDEX products_embedding_idx")

    exact = ask("footwear", filters, mode="semantic")
    monkeypatch.setattr(nearest.plan_nearest, "__kwdefaults__", {"bound": 1})
    index = ask("footwear", filters, mode="semantic")

    assert (exact.plan.method, exact.plan.matching, exact.log.rows) == ("exact", 3, 3)
    # Counted up to the bound and one more; three rows came back.
    assert (index.plan.method, index.plan.matching, index.log.rows) == ("hnsw", 2, 3)


@pytest.mark.parametrize(
    ("text", "ranked"), [("red", 5), ("footwear", 4), ("red boot", 5)]
)
def test_a_product_is_counted_once_though_it_is_ranked_twice(
    ask, wardrobe, text, ranked
):
    # Four are embedded and compared; "red" also stands in the name of the fifth.
    assert ask(text).log.rows == ranked


def test_pages_of_similar_products_count_no_product_twice(wardrobe):
    pages = [
        search(like=[wardrobe[0]], page_size=1, page=number) for number in (1, 2, 3)
    ]

    assert [page.total for page in pages] == [3, 3, 3]
    assert max(page.log.rows for page in pages) == 3


def test_the_sentence_says_when_more_were_found_than_ranked(monkeypatch, wardrobe):
    monkeypatch.setattr("products.search.answer.WINDOW", 2)

    results = search(like=[wardrobe[0]], page_size=1)

    assert results.found_text == "At least 2 products match"
    assert search("zzzz").found_text == "No products found"


def test_a_product_deleted_meanwhile_is_left_out(ask, wardrobe):
    def delete_before_loading(execute, sql, params, many, context):
        if sql.startswith("SELECT") and '"products"."description"' in sql:
            with connection.cursor() as cursor:
                cursor.connection.execute("DELETE FROM products WHERE sku = 'B-1'")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(delete_before_loading):
        results = ask("footwear")

    assert skus(results) == ["S-1"]


@pytest.fixture(scope="module")
def second(django_db_setup):
    """The alias of a second connection to the database of the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(connections.settings, "second", connections.settings["default"])
        yield "second"
        connections["second"].close()
        del connections["second"]


@pytest.mark.django_db(transaction=True, databases=["default", "second"])
def test_another_database_is_searched_when_asked_for(second, ask, wardrobe):
    boot = Product.objects.using(second).get(sku="B-1")

    with CaptureQueriesContext(connection) as asked_default:
        found = ask("footwear", Filters(max_price=Decimal(50)), using=second)
        varied = ask("red", diversity=0.5, using=second)
        like = ask(like=[boot], using=second)
        both = ask("footwear", like=[boot], using=second)
        listed = ask(using=second)
        facets = [list(found.facets), list(listed.facets)]

    assert not asked_default.captured_queries
    assert skus(found) == ["S-1"]
    assert len(varied.hits) == 2
    assert skus(like)[0] == skus(both)[0] == "S-1"
    assert listed.total == 5
    assert facets == [[("Shoes", 1)], [("Home", 2), ("Shoes", 2), ("Hats", 1)]]
    assert {hit.product._state.db for hit in found} == {second}
