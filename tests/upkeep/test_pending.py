"""The states of an embedding, and the command and worker that keep it fresh."""

import os
import signal
import subprocess
import sys
import threading
import time
from io import StringIO

import pytest
from django.core.checks import run_checks
from django.core.management import CommandError, call_command
from django.db import connection, connections

from products.embeddings import EmbeddingError, get_backend
from products.models import EmbeddingRecipe, Product
from products.recipes import with_active_backend
from products.search import search
from products.upkeep.pending import Failures, embed_pending
from products.upkeep.worker import Worker
from tests.backends import BUSY, PICKY, SECOND, Busy, Picky, Second
from tests.factory import make_product
from tests.reading import run

MANAGE = [sys.executable, "manage.py"]


def record_recipe(backend=SECOND, fingerprint=None):
    fingerprint = fingerprint or Second().fingerprint
    return EmbeddingRecipe.objects.create(backend=backend, fingerprint=fingerprint)


# States


@pytest.fixture
def one_of_each(db):
    make_product(name="missing", embedding=None)
    make_product(name="older", fingerprint="older/384/0")
    make_product(name="fresh")
    unknown = make_product(name="unknown", embedding=None)
    unknown.set_embedding(None, get_backend().fingerprint)
    unknown.save(embed=False)
    make_product(name="before")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE products SET name = 'stale' WHERE name = 'before'")


def test_each_product_is_in_one_state(one_of_each, django_assert_num_queries):
    with django_assert_num_queries(1):
        states = Product.objects.embedding_states()

    assert states == {
        "missing": 1,
        "other_recipe": 1,
        "stale": 1,
        "fresh": 1,
        "unknown": 1,
    }


@pytest.mark.parametrize(
    ("method", "name"),
    [
        ("missing_embedding", "missing"),
        ("other_recipe", "older"),
        ("stale", "stale"),
        ("fresh", "fresh"),
        ("without_known_words", "unknown"),
    ],
)
def test_each_state_can_be_listed(one_of_each, method, name):
    products = getattr(Product.objects, method)()

    assert [product.name for product in products] == [name]


def test_text_that_changed_under_another_recipe_counts_once(db):
    make_product(name="both", fingerprint="older/384/0")
    Product.objects.update(name="changed")

    states = Product.objects.embedding_states()

    assert states.pop("other_recipe") == 1
    assert set(states.values()) == {0}


# The recipe in force


def test_setting_decides_while_the_database_names_no_recipe(db, settings):
    settings.EMBEDDING_BACKEND = SECOND

    assert EmbeddingRecipe.objects.current().fingerprint == Second().fingerprint
    assert not EmbeddingRecipe.objects.exists()


def test_database_decides_once_it_names_a_recipe(db):
    record_recipe()
    make_product(name="by the setting")

    product = Product(name="by the database", price=1)
    product.save()

    assert product.embedding_fingerprint == Second().fingerprint
    assert Product.objects.embedding_states()["other_recipe"] == 1
    assert Product.objects.embedding_states()["fresh"] == 1


@pytest.mark.parametrize(
    ("backend", "fingerprint", "advice"),
    [
        ("nowhere.Backend", "x/384/0", "cannot load it"),
        (SECOND, "second/384/changed", "migrate_embeddings --to tests.backends.Second"),
    ],
)
def test_recipe_that_this_process_cannot_follow_says_so(
    db, backend, fingerprint, advice
):
    record_recipe(backend, fingerprint)

    with pytest.raises(EmbeddingError, match=advice):
        Product(name="new", price=1).save()

    assert not Product.objects.exists()


def test_search_runs_again_when_the_recipe_was_switched_meanwhile(db):
    recipe = record_recipe()
    seen = []

    def search(backend):
        seen.append(backend.model)
        if len(seen) == 1:
            EmbeddingRecipe.objects.filter(pk=recipe.pk).update(
                backend="products.embeddings.deterministic.EmbeddingBackend",
                fingerprint=make_product().embedding_fingerprint,
                switches=1,
            )
        return len(seen)

    assert with_active_backend(search) == 2
    assert seen == ["second", "deterministic"]


