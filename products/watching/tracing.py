"""OpenTelemetry: a span for each request, and below it one for each statement.

Needs the extra `otel`. Nothing that a visitor typed is in a span: the address is told by
its pattern, a statement without its values, a failure by its type. No comment is added to a statement, since one
that differs each time could not be kept prepared.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, Self

import psycopg
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse
from django.utils.module_loading import import_string
from opentelemetry.instrumentation.django import DjangoInstrumentor
from opentelemetry.instrumentation.psycopg import (
    CursorTracer,
    DatabaseApiIntegration,
    PsycopgInstrumentor,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan, Span, TracerProvider
from opentelemetry.sdk.trace.export import (
    BatchSpanProcessor,
    SpanExporter,
    SpanExportResult,
)
from opentelemetry.trace import Status

from products.sql import prepared

# Attributes with an address as somebody asked for it, under their old and new names.
ADDRESSES = ("http.url", "http.target", "url.full", "url.path")
PRIVATE = (
    *("url.query", "http.user_agent", "user_agent.original"),
    *("http.client_ip", "client.address", "net.peer.ip", "network.peer.address"),
)


# What an event says of a failure; its message and its stack trace may have what somebody
# typed.
EXCEPTION_TYPE = "exception.type"


class TypesAlone(SpanExporter):
    """Exports spans whose failures are told by their type alone."""

    def __init__(self, exporter: SpanExporter) -> None:
        self.exporter = exporter

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        return self.exporter.export([without_messages(span) for span in spans])

    def shutdown(self) -> None:
        self.exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self.exporter.force_flush(timeout_millis)


def without_messages(span: ReadableSpan) -> ReadableSpan:
    """Return a span without what its failures said."""
    return ReadableSpan(
        name=span.name,
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes=span.attributes,
        events=[without_message(event) for event in span.events],
        links=span.links,
        kind=span.kind,
        status=Status(span.status.status_code),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


def without_message(event: Event) -> Event:
    """Return an event with the type of its exception and no other attribute."""
    attributes = event.attributes or {}
    kept = {name: attributes[name] for name in (EXCEPTION_TYPE,) if name in attributes}
    return Event(event.name, kept, event.timestamp)


def begin() -> None:
    """Send spans to the exporter that the settings name, from now on."""
    name = os.environ.get("OTEL_SERVICE_NAME") or "vectorshop"
    provider = TracerProvider(resource=Resource.create({"service.name": name}))
    # It starts its thread anew in each process that is forked.
    provider.add_span_processor(BatchSpanProcessor(make_exporter()))
    instrument(provider)


def make_exporter() -> SpanExporter:
    """Return a new exporter. Raises ImproperlyConfigured for a wrong path.

    With LOG_QUERIES it may tell what failures say.
    """
    try:
        made: SpanExporter = import_string(settings.TRACE_EXPORTER)()
    except ImportError as err:
        raise ImproperlyConfigured(
            f"TRACE_EXPORTER={settings.TRACE_EXPORTER!r} cannot be imported: {err}. Use "
            "the dotted path of a class, and install its package."
        ) from err
    return made if settings.LOG_QUERIES else TypesAlone(made)


def instrument(provider: TracerProvider) -> None:
    """Let Django and psycopg make spans of this provider."""
    DjangoInstrumentor().instrument(
        tracer_provider=provider,
        response_hook=without_what_was_typed,
        excluded_urls="health/live,health/ready",
    )
    PsycopgInstrumentor().instrument(tracer_provider=provider, enable_commenter=False)
    prepared.cursor_class = traced_cursor(provider)


def uninstrument() -> None:
    """Make no more spans."""
    DjangoInstrumentor().uninstrument()
    PsycopgInstrumentor().uninstrument()
    prepared.cursor_class = prepared.PreparingCursor


def traced_cursor(provider: TracerProvider) -> type[prepared.PreparingCursor]:
    """Return the class of cursors that prepare statements, with a span for each."""
    tracer = CursorTracer(
        DatabaseApiIntegration(
            __name__,
            "postgresql",
            tracer_provider=provider,
            connect_module=psycopg.connect,
        )
    )

    class TracedCursor(prepared.PreparingCursor):
        def execute(self, query: Any, params: Any = None) -> Self:  # type: ignore[override]
            traced: Self = tracer.traced_execution(self, super().execute, query, params)
            return traced

    return TracedCursor


def without_what_was_typed(
    span: Span, request: HttpRequest, response: HttpResponse
) -> None:
    """Put the pattern of the address in place of the address, and nobody's own data."""
    match = request.resolver_match
    pattern = f"/{match.route}" if match else "-"
    for name in span.attributes or {}:
        if name in ADDRESSES:
            span.set_attribute(name, pattern)
        elif name in PRIVATE:
            span.set_attribute(name, "-")
