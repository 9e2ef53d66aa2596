"""What is counted, and what Prometheus reads of it, also under several workers."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from prometheus_client.parser import text_string_to_metric_families

from products.models import RecallSample
from products.watching import counting as requests, folder, metrics, scrape
from products.watching.counts import Counts
from tests.factory import make_product, near

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.django_db


class Counting:
    """A client whose requests are counted before it returns."""

    def __init__(self, client, recorder):
        self.client, self.recorder = client, recorder

    def get(self, address):
        response = self.client.get(address)
        self.recorder.handle_all()
        return response


@pytest.fixture
def counting(settings, client, recording):
    """A client of a shop that counts; the numbers of this process only ever grow."""
    settings.METRICS_ADDRESS = ("127.0.0.1", 9464)
    return Counting(client, recording)


def value(name, **labels):
    return metrics.REGISTRY.get_sample_value(name, labels) or 0


class Grown:
    """By how much a number has grown since."""

    def __init__(self, name, **labels):
        self.name, self.labels = name, labels
        self.before = value(name, **labels)

    def by(self):
        return value(self.name, **self.labels) - self.before


# What a web process counts


def test_a_search_is_counted_by_mode_filter_and_what_came_of_it(counting):
    make_product(name="Lamp", embedding=None)
    found = Grown(
        "vectorshop_searches_total", mode="keyword", filtered="no", outcome="found"
    )
    nothing = Grown(
        "vectorshop_searches_total", mode="keyword", filtered="yes", outcome="nothing"
    )

    counting.get("/?q=lamp&mode=keyword")
    counting.get("/?q=lamp&mode=keyword&max_price=1")

    assert (found.by(), nothing.by()) == (1, 1)


def test_a_search_whose_nearest_is_too_far_is_below_the_floor(counting, monkeypatch):
    make_product(name="Lamp")
    far = Grown(
        "vectorshop_searches_total",
        mode="semantic",
        filtered="no",
        outcome="below_floor",
    )
    monkeypatch.setattr(
        "products.embeddings.deterministic.EmbeddingBackend.default_floor", 0.99
    )

    counting.get("/?q=sofa&mode=semantic")

    assert far.by() == 1


def test_the_time_of_a_search_is_split_into_its_stages(counting):
    make_product(name="Lamp")
    names = ("embedding", "sql", "rendering")
    stages = [
        Grown(
            "vectorshop_search_stage_seconds_count",
            stage=name,
            mode="hybrid",
            plan="exact",
        )
        for name in names
    ]
    whole = Grown("vectorshop_search_seconds_count", mode="hybrid", plan="exact")

    counting.get("/?q=lamp")

    assert [stage.by() for stage in stages] == [1, 1, 1]
    assert whole.by() == 1


def test_a_similar_page_has_no_embedding_to_wait_for(counting):
    product = make_product()
    make_product(embedding=near(0.1))
    labels = {"mode": "similar", "plan": "exact"}
    embedding, sql = (
        Grown("vectorshop_search_stage_seconds_count", stage=stage, **labels)
        for stage in ("embedding", "sql")
    )

    assert counting.get(product.get_absolute_url()).status_code == 200
    assert (embedding.by(), sql.by()) == (0, 1)


def test_the_cache_of_query_embeddings_is_counted(counting):
    make_product()
    cached = Grown("vectorshop_query_embeddings_total", source="cache")
    made = Grown("vectorshop_query_embeddings_total", source="model")

    for _ in range(3):
        counting.get("/?q=lamp&mode=semantic")

    assert (made.by(), cached.by()) == (1, 2)


def test_answers_are_counted_by_the_name_of_their_address(counting):
    home = Grown("vectorshop_responses_total", route="products:list", status="2xx")
    unknown = Grown("vectorshop_responses_total", route="none", status="4xx")

    counting.get("/")
    counting.get("/no-such-page-of-somebody")

    assert (home.by(), unknown.by()) == (1, 1)


def test_a_shop_that_counts_nothing_listens_to_nothing(client):
    make_product()
    before = value(
        "vectorshop_searches_total", mode="listing", filtered="no", outcome="found"
    )

    client.get("/")

    assert before == value(
        "vectorshop_searches_total", mode="listing", filtered="no", outcome="found"
    )


def test_a_page_takes_not_one_statement_more(
    client, request, django_assert_num_queries
):
    product = make_product()
    client.get(product.get_absolute_url())
    with CaptureQueriesContext(connection) as plain:
        client.get(product.get_absolute_url())
    request.getfixturevalue("recording")
    counting = Client()

    with django_assert_num_queries(len(plain)):
        counting.get(product.get_absolute_url())
    assert len(plain) >= 1


def test_the_pool_and_the_token_are_read(monkeypatch):
    class Pool:
        def get_stats(self):
            return {"pool_size": 4, "pool_available": 3, "requests_waiting": 2}

    class Wrapper:
        pool = Pool()

    monkeypatch.setattr(requests, "connections", {"default": Wrapper()})
    monkeypatch.setattr(requests, "seconds_left", lambda: 1800.0)
    requests.count_process()

    states = {
        state: value("vectorshop_pool_connections", state=state)
        for state in ("size", "available", "waiting")
    }
    assert states == {"size": 4, "available": 3, "waiting": 2}
    assert value("vectorshop_token_seconds_left", of="database") == 1800.0


def test_without_a_token_nothing_says_that_it_ends(settings, tmp_path):
    settings.METRICS_DIR, settings.METRICS_ADDRESS = tmp_path, ("127.0.0.1", 9464)
    code = "import os, sys; from products.watching.counting import count_process; "
    count_in_a_process(
        tmp_path,
        code
        + "count_process(); metrics.searches.labels('hybrid', 'no', 'found').inc()",
    )

    from products.watching.counts import read_metrics

    names = {metric.name for metric in read_metrics()}
    assert "vectorshop_searches" in names
    assert "vectorshop_token_seconds_left" not in names


def test_no_label_is_what_a_visitor_typed(counting):
    make_product(name="Lamp")
    counting.get("/?q=verysecretwords&category=AndAnother")

    for family in metrics.REGISTRY.collect():
        for sample in family.samples:
            assert "verysecretwords" not in str(sample.labels)
            assert "AndAnother" not in str(sample.labels)


# What the database says


def scraped(registry):
    from prometheus_client import generate_latest

    return {
        sample.name: sample.value
        for family in text_string_to_metric_families(generate_latest(registry).decode())
        for sample in family.samples
    }


@pytest.fixture
def database(settings, tmp_path, monkeypatch):
    """What a scrape reads of the database, in the test's own transaction."""
    settings.METRICS_DIR = tmp_path
    monkeypatch.setattr(scrape.connections, "close_all", lambda: None)
    return lambda: scraped(scrape.registry())