@pytest.mark.usefixtures("db")
def test_error_of_a_search_counts_only_while_nothing_is_switched():
    recipe = record_recipe()
    runs = []

    def search(backend):
        runs.append(backend)
        if len(runs) == 1:
            EmbeddingRecipe.objects.filter(pk=recipe.pk).update(switches=1)
        raise LookupError

    with pytest.raises(LookupError):
        with_active_backend(search, retry_on=LookupError)

    assert len(runs) == 2


@pytest.mark.usefixtures("db")
def test_a_search_begins_with_the_recipe_that_the_process_last_saw(
    django_assert_num_queries,
):
    record_recipe()

    def model(backend):
        seen.append(backend.model)
        if len(seen) == 2:
            raise EmbeddingError("The former model is gone.")
        return backend.model

    seen = []
    with django_assert_num_queries(2):
        assert with_active_backend(model) == "second"
    EmbeddingRecipe.objects.update(
        backend="products.embeddings.deterministic.EmbeddingBackend",
        fingerprint=make_product().embedding_fingerprint,
        switches=1,
    )

    # It has seen nothing of the switch, and finds it when it has run.
    assert with_active_backend(model) == "deterministic"
    with django_assert_num_queries(1):
        assert with_active_backend(model) == "deterministic"
    assert seen == ["second", "second", "deterministic", "deterministic"]


@pytest.mark.usefixtures("db")
def test_after_an_error_the_recipe_is_read_first():
    record_recipe()
    with_active_backend(lambda backend: backend.model)
    EmbeddingRecipe.objects.update(
        backend="products.embeddings.deterministic.EmbeddingBackend",
        fingerprint=make_product().embedding_fingerprint,
        switches=1,
    )
    with pytest.raises(ZeroDivisionError):
        with_active_backend(lambda backend: 1 / 0)
    seen = []

    with_active_backend(lambda backend: seen.append(backend.model))

    assert seen == ["deterministic"]


def test_search_notices_a_switch_there_and_back(db):
    record_recipe()
    runs = []

    def search(backend):
        runs.append(backend)
        if len(runs) == 1:
            EmbeddingRecipe.objects.update(switches=2)

    with_active_backend(search)

    assert len(runs) == 2


@pytest.mark.usefixtures("db")
def test_search_goes_by_words_where_the_recipe_cannot_be_followed():
    record_recipe("nowhere.Backend", "elsewhere/384/0")
    make_product(name="red shoe", fingerprint="elsewhere/384/0")

    results = search("shoe")

    assert [hit.product.name for hit in results.hits] == ["red shoe"]
    assert "not possible just now" in results.notice


@pytest.mark.usefixtures("db")
def test_examples_are_compared_by_the_recipe_they_have_in_the_database():
    liked = [make_product(name="one"), make_product(name="two")]
    make_product(name="three")
    record_recipe()
    Product.objects.update(embedding_fingerprint=Second().fingerprint)

    results = search(like=liked)

    assert [hit.product.name for hit in results.hits] == ["three"]


def test_saving_a_product_of_a_list_leaves_vector_and_label_together(db):
    product = make_product()
    listed = Product.objects.for_display().get(pk=product.pk)
    Product.objects.update(embedding_fingerprint="switched/384/0")
    listed.price = 5

    listed.save(embed=False)

    product.refresh_from_db()
    assert product.price == 5
    assert product.embedding_fingerprint == "switched/384/0"


# manage.py check


def messages_of(number):
    """What manage.py check tells under this id: message and hint."""
    return [
        f"{message.msg} {message.hint}"
        for message in run_checks(databases=["default"])
        if message.id == f"products.{number}"
    ]


