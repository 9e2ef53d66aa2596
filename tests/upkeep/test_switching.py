"""Changing the embedding model: filled, compared, switched and rolled back."""

import threading
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, connections
from django.db.migrations import AlterField
from django.db.migrations.loader import MigrationLoader
from django.urls import reverse
from pgvector.django import VectorField
from pytest_django.asserts import assertContains

from products.checks import check_index
from products.embeddings import get_backend
from products.insight import map as insight_map
from products.insight.preview import neighbours_of
from products.models import EmbeddingRecipe, Product
from products.quality.agreement import overlap
from products.quality.impact import Queries, impact_of_model
from products.recipes import ADVISORY_LOCK, with_active_backend
from products.search import search
from products.upkeep import switching, vector_index
from products.upkeep.pending import embed_pending
from products.upkeep.second_column import SecondEmbedding
from tests.backends import PICKY, SECOND, Second, Wide
from tests.factory import make_product

WORDS = [
    "red",
    "blue",
    "green",
    "round",
    "square",
    "tall",
    "small",
    "old",
    "new",
    "cheap",
    "solid",
    "light",
]


@pytest.fixture
def catalogue(transactional_db):
    """Sixty products, embedded by the configured recipe; afterwards one column."""
    Product.objects.bulk_create(
        Product(
            sku=f"p{number}",
            name=f"{WORDS[number % 12]} {WORDS[number // 7]} thing {number}",
            price=1,
        )
        for number in range(60)
    )
    list(embed_pending())
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE products")  # keyword scores look at its size
    yield
    switching.drop_second(using="default", abort=True)


def migrate(*args):
    out = StringIO()
    call_command("migrate_embeddings", *args, stdout=out, stderr=out)
    return out.getvalue()


def indexes():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'products' "
            "AND indexname LIKE '%%embedding%%'"
        )
        return dict(cursor.fetchall())


def text_search(text, *, limit=5):
    """The skus and distances that the shop finds for a text."""

    def search(backend):
        [vector] = backend.embed([text])
        nearest = Product.objects.nearest_to(
            vector.tolist(), fingerprint=backend.fingerprint
        )
        return [(product.sku, product.distance) for product in nearest[:limit]]

    return with_active_backend(search)


# The way there and back


def test_model_is_changed_step_by_step(catalogue):
    first, other = get_backend().fingerprint, Second().fingerprint

    filled = migrate("--to", SECOND)

    assert f"Served: {first}, 60 fresh." in filled
    assert f"Being filled: {other}, 60 fresh." in filled
    assert "Next: manage.py migrate_embeddings --switch" in filled
    assert set(Product.objects.values_list("embedding_fingerprint", flat=True)) == {
        first
    }

    switched = migrate("--switch")

    assert f"Served: {other}, 60 fresh." in switched
    assert f"Kept: {first}, 60 fresh." in switched
    assert f"EMBEDDING_BACKEND={SECOND}" in switched

    back = migrate("--rollback")

    assert f"Served: {first}, 60 fresh." in back
    assert f"Kept: {other}, 60 fresh." in back
    assert "EMBEDDING_BACKEND" not in back

    finished = migrate("--finish")

    assert finished == f"Served: {first}, 60 fresh.\n"


def test_vectors_are_those_of_the_new_model_after_the_switch(catalogue):
    product = Product.objects.get(sku="p7")
    [expected] = Second().embed([product.embedding_text()])

    migrate("--to", SECOND)
    migrate("--switch")

    product.refresh_from_db()
    assert product.embedding == pytest.approx(expected.tolist(), abs=1e-6)