def test_the_database_tells_what_waits_and_what_is_sampled(database):
    make_product()
    make_product(embedding=None)
    RecallSample.objects.create(fingerprint="x", recall=0.8, passing="to_10_percent")
    RecallSample.objects.create(fingerprint="x", recall=1.0, passing="to_10_percent")

    found = database()

    assert found["vectorshop_database_up"] == 1
    assert found["vectorshop_products"] == 2
    assert found["vectorshop_products_waiting"] == 1
    assert 0 <= found["vectorshop_embedding_lag_seconds"] < 60
    assert found["vectorshop_recall_at_10"] == pytest.approx(0.9)
    assert found["vectorshop_recall_samples"] == 2
    assert found["vectorshop_recipe"] == 1
    assert found["vectorshop_index_bytes"] > 0
    assert 1 <= found["vectorshop_connections"] <= found["vectorshop_connections_max"]


def test_a_scrape_says_when_the_database_is_away(database, monkeypatch):
    def refuse(**options):
        raise scrape.Error("connection refused")

    monkeypatch.setattr(scrape, "read_backlog", refuse)

    assert database() == {"vectorshop_database_up": 0}


# Several processes


def count_in_a_process(path, code):
    """Run code with the metrics of the shop in a process that counts into a folder."""
    setup = "import django; django.setup(); from products.watching import metrics; "
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "vectorshop.settings",
        "METRICS_ADDRESS": "127.0.0.1:9464",
        "METRICS_DIR": str(path),
    }
    subprocess.run(
        [sys.executable, "-c", setup + code], env=environment, cwd=ROOT, check=True
    )


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_what_several_processes_count_is_added_up(settings, tmp_path):
    settings.METRICS_DIR, settings.METRICS_ADDRESS = tmp_path, ("127.0.0.1", 9464)
    search = "metrics.searches.labels('hybrid', 'no', {!r}).inc({}); "
    observe = "metrics.search_seconds.labels('hybrid', 'hnsw').observe({}); "
    code = "import os, sys; pid = os.fork(); "
    code += search.format("found", 2) + observe.format(0.002) + observe.format(0.4)
    code += "pid and os.waitpid(pid, 0); "
    code += (
        search.format("nothing", 1) + "metrics.token_seconds.labels('database').set(60)"
    )
    count_in_a_process(tmp_path, code)

    from products.watching.counts import read_counts

    assert read_counts() == Counts(all=4, slow=2, by_text=6, empty=2)
    # Both processes ended: what they counted stays, their tokens do not.
    names = {
        sample.name
        for family in scrape.WebProcesses().collect()
        for sample in family.samples
    }
    assert "vectorshop_searches_total" in names
    assert "vectorshop_token_seconds_left" not in names
    folder.begin_anew(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_counts_begin_anew_with_the_server():
    before = Counts(all=10, slow=1, by_text=5, empty=2)

    assert Counts(12, 2, 6, 2).since(before) == Counts(2, 1, 1, 0)
    assert Counts(3, 1, 2, 1).since(before) == Counts(3, 1, 2, 1)


# The command


def test_without_an_address_the_command_says_what_to_set():
    with pytest.raises(CommandError, match="Set METRICS_ADDRESS"):
        call_command("metrics")


def test_an_address_that_is_taken_is_a_clear_message(settings, tmp_path):
    import socket

    settings.METRICS_DIR = tmp_path
    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings.METRICS_ADDRESS = taken.getsockname()
        with pytest.raises(
            CommandError, match="cannot be used: Address already in use"
        ):
            call_command("metrics")