@pytest.mark.usefixtures("db")
def test_check_tells_nothing_while_all_is_fresh():
    make_product()

    assert messages_of("W010") == messages_of("W011") == []


@pytest.mark.usefixtures("one_of_each")
def test_check_counts_what_needs_embedding():
    [message] = messages_of("W010")

    assert message.startswith(
        "Of 5 products, 1 have no embedding, 1 have changed since, and 1 are embedded "
        "by another recipe. Run manage.py embed_products: until then no search finds"
    )


@pytest.mark.usefixtures("db")
def test_check_tells_when_the_setting_is_not_what_is_served():
    record_recipe()

    [message] = messages_of("W011")

    assert "products are embedded by tests.backends.Second" in message
    assert "Set EMBEDDING_BACKEND=tests.backends.Second, or run" in message


@pytest.mark.usefixtures("db")
def test_check_tells_when_the_recipe_in_force_cannot_be_loaded():
    record_recipe("nowhere.Backend", "elsewhere/384/0")

    [message] = messages_of("W001")

    assert "nowhere.Backend" in message


@pytest.mark.django_db
def test_check_does_without_the_table_of_recipes():
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE products_recipe")

    assert messages_of("W010") == messages_of("W011") == []


# embed_products


def test_command_embeds_what_needs_it_and_says_how_many(one_of_each):
    assert "Embedded 3 products." in run("embed_products")

    assert Product.objects.embedding_states()["fresh"] == 4
    assert "Embedded 0 products." in run("embed_products")


def test_failing_text_does_not_stop_the_others(db, settings):
    settings.EMBEDDING_BACKEND = PICKY
    for number in range(10):
        make_product(name=f"product {number}", embedding=None)
    make_product(name="poison", sku="poison", embedding=None)
    Picky.calls = 0
    out = StringIO()

    with pytest.raises(CommandError, match="1 texts could not be embedded") as failed:
        call_command("embed_products", stdout=out, stderr=out)

    assert failed.value.returncode == 1
    assert "Not embedded: poison: This text cannot be read." in out.getvalue()
    assert Product.objects.embedding_states()["fresh"] == 10
    assert Picky.calls == 3 + 1 + 3  # batches, the probe, one by one


def test_failed_text_is_not_tried_again_until_it_changes(db, settings):
    settings.EMBEDDING_BACKEND = PICKY
    product = make_product(name="poison", embedding=None)
    failures = Failures()
    assert list(embed_pending(failures=failures)) == []
    Picky.calls = 0

    assert list(embed_pending(failures=failures)) == []
    assert Picky.calls == 0

    Product.objects.filter(pk=product.pk).update(name="remedy")
    assert list(embed_pending(failures=failures)) == [1]


def test_broken_backend_is_not_blamed_on_the_texts(db, broken_model):
    make_product(embedding=None)
    failures = Failures()

    with pytest.raises(EmbeddingError, match="Repair it"):
        list(embed_pending(failures=failures))

    assert not failures.reasons


def test_command_stops_at_a_fault_that_may_pass(db, settings, monkeypatch):
    settings.EMBEDDING_BACKEND = BUSY
    monkeypatch.setattr(Busy, "faults", 1)
    make_product(embedding=None)

    with pytest.raises(CommandError, match="busy. 0 products were embedded before"):
        run("embed_products")


@pytest.mark.parametrize("interval", ["0", "-1", "nan", "3601"])
def test_interval_without_sense_is_refused(interval):
    with pytest.raises(CommandError, match="0.1 to 3600"):
        run("embed_products", "--watch", "--interval", interval)


# The worker


@pytest.fixture
def worker(transactional_db):
    worker = Worker("default", 0.05, threading.Event(), report=lambda line: None)
    worker.lines = []
    worker.report = worker.lines.append
    return worker


def run_until(worker, done):
    """Run a worker in a thread of its own until done() is true, at most 20 s."""

    def work():
        try:
            worker.run()
        finally:
            connections.close_all()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        wait_until(done)
    finally:
        worker.stop.set()
        thread.join(20)
    assert not thread.is_alive()


