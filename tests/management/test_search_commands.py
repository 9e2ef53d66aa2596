"""search, similar and calibrate, as people run them."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from products.embeddings import get_backend
from products.management.searching import DISTANCE, SIMILARITY, in_column
from products.models import Calibration, Product
from products.sql.watch import Scan, read_scan
from tests.factory import axis, make_product, near

pytestmark = pytest.mark.django_db


def run(*arguments):
    out = StringIO()
    call_command(*arguments, stdout=out, stderr=StringIO(), no_color=True)
    return out.getvalue()


def name(sku):
    return Product.objects.get(sku=sku).name


def listed(*arguments):
    """The skus that a command lists, in order."""
    return [hit["sku"] for hit in json.loads(run(*arguments, "--json"))["hits"]]


@pytest.fixture
def shop():
    """Three lamps and a chair, embedded by the words of their names."""
    for name, category, price in [
        ("Desk lamp", "Light", "10.00"),
        ("Floor lamp", "Light", "30.00"),
        ("Lava lamp", "Toys", "20.00"),
        ("Oak chair", "Seats", "40.00"),
    ]:
        Product(name=name, category=category, price=price).save()


@pytest.fixture
def directions():
    """Products whose distances to one another can be seen."""
    make_product(sku="east", embedding=axis(0))
    make_product(sku="near-east", embedding=near(0.125))
    make_product(sku="north", embedding=axis(1))
    with connection.cursor() as cursor:  # the rows of other tests, dead, lie in the way
        cursor.execute("REINDEX TABLE products")


# search


def test_search_lists_nearness_price_name_and_sku_below_a_header(by_hand):
    lines = run("search", "lamp").splitlines()

    # (1, 0, 0) against (1, 0, 0), and against (1, 1, 1): 1 / √3.
    assert lines == [
        "similarity  distance        price  product (sku)",
        "    1.0000    0.0000         1.00  Lamp (lamp)",
        "    0.5774    0.4226         1.00  Lamp (hit)",
        "2 found.",
    ]


def test_similar_lists_the_same_columns_as_search(directions):
    lines = run("similar", "east", "-n", "1").splitlines()

    assert lines == [
        "similarity  distance        price  product (sku)",
        f"    0.8750    0.1250         9.99  {name('near-east')} (near-east)",
        "2 found, page 1 of 2.",
    ]


def test_a_product_in_no_direction_has_a_similarity_without_sign(directions):
    # At a right angle; the last digits of the sum may be below zero.
    assert in_column(-0.00001, SIMILARITY) == "    0.0000  "
    assert in_column(None, DISTANCE) == "       -  "


def test_words_alone_compare_nothing(shop):
    lines = run("search", "oak", "--mode", "keyword").splitlines()

    assert lines == [
        "      price  product (sku)",
        "      40.00  Oak chair (oak-chair)",
        "1 found.",
    ]


def test_search_without_a_text_lists_the_catalogue(shop):
    lines = run("search", "--sort=-price", "-n", "2").splitlines()

    assert lines == [
        "      price  product (sku)",
        "      40.00  Oak chair (oak-chair)",
        "      30.00  Floor lamp (floor-lamp)",
        "4 found, page 1 of 2.",
    ]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--category", "Toys"], {"lava-lamp"}),
        (
            ["--category", "Toys", "--category", "Light"],
            {"desk-lamp", "floor-lamp", "lava-lamp"},
        ),
        (["--min-price", "20"], {"lava-lamp", "floor-lamp"}),
        (["--max-price", "20"], {"lava-lamp", "desk-lamp"}),
        (["--embedded"], {"floor-lamp", "lava-lamp"}),
        (["--min-price", "1e999999"], set()),
        (["--max-price", "1e-999999"], set()),
        (
            ["--min-price", "20.0000000000000000000000000000000000000001"],
            {"floor-lamp"},
        ),
    ],
    ids=["category", "categories", "min", "max", "embedded", "huge", "tiny", "exact"],
)
def test_search_is_narrowed(shop, options, expected):
    Product.objects.filter(sku="desk-lamp").update(
        embedding=None, embedding_fingerprint=""
    )
    if options != ["--embedded"]:
        Product.objects.get(sku="desk-lamp").save()

    assert set(listed("search", "lamp", *options)) == expected


def test_pages_follow_each_other(shop):
    whole = listed("search", "lamp")

    pages = [listed("search", "lamp", "-n", "2", "--page", page) for page in "12"]

    assert len(whole) == 3
    assert [*pages[0], *pages[1]] == whole


@pytest.mark.parametrize("mode", ["hybrid", "semantic", "keyword"])
def test_the_mode_is_taken(shop, mode):
    answer = json.loads(run("search", "oak chair", "--mode", mode, "--json"))

    assert answer["mode"] == mode
    assert [hit["sku"] for hit in answer["hits"]] == ["oak-chair"]


def test_nothing_found_is_said(shop):
    assert run("search", "zzzz") == "Nothing found.\n"


def test_a_mistyped_word_is_corrected_and_the_command_says_so(shop):
    out, err = StringIO(), StringIO()

    call_command("search", "lava lmap", stdout=out, stderr=err, no_color=True)

    assert "Lava lamp (lava-lamp)" in out.getvalue().splitlines()[1]
    assert err.getvalue() == (
        "Showing results for “lava lamp”. Add --literal to search for the text as it "
        "is typed.\n"
    )
    corrected = json.loads(run("search", "lava lmap", "--json"))
    assert corrected["corrected"] == "lava lamp"


def test_a_word_of_the_language_is_only_asked_about(shop, monkeypatch):
    backend = "products.embeddings.deterministic.EmbeddingBackend.knows_word"
    monkeypatch.setattr(backend, lambda self, word: word == "damp")
    err = StringIO()

    call_command("search", "damp", stdout=StringIO(), stderr=err, no_color=True)

    assert err.getvalue() == "Did you mean “lamp”?\n"


def test_a_literal_search_corrects_nothing(shop):
    answer = json.loads(run("search", "lava lmap", "--literal", "--json"))

    assert (answer["corrected"], answer["total"]) == ("", 1)


def test_the_json_has_the_keys_of_the_help(shop):
    answer = json.loads(run("search", "lava lamp", "--json", "--explain", "-n", "1"))

    assert answer.keys() == {
        *("mode", "page", "pages", "page_size", "total", "more", "total_text"),
        *("notice", "corrected", "suggested", "hits", "facets", "plan", "scans"),
    }
    assert answer["hits"][0].keys() == {
        *("rank", "sku", "name", "category", "price", "score", "similarity"),
        *("distance", "semantic_rank", "keyword_rank", "words", "exact"),
    }
    assert answer["plan"].keys() == {
        *("method", "reason", "words", "matching", "ef_search", "rows"),
        *("embedding_ms", "sql_ms", "statements"),
    }
    assert answer["scans"][0].keys() == {
        *("node", "index", "rows", "removed", "milliseconds"),
    }
    assert (answer["hits"][0]["sku"], answer["hits"][0]["price"]) == (
        "lava-lamp",
        "20.00",
    )
    assert (answer["total"], answer["pages"]) == (3, 3)
    assert {"category": "Light", "count": 2} in answer["facets"]


def test_every_key_of_the_json_is_in_the_help(shop, capsys):
    answer = json.loads(run("search", "lamp", "--json", "--explain"))
    keys = {*answer, *answer["hits"][0], *answer["plan"], *answer["scans"][0]}

    with pytest.raises(SystemExit):
        call_command("search", "--help")

    words = set(capsys.readouterr().out.replace(",", " ").replace(":", " ").split())
    assert keys - {word.strip(".;") for word in words} == set()


def test_a_broken_embedder_is_told_beside_the_results(shop, broken_model):
    out, err = StringIO(), StringIO()

    call_command("search", "lava lamp", stdout=out, stderr=err)

    assert "Lava lamp" in out.getvalue()
    assert "Searching by meaning is not possible" in err.getvalue()


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["lamp", "--mode", "magic"], "invalid choice: 'magic'"),
        (["lamp", "--sort", "magic"], "invalid choice: 'magic'"),
        (["lamp", "--database", "other"], "invalid choice: 'other'"),
        (["lamp", "--min-price", "cheap"], "'cheap' is not a price. Write a number"),
        (["lamp", "--min-price", "NaN"], "A price is a number from 0 up"),
        (["lamp", "--max-price=-1"], "A price is a number from 0 up"),
        (["lamp", "--min-price", "9", "--max-price", "8"], "Exchange them"),
        (["lamp", "--page", "0"], "Pages are counted from 1"),
        (["lamp", "--page", "one"], "invalid int value"),
        (["lamp", "--limit", "0"], "1 to 200"),
        (["lamp", "--limit", "201"], "1 to 200"),
        (["lamp", "--diversity", "1.1"], "from 0 to 1"),
        (["lamp", "--diversity", "nan"], "from 0 to 1"),
        (["x" * 1_001], "at most 1,000 characters"),
        (["a\0b"], "NUL"),
        (["\udcff"], "half a character"),
        (["lamp", "--category", "a\0b"], "NUL"),
        (["lamp", "--category", "\udcff"], "half a character"),
        (["lamp", "--category", "light"], "no category 'light'. Did you mean Light?"),
        (["lamp", "--category", "Xyz"], "There are 3: Light, Seats, Toys."),
    ],
)
def test_search_tells_what_is_wrong(shop, arguments, reason):
    with pytest.raises(CommandError) as caught:
        run("search", *arguments)

    assert reason in str(caught.value)


def test_a_shop_without_categories_says_so():
    make_product(category="")

    with pytest.raises(CommandError, match="No product has a category"):
        run("search", "--category", "Light")


# explain


def test_explain_tells_what_postgresql_read(directions):
    make_product(sku="bare", embedding=None)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_indexscan = off")

    output = run("similar", "east", "--explain", "-n", "1")

    assert "plan:       HNSW index, unless PostgreSQL finds another way" in output
    assert "reason:     nothing is filtered out" in output
    # PostgreSQL did otherwise.
    assert "PostgreSQL: Seq Scan: 2 rows read, 2 more removed by a filter" in output


def test_explain_tells_of_the_index_where_it_is_used(directions):
    with connection.cursor() as cursor:
        # Without what other tests left in it.
        cursor.execute("REINDEX INDEX products_embedding_idx")
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off")

    output = run("similar", "east", "--explain", "-n", "1")

    assert "Index Scan using products_embedding_idx: 2 rows read" in output


def test_explain_tells_what_spoke_for_a_hit(shop):
    output = run("search", "lava lamp", "--explain", "-n", "1")

    _, hit, reasons = output.splitlines()[:3]
    assert hit.endswith("Lava lamp (lava-lamp)")
    assert reasons.strip() == "meaning #1; words #1; has Lava, lamp"
    # The number stands once, so that it cannot differ from that of the line above.
    assert output.count("similarity") == 1


def test_explain_of_similar_gives_the_place_by_the_same_measure(directions):
    lines = run("similar", "east", "--explain", "-n", "2").splitlines()

    assert [line.strip() for line in lines[2:5:2]] == ["meaning #1", "meaning #2"]


def test_explain_changes_no_result(shop):
    plain = run("search", "lamp").splitlines()

    explained = run("search", "lamp", "--explain").splitlines()

    assert [line for line in explained if line in plain] == plain


def test_rows_are_counted_over_all_workers():
    plan = {
        "Node Type": "Limit",
        "Plans": [
            {"Node Type": "Seq Scan", "Parent Relationship": "InitPlan"}
            | {"Relation Name": "products", "Actual Rows": 1, "Actual Loops": 1},
            {
                "Node Type": "Bitmap Heap Scan",
                "Parent Relationship": "Outer",
                "Relation Name": "products",
                "Actual Rows": 2,
                "Actual Loops": 3,
                "Rows Removed by Filter": 5,
                "Rows Removed by Index Recheck": 1,
                "Plans": [{"Node Type": "Bitmap Index Scan", "Index Name": "by_price"}],
            },
        ],
    }

    scan = read_scan([{"Plan": plan, "Execution Time": 1.5}])

    assert scan == Scan("Bitmap Heap Scan", "by_price", 6, 18, 1.5)


# similar


def test_similar_to_several(directions):
    make_product(sku="north-east", embedding=near(1 - 0.5**0.5))

    assert listed("similar", "east", "north", "-n", "1") == ["north-east"]


def test_unlike_leaves_a_direction_behind(directions):
    make_product(sku="far-side", embedding=near(0.125, towards=2))

    assert listed("similar", "east") == ["near-east", "far-side", "north"]
    assert listed("similar", "east", "--not", "north") == ["far-side", "near-east"]


def test_similar_is_narrowed_and_paged(directions):
    Product.objects.filter(sku="north").update(category="Cold", price=50)

    assert listed("similar", "east", "--category", "Cold") == ["north"]
    assert listed("similar", "east", "--min-price", "20") == ["north"]
    assert listed("similar", "east", "--max-price", "20") == ["near-east"]
    assert listed("similar", "east", "-n", "1", "--page", "2") == ["north"]


def test_similar_varies_on_request(directions):
    make_product(sku="twin", embedding=near(0.125))

    plain = listed("similar", "east", "-n", "2")
    varied = listed("similar", "east", "-n", "2", "--diversity", "1")

    assert plain == ["near-east", "twin"]
    assert set(varied) == {"near-east", "north"}


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["east", "west"], "no product with the sku 'west'"),
        (["east", "--not", "west"], "no product with the sku 'west'"),
        (["east", "--not", "bare"], "bare has no embedding yet"),
        (["east", "--not", "east"], "cancel out"),
        (["east"] * 21, "At most 20"),
        (["east", "--page", "0"], "counted from 1"),
        (["east", "--category", "Xyz"], "no category 'Xyz'"),
    ],
)
def test_similar_tells_what_is_wrong(directions, arguments, reason):
    make_product(sku="bare", name="bare", embedding=None)

    with pytest.raises(CommandError, match=reason):
        run("similar", *arguments)


# calibrate


def test_calibrate_stores_the_floor_and_tells_it(shop):
    output = run("calibrate")

    calibration = Calibration.objects.get()
    assert calibration.fingerprint == get_backend().fingerprint
    assert "100 meaningless texts on 4 products" in output
    assert f"similarity of {calibration.floor:.3f}" in output


def test_calibrate_measures_a_floor_above_the_default(shop, monkeypatch):
    monkeypatch.setattr(type(get_backend()), "default_floor", -1.0)

    output = run("calibrate")

    assert Calibration.objects.get().floor > -1
    assert "instead of the default -1.000" in output


def test_calibrating_twice_keeps_one_floor(shop):
    assert run("calibrate") == run("calibrate")
    assert Calibration.objects.count() == 1


def test_calibrate_needs_embedded_products():
    make_product(embedding=None)

    with pytest.raises(CommandError, match="Run manage.py embed_products"):
        run("calibrate")


def test_calibrate_tells_of_a_broken_embedder(shop, broken_model):
    Product.objects.update(embedding_fingerprint=get_backend().fingerprint)

    with pytest.raises(CommandError, match="The model is broken. Repair it."):
        run("calibrate")


@pytest.mark.django_db
def test_a_search_takes_examples(capsys):
    make_product(name="Lamp", embedding=axis(0))
    make_product(name="Sofa", embedding=axis(1))
    make_product(name="Candle", embedding=near(0.1, towards=2))
    make_product(name="Chair", embedding=near(0.1, base=1, towards=2))

    call_command("search", "--like=lamp", "--unlike=sofa", "--json")

    hits = json.loads(capsys.readouterr().out)["hits"]
    # Against (1, -1, 0) of length 1: 0.9 and -0.9, by the root of 2.
    assert [hit["sku"] for hit in hits] == ["candle", "chair"]
    assert [round(hit["similarity"], 4) for hit in hits] == [0.6364, -0.6364]


@pytest.mark.django_db
def test_an_unknown_example_of_a_search_is_named():
    with pytest.raises(CommandError, match="no product with the sku 'nothing'"):
        call_command("search", "--unlike=nothing")