def storages():
    """How the vectors are stored: "m" is MAIN, in the row where it has room."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT attname, attstorage FROM pg_attribute WHERE attname LIKE "
            "'%%embedding' AND attrelid = 'products'::regclass"
        )
        return dict(cursor.fetchall())


def test_both_vectors_stay_in_the_row(catalogue):
    migrate("--to", SECOND)

    assert storages() == {"embedding": "m", "second_embedding": "m"}


def test_names_in_the_database_stay_true(catalogue):
    migrate("--to", SECOND)
    migrate("--switch")

    definitions = indexes()
    assert "(embedding vector_cosine_ops)" in definitions["products_embedding_idx"]
    assert (
        "(second_embedding vector_cosine_ops)"
        in definitions["products_second_embedding_idx"]
    )
    assert check_index("default") == []
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)

    migrate("--finish")

    assert set(indexes()) == {"products_embedding_idx"}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_get_constraintdef(oid) FROM pg_constraint "
            "WHERE conname = 'products_embedding_not_zero'"
        )
        [[constraint]] = cursor.fetchall()
    assert "vector_norm(embedding)" in constraint


def test_model_can_be_changed_again_after_finishing(catalogue):
    for backend in (SECOND, PICKY):
        migrate("--to", backend)
        migrate("--switch")
        migrate("--finish")

    assert EmbeddingRecipe.objects.current().backend == PICKY
    assert EmbeddingRecipe.objects.current().switches == 2
    assert Product.objects.embedding_states()["fresh"] == 60


def test_what_changed_after_the_switch_is_stale_after_the_rollback(catalogue):
    migrate("--to", SECOND)
    migrate("--switch")
    changed = Product.objects.get(sku="p7")
    changed.name = "changed"
    changed.save()
    Product(name="added", price=1).save()
    assert Product.objects.embedding_states()["fresh"] == 61

    back = migrate("--rollback")

    assert "59 fresh, 1 stale, 1 missing." in back
    call_command("embed_products", verbosity=0, stdout=StringIO())
    assert Product.objects.embedding_states()["fresh"] == 61


# Filling


def test_filling_goes_on_where_it_was_stopped(catalogue, monkeypatch):
    texts = []
    vectors = Second.vectors

    def count(self, batch):
        texts.extend(batch)
        if len(texts) == 3 * 16:
            raise KeyboardInterrupt
        return vectors(self, batch)

    monkeypatch.setattr(Second, "batch_size", 16)
    monkeypatch.setattr(Second, "vectors", count)
    with pytest.raises(KeyboardInterrupt):
        migrate("--to", SECOND)

    migrate("--to", SECOND)

    assert len(texts) == 60 + 16
    assert SecondEmbedding.objects.fresh(Second().fingerprint).count() == 60


def test_worker_keeps_the_second_column_up_with_changes(catalogue):
    migrate("--to", SECOND)
    Product.objects.filter(sku="p7").update(name="changed")
    make_product(name="added", embedding=None)

    list(embed_pending())

    assert SecondEmbedding.objects.fresh(Second().fingerprint).count() == 61
    assert Product.objects.embedding_states()["fresh"] == 61


def test_admin_shows_the_second_column(catalogue, admin_client):
    url = reverse("admin:products_product_embeddings")
    migrate("--to", SECOND)

    assertContains(admin_client.get(url), "To be switched to:")

    migrate("--switch")

    assertContains(admin_client.get(url), "Kept since the last switch:")


def test_half_built_index_is_built_again(catalogue):
    migrate("--to", SECOND)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE pg_index SET indisvalid = false "
            "WHERE indexrelid = 'products_second_embedding_idx'::regclass"
        )
    with pytest.raises(CommandError, match="is not built"):
        migrate("--switch")

    migrate("--to", SECOND)

    assert vector_index.is_usable(vector_index.SECOND_VECTOR, using="default")


def test_halfvec_index_goes_with_its_column(catalogue, settings):
    settings.HNSW_HALFVEC = True
    vector_index.build_index(vector_index.HALFVEC, using="default")

    migrate("--to", SECOND)
    assert set(indexes()) == {
        "products_embedding_idx",
        "products_embedding_halfvec_idx",
        "products_second_embedding_halfvec_idx",
    }
    migrate("--switch")

    definitions = indexes()
    assert "((embedding)::halfvec" in definitions["products_embedding_halfvec_idx"]
    assert "(second_embedding " in definitions["products_second_embedding_idx"]
    assert check_index("default") == []
    migrate("--rollback")
    assert "products_embedding_idx" in indexes()
    migrate("--rollback")
    migrate("--finish")
    assert set(indexes()) == {"products_embedding_halfvec_idx"}


def test_neighbours_of_a_text_follow_the_recipe_in_force(catalogue):
    text = {"name": "red round thing 7", "category": "", "description": ""}
    Product.objects.filter(sku="p7").update(name="red round thing 7")
    list(embed_pending())
    migrate("--to", SECOND)
    migrate("--switch")

    found = neighbours_of(**text)

    assert (found.products[0].sku, round(found.products[0].distance, 3)) == ("p7", 0)
    assert found.duplicate == found.products[0]


# What is refused


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ([["--switch"]], "nothing to switch to"),
        ([["--rollback"]], "no former recipe"),
        ([["--report"]], "no second recipe"),
        ([["--to", SECOND], ["--finish"]], "not switched to yet"),
        ([["--to", SECOND], ["--to", PICKY]], "--finish"),
        ([["--to", SECOND], ["--rollback"]], "no former recipe"),
        ([["--to", "deterministic"]], "is the recipe in force"),
        ([["--to", "nowhere.Backend"]], "cannot be imported"),
        ([["--to", "nonsense"]], "cannot be imported"),
        ([["--to", "tests.backends.Wide"]], "Another dimension"),
        ([["--to", SECOND, "--sample", "0"]], "1 to 10000"),
        ([["--to", SECOND, "--judgements", "x.tsv"]], "needs --queries"),
        ([["--to", SECOND, "--queries", "nowhere.tsv"]], "nowhere.tsv"),
    ],
)
def test_step_that_makes_no_sense_is_refused(catalogue, steps, message):
    *before, last = steps
    for step in before:
        migrate(*step)

    with pytest.raises(CommandError, match=message):
        migrate(*last)

    assert Product.objects.embedding_states()["fresh"] == 60


def test_switch_that_would_lose_products_asks_first(catalogue):
    Product.objects.filter(sku="p7").update(name="poison")
    filled = migrate("--to", PICKY)
    assert "Not embedded: p7: This text cannot be read." in filled

    with pytest.raises(CommandError, match="1 products are not embedded by picky"):
        migrate("--switch")

    assert "59 fresh, 1 missing." in migrate("--switch", "--incomplete")


def test_busy_table_is_left_as_it_was(catalogue, monkeypatch):
    monkeypatch.setattr(switching, "GIVE_UP_SECONDS", 0)
    monkeypatch.setattr(switching, "LOCK_TIMEOUT", "50ms")
    migrate("--to", SECOND)
    reader = connection.copy()

    with reader.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("SELECT count(*) FROM products")
        with pytest.raises(CommandError, match="table products is busy"):
            migrate("--switch")
    reader.close()

    assert EmbeddingRecipe.objects.current().switches == 0
    migrate("--switch")
    assert EmbeddingRecipe.objects.current().switches == 1


def test_switch_is_all_or_nothing(catalogue, monkeypatch):
    migrate("--to", SECOND)
    before = indexes()
    monkeypatch.setattr(switching, "SWAP", [*switching.SWAP, "SELECT 1 / 0"])

    with pytest.raises(Exception, match="division by zero"):
        migrate("--switch")

    assert EmbeddingRecipe.objects.current().switches == 0
    assert indexes() == before
    assert Product.objects.embedding_states()["fresh"] == 60


def test_switch_waits_for_a_worker_without_locking_readers_out(catalogue, monkeypatch):
    monkeypatch.setattr(switching, "WORKERS_TIMEOUT", "50ms")
    monkeypatch.setattr(switching, "GIVE_UP_SECONDS", 0)
    migrate("--to", SECOND)
    worker = connection.copy()

    with worker.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute(
            "SELECT pg_advisory_xact_lock_shared(%s)",
            [ADVISORY_LOCK],
        )
        with pytest.raises(CommandError, match="is busy"):
            migrate("--switch")
    worker.close()

    assert EmbeddingRecipe.objects.current().switches == 0


# Another dimension, as docs/embeddings.md does it


@pytest.mark.django_db
def test_column_takes_another_dimension_once_its_vectors_are_gone():
    make_product()
    before = MigrationLoader(connection).project_state()
    after = before.clone()
    column = VectorField(dimensions=256, null=True, blank=True, editable=False)
    alter = AlterField("product", "embedding", column)
    alter.state_forwards("products", after)

    with connection.cursor() as cursor, connection.schema_editor() as editor:
        cursor.execute(
            "UPDATE products "
            "SET embedding = NULL, embedding_fingerprint = '', embedded_hash = ''"
        )
        alter.database_forwards("products", editor, before, after)

    [vector] = Wide().embed(["text"])
    with connection.cursor() as cursor:
        cursor.execute("UPDATE products SET embedding = %s", [str(vector.tolist())])
    assert check_index("default") == []


# Searching meanwhile


class Shopper(threading.Thread):
    """Searches again and again, and keeps each different answer.

    A search that fails ends the thread, and pytest makes an error of that.
    """

    def __init__(self):
        super().__init__()
        self.stop = threading.Event()
        self.texts, self.likes, self.pages = set(), set(), set()
        self.searches = 0

    def run(self):
        try:
            product = Product.objects.for_display().get(sku="p7")
            while not self.stop.is_set():
                self.texts.add(rounded(text_search("red round thing")))
                self.pages.add(page_of("red round thing", like=[product]))
                similar = Product.objects.for_display().similar_to(product)[:5]
                self.likes.add(rounded((p.sku, p.distance) for p in similar))
                self.searches += 1
        finally:
            connections.close_all()

    def has_met_both(self):
        return all(len(seen) > 1 for seen in (self.texts, self.likes, self.pages))


def rounded(found):
    return tuple((sku, round(distance, 5)) for sku, distance in found)


def page_of(text, **options):
    """What a page of the shop shows for a text: skus and scores."""
    results = search(text, **options)
    assert not results.notice
    return rounded((hit.product.sku, hit.score) for hit in results.hits)


def answers():
    """What the shop answers at rest, to a text, to a product, and on a page."""
    similar = Product.objects.similar_to(Product.objects.get(sku="p7"))[:5]
    text = rounded(text_search("red round thing"))
    page = page_of("red round thing", like=[Product.objects.get(sku="p7")])
    return text, rounded((p.sku, p.distance) for p in similar), page


def test_searches_never_fail_and_never_mix_recipes(catalogue):
    before = answers()
    shoppers = [Shopper() for _ in range(2)]
    for shopper in shoppers:
        shopper.start()
    try:
        migrate("--to", SECOND)
        migrate("--switch")
        after = answers()
        # Back and forth, on a busy machine until everybody has met both recipes.
        for turn in range(50):
            migrate("--rollback")
            migrate("--rollback")
            if turn >= 4 and all(shopper.has_met_both() for shopper in shoppers):
                break
        migrate("--finish")
    finally:
        for shopper in shoppers:
            shopper.stop.set()
        for shopper in shoppers:
            shopper.join(20)

    assert before[0] != after[0]
    for shopper in shoppers:
        assert shopper.searches > 3
        assert shopper.texts == {before[0], after[0]}
        assert shopper.likes == {before[1], after[1]}
        assert shopper.pages == {before[2], after[2]}


# How the recipes agree


def test_same_vectors_agree_wholly_and_others_less(catalogue):
    assert "Of the first 10 results" in migrate("--to", SECOND)
    different = Second().fingerprint
    share = report_of_products()
    assert 0.1 < share < 0.9

    with connection.cursor() as cursor:
        cursor.execute("UPDATE products SET second_embedding = embedding")
    assert SecondEmbedding.objects.fresh(different).count() == 60
    assert report_of_products() == 1.0


def report_of_products():
    line = migrate("--report", "--sample", "20").splitlines()[0]
    assert line.endswith("(similar products: 20).")
    return int(line.split("results, ")[1].split("%")[0]) / 100


def test_judged_queries_tell_which_recipe_is_better(catalogue, tmp_path):
    queries, judgements = tmp_path / "queries.tsv", tmp_path / "judgements.tsv"
    queries.write_text("1\tred round thing\n2\tnobody judged this\n")
    best = [sku for sku, _ in text_search("red round thing", limit=10)]
    judgements.write_text("".join(f"1\t{sku}\t3\n" for sku in best))

    report = migrate(
        "--to", SECOND, "--queries", str(queries), "--judgements", str(judgements)
    )

    assert "(queries: 2)." in report
    assert "nDCG@10 over 1 judged queries: 1.000 by deterministic/384" in report
    assert "1.000 by second" not in report
    assert "of the nearest neighbours alone" in report


def test_the_searches_after_a_switch_are_what_was_said_before(catalogue, tmp_path):
    texts = [f"{word} thing" for word in WORDS[:6]]
    queries = tmp_path / "queries.tsv"
    queries.write_text("".join(f"{text}\t{text}\n" for text in texts))

    report = migrate("--to", SECOND, "--queries", str(queries))
    impact = impact_of_model(
        EmbeddingRecipe.objects.current("default"),
        Queries(texts, frequent=False),
        using="default",
        seconds=60,
    )
    migrate("--switch")

    assert impact.changed
    assert impact.sentence in report.splitlines()
    for change in impact.changed:
        now = [hit.product.sku for hit in search(change.text, page_size=5)]
        assert [found.sku for found in change.after] == now


@pytest.mark.parametrize(
    ("queries", "judgements", "message"),
    [
        ("", None, "has no queries"),
        ("1 red\n", None, r"queries\.tsv, line 1: expected qid, query"),
        ("1\tred\n", "1\tp1\tx\n", r"judgements\.tsv, line 1: the grade 'x'"),
        ("1\tred\n", "1\tp1\t0\n", "has a relevant product"),
    ],
)
def test_files_that_judge_nothing_are_refused(
    catalogue, tmp_path, queries, judgements, message
):
    migrate("--to", SECOND)
    options = ["--queries", str(tmp_path / "queries.tsv")]
    (tmp_path / "queries.tsv").write_text(queries)
    if judgements is not None:
        (tmp_path / "judgements.tsv").write_text(judgements)
        options += ["--judgements", str(tmp_path / "judgements.tsv")]

    with pytest.raises(CommandError, match=message):
        migrate("--report", *options)


@pytest.mark.parametrize(
    ("one", "other", "share"),
    [("abcd", "abcd", 1), ("abcd", "cdef", 0.5), ("ab", "", 0), ("", "", 1)],
)
def test_overlap_is_the_share_of_common_results(one, other, share):
    assert overlap(list(one), list(other)) == share


@pytest.mark.usefixtures("catalogue")
def test_the_map_follows_a_switch_although_no_row_is_written(client, monkeypatch):
    migrate("--to", SECOND)
    before = client.get("/map.svg")

    migrate("--switch")
    monkeypatch.setattr(insight_map, "FRESH_SECONDS", 0)  # the minute is over
    after = client.get("/map.svg", headers={"If-None-Match": before.headers["ETag"]})

    assert after.status_code == 200
    assert after.content.count(b"<circle") == before.content.count(b"<circle") == 60
    assert after.content != before.content