def wait_until(done):
    deadline = time.monotonic() + 20
    while not done():
        assert time.monotonic() < deadline, "it did not happen in 20 s"
        time.sleep(0.02)


def all_fresh():
    return not Product.objects.needs_embedding().exists()


def test_worker_embeds_what_is_changed_while_it_runs(worker):
    make_product(embedding=None)
    changed = threading.Event()

    def done():
        if all_fresh() and not changed.is_set():
            Product.objects.update(name="changed")
            changed.set()
        return changed.is_set() and all_fresh()

    run_until(worker, done)

    assert worker.embedded == 2
    assert worker.lines == ["Embedded 1 products."] * 2


def test_worker_waits_out_a_busy_service(worker, settings, monkeypatch):
    settings.EMBEDDING_BACKEND = BUSY
    monkeypatch.setattr(Busy, "faults", 1)
    make_product(embedding=None)

    run_until(worker, all_fresh)

    assert worker.lines == [
        "The service is busy. Trying again in 1 s.",
        "Embedded 1 products.",
    ]


def test_worker_survives_a_lost_connection(worker):
    make_product(embedding=None)
    lost = threading.Event()

    def done():
        if all_fresh() and not lost.is_set():
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            lost.set()
            make_product(name="after the loss", embedding=None)
        return lost.is_set() and all_fresh()

    run_until(worker, done)

    assert worker.embedded == 2
    assert any("does not answer" in line for line in worker.lines)


def test_worker_ends_at_a_fault_that_stays(worker, broken_model):
    make_product(embedding=None)

    with pytest.raises(EmbeddingError, match="Repair it"):
        worker.run()


def test_workers_share_the_products(transactional_db):
    Product.objects.bulk_create(
        Product(sku=f"p{number}", name=f"p {number}", price=1) for number in range(400)
    )
    workers = [
        Worker("default", 0.05, threading.Event(), report=print) for _ in range(3)
    ]

    def work(worker):
        try:
            worker.run()
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work, args=[worker]) for worker in workers]
    for thread in threads:
        thread.start()
    try:
        wait_until(all_fresh)
    finally:
        for worker in workers:
            worker.stop.set()
        for thread in threads:
            thread.join(20)

    assert sum(worker.embedded for worker in workers) == 400


def test_products_that_another_worker_holds_are_skipped(transactional_db):
    held, free = make_product(embedding=None), make_product(embedding=None)
    other = connection.copy()

    with other.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("SELECT 1 FROM products WHERE id = %s FOR UPDATE", [held.pk])
        with connection.cursor() as waiting:
            waiting.execute("SET lock_timeout = '2s'")  # an error, no endless test
        counts = list(embed_pending())
    other.close()
    connection.close()

    assert counts == [1]
    assert Product.objects.fresh().get() == free


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_worker_process_ends_cleanly_on_a_signal(transactional_db, number):
    make_product(embedding=None)
    environment = {**os.environ, "DB_NAME": connection.settings_dict["NAME"]}
    process = subprocess.Popen(
        [*MANAGE, "embed_products", "--watch", "--interval", "0.1"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        wait_until(lambda: all_fresh() or process.poll() is not None)
        process.send_signal(number)
        out, err = process.communicate(timeout=20)
    finally:
        process.kill()

    assert (process.returncode, err) == (0, "")
    assert out.splitlines()[-1] == "Stopped. Embedded 1 products."


@pytest.mark.django_db
def test_a_worker_looks_after_the_rest_once_in_a_while():
    lines, calls = [], []
    worker = Worker(
        "default",
        0.05,
        threading.Event(),
        report=lines.append,
        upkeep=lambda: calls.append(1) or "Calibrated.",
    )

    assert (worker.try_pass(), worker.try_pass()) == (None, None)

    assert (calls, lines) == ([1], ["Calibrated."])
