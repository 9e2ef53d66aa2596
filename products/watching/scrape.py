"""What Prometheus reads: what the web processes count, and what the database says."""

from __future__ import annotations

from collections.abc import Iterator

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, Error, connections
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import mark_process_dead

from products.models import EmbeddingRecipe
from products.watching.counts import read_metrics
from products.watching.folder import files_of_the_dead
from products.watching.history import HOUR, this_hour, values_of
from products.watching.recall_samples import sampled_recall
from products.watching.statistics import (
    read_backlog,
    read_connections,
    read_storage,
)


class WebProcesses:
    """What the processes of this server count, those that ended included."""

    def collect(self) -> Iterator[Metric]:
        # A pool or a token of a process that ended is no more.
        for _, process in files_of_the_dead(settings.METRICS_DIR):
            mark_process_dead(process, str(settings.METRICS_DIR))  # type: ignore[no-untyped-call]
        yield from read_metrics()


class Database:
    """What the database says, read at each scrape."""

    def collect(self) -> Iterator[Metric]:
        try:
            found, up = [*of_database(DEFAULT_DB_ALIAS)], 1
        except Error:
            found, up = [], 0
        finally:
            # Each scrape has a thread of its own, which ends with it.
            connections.close_all()
        yield gauge("database_up", "Whether the database answers.", up)
        yield from found


def registry() -> CollectorRegistry:
    """Return all that is scraped."""
    made = CollectorRegistry(support_collectors_without_names=True)
    for collector in (WebProcesses(), Database()):
        made.register(collector)
    return made


def of_database(using: str) -> Iterator[Metric]:
    """Yield the figures that the database gives."""
    yield from of_vectors(using)
    storage, used = read_storage(using=using), read_connections(using=using)
    yield gauge("table_bytes", "The table of products, without indexes.", storage.table)
    if storage.index is not None:
        yield gauge("index_bytes", "The valid vector index.", storage.index)
    yield gauge("rows_live", "Rows of the table that live.", storage.live)
    yield gauge("rows_dead", "Rows that wait for VACUUM.", storage.dead)
    yield gauge("connections", "Connections of clients.", used.used)
    yield gauge("connections_max", "What max_connections allows.", used.most)
    recall = GaugeMetricFamily(
        "vectorshop_recall_at_10",
        "Mean recall of the searches that were asked again in the last day.",
        labels=["passing"],
    )
    asked = GaugeMetricFamily(
        "vectorshop_recall_samples",
        "How many searches were asked again in the last day.",
        labels=["passing"],
    )
    for passing, (mean, count) in sampled_recall(using=using).items():
        recall.add_metric([passing], mean)
        asked.add_metric([passing], count)
    yield from (recall, asked)


def of_vectors(using: str) -> Iterator[Metric]:
    """Yield what waits for a vector, what failed, and the recipe in use."""
    if backlog := read_backlog(using=using):
        yield gauge("products", "Products of the catalogue.", backlog.products)
        yield gauge(
            "products_waiting", "Products without a fresh vector.", backlog.waiting
        )
        yield gauge(
            "embedding_lag_seconds", "How long the oldest waits.", backlog.seconds
        )
    hour = this_hour()
    kept = values_of([hour - HOUR, hour], using=using)
    reported = kept[hour - HOUR] | kept[hour]
    if (failed := reported.get("failed")) is not None:
        yield gauge("texts_failed", "Texts that could not be embedded.", failed)
    recipe = EmbeddingRecipe.objects.current(using)
    in_use = GaugeMetricFamily(
        "vectorshop_recipe",
        "1 for the recipe in use, and for the one that is being filled.",
        labels=["recipe", "state"],
    )
    in_use.add_metric([recipe.fingerprint, "in_use"], 1)
    if recipe.is_filling:
        in_use.add_metric([recipe.second_fingerprint, "filling"], 1)
    yield in_use


def gauge(name: str, documentation: str, value: float) -> GaugeMetricFamily:
    """Return a figure of the shop that has no labels."""
    return GaugeMetricFamily(f"vectorshop_{name}", documentation, value=value)
