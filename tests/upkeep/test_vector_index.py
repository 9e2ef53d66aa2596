"""The HNSW index: built beside the old one, dropped for bulk loads, half precision."""

from contextlib import contextmanager

import numpy as np
import psycopg
import pytest
from django.core.management import CommandError
from django.db import connection

from products import checks
from products.catalog import bulk
from products.embeddings.deterministic import EmbeddingBackend
from products.models import DIMENSIONS, Product
from products.quality.recall import index_quality
from products.sql.pgvector_version import installed_version
from products.sql.statements import rows
from products.upkeep import vector_index
from products.upkeep.vector_index import HALFVEC, VECTOR, IndexBuildError
from tests.reading import run

pytestmark = pytest.mark.django_db(transaction=True)

USING = {"using": "default"}


@pytest.fixture(autouse=True)
def index_restored():
    yield
    vector_index.drop_index(HALFVEC, **USING)
    if not vector_index.is_usable(VECTOR, **USING):
        vector_index.build_index(VECTOR, **USING)


def add_products(count):
    """Add products with vectors in all directions, and a recipe that is not checked."""
    vectors = np.random.default_rng(0).standard_normal((count, DIMENSIONS))
    if count > 100:  # row by row takes seconds
        vector_index.drop_index(VECTOR, **USING)
    Product.objects.bulk_create(
        Product(
            sku=f"m{number}",
            name=f"Mug {number}",
            price=1,
            embedding=vector.tolist(),
            embedding_fingerprint="test",
        )
        for number, vector in enumerate(vectors)
    )
    if count > 100:
        vector_index.build_index(VECTOR, **USING)


def index_oid(name="products_embedding_idx"):
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s)::oid", [name])
        return cursor.fetchone()[0]


def plan_of(queryset):
    with connection.cursor() as cursor:
        cursor.execute("SET enable_seqscan = off")
        try:
            return queryset.explain()
        finally:
            cursor.execute("RESET enable_seqscan")


@contextmanager
def pgvector(version):
    """Let PostgreSQL name another version of pgvector."""
    sql = "UPDATE pg_extension SET extversion = %s WHERE extname = 'vector'"
    installed = str(installed_version(using="default"))
    with connection.cursor() as cursor:
        cursor.execute(sql, [version])
        try:
            yield
        finally:
            cursor.execute(sql, [installed])


@pytest.mark.parametrize(
    "version, asked, workers",
    [
        ("0.8.0", None, "0"),
        ("0.8.1", 0, "0"),
        ("0.8.2", None, None),
        ("0.8.2", 3, "3"),
        ("0.8.10", None, None),
    ],
)
def test_a_pgvector_whose_parallel_builds_overflow_builds_with_one_process(
    monkeypatch, version, asked, workers
):
    add_products(2)
    given = []

    @contextmanager
    def watched(using, options):
        given.append(options.get("max_parallel_maintenance_workers"))
        with session_options(using, options):
            yield

    session_options = vector_index.session_options
    monkeypatch.setattr(vector_index, "session_options", watched)

    with pgvector(version):
        vector_index.build_index(VECTOR, workers=asked, **USING)

    assert given == [workers]


def test_more_processes_than_such_a_pgvector_bears_are_refused():
    add_products(2)
    before = index_oid()

    with pgvector("0.8.1"), pytest.raises(CommandError) as caught:
        run("build_index", "--workers", "2")

    assert "pgvector 0.8.1 builds with one process only" in str(caught.value)
    assert "mended in 0.8.2" in str(caught.value)
    assert index_oid() == before


def test_a_build_replaces_the_index_and_keeps_its_name():
    add_products(20)
    before = index_oid()

    output = run("build_index", "--memory", "32", "--workers", "0")

    assert "Built the index products_embedding_idx in" in output
    assert index_oid() not in (before, None)
    assert index_oid("products_embedding_idx_new") is None
    assert checks.check_index("default") == []


def test_a_build_uses_the_options_of_its_session_only(monkeypatch):
    seen = {}
    real = vector_index.watched

    def note(using, on_progress):
        for name in ("maintenance_work_mem", "max_parallel_maintenance_workers"):
            [(seen[name],)] = rows("SELECT current_setting(%s)", [name], using=using)
        return real(using, on_progress)

    monkeypatch.setattr(vector_index, "watched", note)
    sql = "SELECT current_setting('maintenance_work_mem')"
    before = rows(sql, **USING)

    vector_index.build_index(VECTOR, memory_mb=77, workers=1, **USING)

    assert seen == {
        "maintenance_work_mem": "77MB",
        "max_parallel_maintenance_workers": "1",
    }
    assert rows(sql, **USING) == before


def test_a_build_that_was_killed_is_cleaned_up_by_the_next():
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE INDEX products_embedding_idx_new ON products "
            "USING hnsw (embedding vector_cosine_ops)"
        )

    run("build_index")

    assert index_oid("products_embedding_idx_new") is None
    assert vector_index.is_usable(VECTOR, **USING)


def test_two_builds_at_once_are_refused():
    with psycopg.connect(**connection.get_connection_params()) as other:
        other.execute("SELECT pg_advisory_lock(%s)", [vector_index.BUILD_LOCK])

        with pytest.raises(CommandError, match="Another process is building"):
            run("build_index")


def test_the_progress_of_the_server_is_reported(monkeypatch):
    monkeypatch.setattr(vector_index, "POLL_SECONDS", 0.001)
    add_products(400)
    seen = []

    vector_index.build_index(VECTOR, on_progress=seen.append, **USING)

    assert any("loading tuples" in progress.phase for progress in seen)
    assert max(progress.total for progress in seen) > 0


