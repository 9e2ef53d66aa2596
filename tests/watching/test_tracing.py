"""Traces: a span for each request and statement, nobody's own data, plans that stay."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection, connections
from django.test import Client
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from products.search import similar_to
from products.watching import tracing
from tests.factory import make_product, near

ROOT = Path(__file__).resolve().parents[2]
IN_MEMORY = (
    "opentelemetry.sdk.trace.export.in_memory_span_exporter.InMemorySpanExporter"
)


@pytest.fixture
def exporter(settings, monkeypatch):
    """What the spans of this test are exported to."""
    settings.MIDDLEWARE = list(settings.MIDDLEWARE)
    settings.TRACE_EXPORTER = IN_MEMORY
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    monkeypatch.setattr(tracing, "import_string", lambda path: lambda: exporter)
    provider.add_span_processor(SimpleSpanProcessor(tracing.make_exporter()))
    tracing.instrument(provider)
    yield exporter
    tracing.uninstrument()


@pytest.fixture
def products():
    """Seven products, the nearest six of which fill a page of similar ones."""
    return [make_product(embedding=near(0.05 * number)) for number in range(7)]


def of_psycopg(exporter):
    return [
        span
        for span in exporter.get_finished_spans()
        if span.attributes.get("db.system") == "postgresql"
    ]


@pytest.mark.django_db(transaction=True)
def test_a_request_is_a_span_with_its_prepared_statement_below(exporter, products):
    address = products[0].get_absolute_url()

    Client().get(address)

    [request] = [s for s in exporter.get_finished_spans() if s.kind.name == "SERVER"]
    assert request.name == "GET products/<int:pk>/"
    [statement] = [
        span
        for span in of_psycopg(exporter)
        if "<=>" in span.attributes["db.statement"]
    ]
    assert statement.parent.span_id == request.context.span_id


@pytest.mark.django_db(transaction=True)
def test_a_statement_stays_prepared_while_it_is_traced(exporter, products):
    for _ in range(3):
        similar_to(products[0].pk, page_size=5)

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT statement, generic_plans + custom_plans "
            "FROM pg_prepared_statements WHERE statement LIKE '%%<=>%%'"
        )
        [(statement, executed)] = cursor.fetchall()
    assert executed == 3
    assert "traceparent" not in statement
    assert len(of_psycopg(exporter)) >= 3


@pytest.mark.django_db
def test_other_statements_are_spans_too(exporter):
    other = connections["default"].copy()
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT %s", ["somebody's"])
    finally:
        other.close()

    [span] = [
        span
        for span in of_psycopg(exporter)
        if span.attributes["db.statement"] == "SELECT %s"
    ]
    assert "somebody's" not in str(dict(span.attributes))


@pytest.mark.django_db
def test_no_span_has_what_a_visitor_typed_or_who_it_was(exporter):
    Client().get(
        "/?q=verysecret",
        REMOTE_ADDR="203.0.113.9",
        headers={"user-agent": "Somebody's own"},
    )
    Client().get("/ada@example.com")

    spans = exporter.get_finished_spans()
    assert len(spans) >= 2
    for span in spans:
        told = str([span.name, dict(span.attributes), span.events])
        for private in ("verysecret", "203.0.113.9", "Somebody", "ada@"):
            assert private not in told


def fail(*args, **options):
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s::int", ["verysecret"])


@pytest.mark.django_db
def test_a_failure_is_told_by_its_type(exporter, monkeypatch):
    monkeypatch.setattr("products.views.catalogue.search", fail)

    Client(raise_request_exception=False).get("/?q=verysecret")

    spans = exporter.get_finished_spans()
    failed = [span for span in spans if span.events]
    assert "SERVER" in {span.kind.name for span in failed}
    for span in failed:
        assert span.status.status_code.name == "ERROR"
        assert [set(event.attributes) for event in span.events] == [{"exception.type"}]
    assert "verysecret" not in "".join(span.to_json() for span in spans)


@pytest.mark.django_db
def test_probes_are_no_spans(exporter):
    Client().get("/health/live")

    assert exporter.get_finished_spans() == ()


def test_the_setting_names_the_exporter(settings):
    settings.TRACE_EXPORTER = IN_MEMORY

    assert isinstance(tracing.make_exporter().exporter, InMemorySpanExporter)


def test_with_the_texts_allowed_failures_say_all(settings):
    settings.TRACE_EXPORTER, settings.LOG_QUERIES = IN_MEMORY, True

    assert isinstance(tracing.make_exporter(), InMemorySpanExporter)


def test_an_exporter_that_is_not_installed_is_a_clear_message(settings):
    settings.TRACE_EXPORTER = "no.such.Exporter"

    with pytest.raises(ImproperlyConfigured, match="install its package"):
        tracing.make_exporter()


def run(program, **variables):
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "vectorshop.settings"}
    return subprocess.run(
        [sys.executable, "-c", program],
        env=environment | variables,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_shop_begins_to_trace_when_it_starts_and_only_if_asked():
    program = (
        "import django; django.setup()\n"
        "import sys; from products.sql import prepared\n"
        "print(prepared.cursor_class.__name__, 'opentelemetry.sdk' in sys.modules)"
    )

    assert run(program).stdout == "PreparingCursor False\n"
    assert run(program, TRACE_EXPORTER=IN_MEMORY).stdout == "TracedCursor True\n"


def test_without_the_extra_the_message_names_it():
    program = (
        "import sys; sys.modules['opentelemetry.instrumentation.django'] = None\n"
        "import django; django.setup()"
    )

    assert "the extra otel" in run(program, TRACE_EXPORTER=IN_MEMORY).stderr
