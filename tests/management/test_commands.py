"""similar, embed_products and demo, as people run them."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from products.embeddings import EmbeddingError
from products.embeddings.deterministic import EmbeddingBackend as Deterministic
from products.management.commands import demo as demo_command
from products.models import Product
from products.upkeep.pending import embed_pending
from tests.factory import make_product, near
from tests.serving import free_port


class SmallBatches(Deterministic):
    batch_size = 2


class FailsOnThirdBatch(SmallBatches):
    def __init__(self):
        self.calls = 0

    def vectors(self, texts):
        self.calls += 1
        if self.calls == 3:
            raise EmbeddingError("The service is busy. Run it again.", permanent=False)
        return super().vectors(texts)


def run(*arguments, **options):
    out = StringIO()
    call_command(*arguments, stdout=out, stderr=StringIO(), **options)
    return out.getvalue()


# similar


@pytest.mark.django_db
def test_similar_lists_the_nearest_first():
    make_product(name="Lamp")
    make_product(name="Chair", embedding=near(0.5))
    make_product(name="Torch", embedding=near(0.125))

    assert run("similar", "lamp").splitlines() == [
        "similarity  distance        price  product (sku)",
        "    0.8750    0.1250         9.99  Torch (torch)",
        "    0.5000    0.5000         9.99  Chair (chair)",
        "2 found.",
    ]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("options", "count", "pages"), [([], 5, 2), (["-n", "2"], 2, 3)]
)
def test_similar_lists_as_many_as_asked_for(options, count, pages):
    for _ in range(7):
        make_product()

    sku = Product.objects.first().sku

    _header, *lines, summary = run("similar", sku, *options).splitlines()

    assert len(lines) == count
    assert summary == f"6 found, page 1 of {pages}."


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["nothing"], "no product with the sku 'nothing'"),
        (["a\0b"], "no product with the sku"),
        (["\udcff"], "no product with the sku"),
        (["x" * 10_000], "no product with the sku"),
        ([""], "no product with the sku"),
        (["bare"], "Run manage.py embed_products"),
        (["emptied"], "Run manage.py embed_products"),
        (["lamp", "-n", "0"], "1 to 200"),
        (["lamp", "-n", "201"], "1 to 200"),
        (["lamp", "-n", "many"], "invalid int value"),
    ],
)
def test_similar_tells_what_is_wrong(arguments, reason):
    make_product(sku="lamp")
    make_product(sku="bare", embedding=None)
    make_product(sku="emptied")
    Product.objects.filter(sku="emptied").update(embedding=None)

    with pytest.raises(CommandError, match=reason):
        run("similar", *arguments)


# embed_products


@pytest.mark.django_db
def test_embed_products_embeds_only_what_needs_it():
    fresh = make_product(name="fresh")
    make_product(name="missing", embedding=None)
    make_product(name="older", fingerprint="older/384/0")
    stale = make_product(name="stale")
    Product.objects.filter(pk=stale.pk).update(description="New text")

    first, second = run("embed_products"), run("embed_products")

    assert first == "Embedded 3 products.\n"
    assert second == "Embedded 0 products.\n"
    assert not Product.objects.needs_embedding().exists()
    assert Product.objects.get(pk=fresh.pk).updated_at == fresh.updated_at


@pytest.mark.django_db
def test_embed_products_works_in_batches(settings):
    settings.EMBEDDING_BACKEND = "tests.management.test_commands.SmallBatches"
    for _ in range(5):
        make_product(embedding=None)

    assert list(embed_pending()) == [2, 2, 1]


@pytest.mark.django_db
@pytest.mark.usefixtures("broken_model")
def test_a_broken_embedder_is_told():
    make_product(embedding=None)

    with pytest.raises(CommandError, match="Repair it. 0 products were embedded"):
        run("embed_products")


@pytest.mark.django_db(transaction=True)
def test_embed_products_goes_on_where_it_was_interrupted(settings):
    settings.EMBEDDING_BACKEND = "tests.management.test_commands.FailsOnThirdBatch"
    for _ in range(7):
        make_product(embedding=None)

    with pytest.raises(CommandError, match="4 products were embedded before"):
        run("embed_products")
    left = Product.objects.needs_embedding().count()

    assert left == 3
    assert run("embed_products") == "Embedded 3 products.\n"


@pytest.mark.django_db(transaction=True)
def test_two_runs_at_once_embed_each_product_once(settings, monkeypatch):
    settings.EMBEDDING_BACKEND = "tests.management.test_commands.SmallBatches"
    for _ in range(12):
        make_product(embedding=None)
    both_at_work = threading.Barrier(2)
    embedded = []
    vectors = Deterministic.vectors

    def meet_once(self, texts):
        embedded.extend(texts)
        if not both_at_work.broken and threading.current_thread() not in met:
            met.add(threading.current_thread())
            both_at_work.wait(timeout=10)  # each holds its rows locked
        return vectors(self, texts)

    met = set()
    monkeypatch.setattr(Deterministic, "vectors", meet_once)
    counts = []

    def work():
        try:
            counts.append(sum(embed_pending()))
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)

    assert sum(counts) == len(embedded) == len(set(embedded)) == 12
    assert min(counts) >= 2
    assert not Product.objects.needs_embedding().exists()


@pytest.mark.django_db(transaction=True)
def test_rows_somebody_works_on_are_left_to_them():
    locked, free = make_product(embedding=None), make_product(embedding=None)
    done = []

    def work():
        try:
            done.append(sum(embed_pending()))
        finally:
            connection.close()

    with transaction.atomic():
        Product.objects.select_for_update().get(pk=locked.pk)
        thread = threading.Thread(target=work)
        thread.start()
        thread.join(timeout=10)

    assert done == [1]
    free.refresh_from_db()
    locked.refresh_from_db()
    assert (free.embedding is not None, locked.embedding) == (True, None)


@pytest.mark.django_db
def test_an_edit_while_embedding_is_not_lost(monkeypatch):
    product = make_product(embedding=None)
    product.price = 77
    product.save(embed=False)

    run("embed_products")

    product.refresh_from_db()
    assert product.price == 77


# demo


def page_of(port):
    deadline = time.monotonic() + 30
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/") as response:
                return response.read().decode()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def demo(port, *options):
    """Start the demo in a database of its own, look at its page, and stop it."""
    process = subprocess.Popen(
        [sys.executable, "manage.py", "demo", "--port", str(port), *options],
        cwd=settings.BASE_DIR,
        env={**os.environ, "DB_NAME": connection.settings_dict["NAME"]},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        page = page_of(port)
    finally:
        process.send_signal(signal.SIGTERM)
        output, errors = process.communicate(timeout=30)
    return process.returncode, page, output, errors


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(os.name == "nt", reason="stops the server with SIGTERM")
def test_the_demo_serves_the_samples_and_a_second_run_changes_nothing():
    port = free_port()

    status, page, output, errors = demo(port)
    Product.objects.filter(sku="yoga-mat").delete()
    before = list(Product.objects.order_by("pk").values("pk", "updated_at"))
    again, _, output_again, _ = demo(port)

    assert (status, again) == (0, 0)
    assert "Traceback" not in errors
    assert "Wireless Bluetooth Headphones" in page
    steps = [
        "Step 1 of 4: starting PostgreSQL",
        "Step 2 of 4: bringing the tables up to date ...",
        "Step 3 of 4: looking for products ...",
        "Loaded 10 sample products.",
        f"Step 4 of 4: serving the shop on port {port} ...",
        f"VectorShop is at http://127.0.0.1:{port}/",
    ]
    places = [output.index(step) for step in steps]
    assert places == sorted(places)
    assert "Loaded" not in output_again
    assert list(Product.objects.order_by("pk").values("pk", "updated_at")) == before
    assert len(before) == 9


@pytest.mark.django_db
@pytest.mark.parametrize("answer", ["yes\n", "no\n", ""])
def test_the_demo_deletes_everything_only_when_told_to(monkeypatch, capsys, answer):
    monkeypatch.setattr(sys, "stdin", StringIO(answer))

    if answer == "yes\n":
        demo_command.empty_database(asked=True)
    else:
        with pytest.raises(CommandError, match="Nothing was deleted"):
            demo_command.empty_database(asked=True)

    tables = connection.introspection.table_names()
    assert ("products" in tables) is (answer != "yes\n")
    assert (tables == []) is (answer == "yes\n")
    name = connection.settings_dict["NAME"]
    assert (
        f"Everything in the database {name} will be deleted" in capsys.readouterr().out
    )


@pytest.mark.django_db
def test_the_demo_deletes_without_a_question_for_scripts():
    demo_command.empty_database(asked=False)

    assert connection.introspection.table_names() == []


def test_the_demo_deletes_nothing_of_a_server_of_ones_own(monkeypatch):
    monkeypatch.setitem(connection.settings_dict, "OPTIONS", {})

    with pytest.raises(CommandError, match="the embedded database only"):
        demo_command.empty_database(asked=False)


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(os.name == "nt", reason="stops the servers with SIGTERM")
def test_the_demo_s_standby_answers_its_pages():
    data_dir = Path(connection.settings_dict["OPTIONS"]["data_dir"])
    standby = data_dir.with_name("standby")

    _, page, output, errors = demo(free_port(), "--standby")
    process = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=settings.BASE_DIR,
        env={**os.environ, "DB_REPLICA_HOSTS": "../elsewhere"},
        capture_output=True,
        text=True,
    )

    assert "Copying the server to a standby" in output
    assert "Traceback" not in errors
    assert "Wireless Bluetooth Headphones" in page
    assert "started streaming WAL from primary" in (standby / "server.log").read_text()
    assert not (standby / "postmaster.pid").exists()
    assert "is not the name of a standby's folder" in process.stderr


def test_a_taken_port_is_told_in_one_line():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        result = subprocess.run(
            [sys.executable, "manage.py", "demo", "--port", str(port)],
            cwd=settings.BASE_DIR,
            capture_output=True,
            text=True,
        )

    assert result.returncode == 1
    assert result.stderr.count("\n") == 1
    assert f"Port {port} cannot be used" in result.stderr
    assert f"make demo PORT={port + 1}" in result.stderr


@pytest.mark.django_db
def test_the_demo_tells_each_step_before_it_begins(samples, monkeypatch):
    seen = []

    class File(StringIO):
        def flush(self):
            seen.append(self.getvalue().splitlines()[-1])

    monkeypatch.setattr(demo_command, "stop_cleanly_when_terminated", lambda: None)
    monkeypatch.setattr(
        demo_command, "call_command", lambda name, *args, **options: seen.append(name)
    )
    port = free_port()

    call_command("demo", port=port, stdout=File())

    assert seen[1:4] == [
        "Step 2 of 4: bringing the tables up to date ...",
        "migrate",
        "Step 3 of 4: looking for products ...",
    ]
    assert seen[0].startswith("Step 1 of 4: starting PostgreSQL")
    assert seen[-1] == "runserver"


def test_a_wrong_setting_is_told_in_one_line():
    result = subprocess.run(
        [sys.executable, "manage.py", "demo"],
        cwd=settings.BASE_DIR,
        env={**os.environ, "DEBUG": "perhaps"},
        capture_output=True,
        text=True,
    )

    assert result.returncode == 1
    assert result.stderr == (
        "The settings are not right: DEBUG='perhaps' is neither true nor false. "
        "Set DEBUG=true or DEBUG=false.\n"
    )


@pytest.mark.parametrize("port", [0, -1, 65536, 10**30])
def test_what_is_no_port_is_told(port):
    with pytest.raises(CommandError, match=f"{port} is not a port"):
        call_command("demo", port=port)


def test_a_command_before_the_first_migration_gets_advice_and_no_traceback(
    tmp_path: Path,
) -> None:
    program = (
        "import sys; sys.argv = ['manage.py', 'similar', 'x'];"
        "from django.conf import settings; from vectorshop import settings as ours;"
        f"ours.DATABASES['default']['OPTIONS'] = {{'data_dir': __import__('pathlib').Path({str(tmp_path / 'pg')!r})}};"
        "import manage; manage.main()"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )

    assert done.returncode == 1
    assert "run manage.py migrate" in done.stderr
    assert "Traceback" not in done.stderr