def test_a_busy_table_keeps_the_old_index(monkeypatch):
    monkeypatch.setattr(vector_index, "GIVE_UP_SECONDS", 0)
    monkeypatch.setattr(vector_index, "LOCK_TIMEOUT", "10ms")
    before = index_oid()
    with psycopg.connect(**connection.get_connection_params()) as other:

        def hold(kind, using):
            other.execute("LOCK TABLE products IN ACCESS SHARE MODE")
            put_in_place(kind, using)

        put_in_place = vector_index.put_in_place
        monkeypatch.setattr(vector_index, "put_in_place", hold)

        with pytest.raises(IndexBuildError, match="quieter hour"):
            vector_index.build_index(VECTOR, **USING)

    assert index_oid() == before
    assert vector_index.is_usable(VECTOR, **USING)


def test_a_missing_index_is_told_by_a_check_and_made_by_the_command():
    vector_index.drop_index(VECTOR, **USING)

    assert [message.id for message in checks.check_index("default")] == [
        "products.W002"
    ]
    run("build_index")
    assert checks.check_index("default") == []


# Bulk loads


@pytest.fixture
def bulk_file(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("name,price\n" + "".join(f"Mug {i},1\n" for i in range(60)))
    return path


def test_a_bulk_load_builds_the_index_after_the_rows(bulk_file, monkeypatch):
    monkeypatch.setattr(bulk, "BULK_ROWS", 50)
    before = index_oid()

    run("import_products", bulk_file)

    assert index_oid() not in (before, None)
    assert vector_index.is_usable(VECTOR, **USING)


@pytest.mark.parametrize(
    ("bulk_rows", "small_table", "options"),
    [
        (61, 100, []),
        (50, 5, []),
        (50, 100, ["--keep-index"]),
        (50, 100, ["--no-embed"]),
    ],
    ids=["few rows", "large table", "kept", "no vectors"],
)
def test_otherwise_the_index_stays(
    bulk_file, monkeypatch, bulk_rows, small_table, options
):
    monkeypatch.setattr(bulk, "BULK_ROWS", bulk_rows)
    monkeypatch.setattr(bulk, "SMALL_TABLE", small_table)
    add_products(6)
    before = index_oid()

    run("import_products", bulk_file, *options)

    assert index_oid() == before


def test_a_bulk_load_that_changes_nothing_leaves_the_index(
    bulk_file, monkeypatch, tmp_path
):
    run("import_products", bulk_file)
    run("export_products", tmp_path / "b.csv", "--with-vectors")
    monkeypatch.setattr(bulk, "BULK_ROWS", 50)
    before = index_oid()

    run("import_products", tmp_path / "b.csv")

    assert index_oid() == before


def test_a_bulk_load_that_is_stopped_says_that_the_index_is_missing(
    bulk_file, monkeypatch
):
    monkeypatch.setattr(bulk, "BULK_ROWS", 50)

    def stop(*args, **kwargs):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(vector_index, "build_index", stop)
        with pytest.raises(CommandError, match="index is missing until then"):
            run("import_products", bulk_file)
    assert not vector_index.is_usable(VECTOR, **USING)

    run("import_products", bulk_file)

    assert vector_index.is_usable(VECTOR, **USING)


# Half precision


def test_half_precision_is_compared_and_then_used(settings):
    add_products(300)
    nearest = Product.objects.nearest_to([1.0] * DIMENSIONS, fingerprint="test")
    exact = [product.sku for product in nearest[:5]]

    output = run("build_index", "--halfvec")
    assert "Half precision saves" in output
    assert "recall at 10: " in output

    settings.HNSW_HALFVEC = True
    nearest = Product.objects.nearest_to([1.0] * DIMENSIONS, fingerprint="test")
    assert HALFVEC.name in plan_of(nearest[:5])
    assert [product.sku for product in nearest[:5]] == exact
    similar = Product.objects.similar_to(nearest[0])
    assert HALFVEC.name in plan_of(similar[:5])
    assert len(similar[:5]) == 5

    assert "Dropped products_embedding_idx" in run("build_index", "--drop-other")
    assert checks.check_index("default") == []


def test_the_index_in_use_is_not_dropped_for_a_missing_one(settings):
    settings.HNSW_HALFVEC = True

    with pytest.raises(CommandError, match="Nothing was dropped"):
        run("build_index", "--drop-other")

    assert vector_index.is_usable(VECTOR, **USING)


def test_the_measure_finds_a_bad_index():
    add_products(150)
    good = index_quality(VECTOR, **USING)
    with connection.cursor() as cursor:
        cursor.execute("SET hnsw.ef_search = 1")
        try:
            bad = index_quality(VECTOR, **USING)
        finally:
            cursor.execute("RESET hnsw.ef_search")

    assert good.size > 150 * DIMENSIONS * 4
    assert bad.recall < 0.3 < good.recall


@pytest.mark.parametrize(
    "arguments", [["--memory", "0"], ["--workers", "-1"]], ids=["memory", "workers"]
)
def test_options_out_of_range_are_refused(arguments):
    with pytest.raises(CommandError, match="takes"):
        run("build_index", *arguments)


def test_the_checks_before_a_command_do_not_load_the_model(monkeypatch):
    monkeypatch.setattr(EmbeddingBackend, "vectors", None)  # not called

    assert checks.check_embedder(databases=None) == []
