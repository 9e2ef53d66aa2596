"""A token is in no error page, e-mail, log record or process list."""

import json
import logging
import os
import subprocess
import sys
from types import FrameType
from unittest import mock

import psycopg
import pytest
from django.db import connections
from django.test import RequestFactory
from django.utils.log import AdminEmailHandler
from django.views.debug import ExceptionReporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from products.watching import tracing
from vectorshop.db.entra.client import DatabaseClient
from vectorshop.db.entra.connection import AsyncConnection
from vectorshop.logs import JSON_LOGGING

pytest_plugins = ["tests.stand_ins.azure"]


class Interrupted(Exception):
    """Something that is not an error of psycopg's."""


def assert_secret(identity, text):
    assert identity.issued, "without a token there is nothing to hide"
    for token in identity.issued:
        for part in token.split("."):
            assert part not in text


def failure_of(action):
    """Return what sys.exc_info() says after *action* failed."""
    try:
        action()
    except Exception:  # noqa: BLE001
        return sys.exc_info()
    raise AssertionError("it did not fail")


def everything_in(error):
    """Return all that a curious error page could find from an exception."""
    found = []
    while error:
        found.append(attributes_of(error))
        traceback = error.__traceback__
        while traceback:
            names = locals_of(traceback.tb_frame)
            found += [repr(names), *map(attributes_of, names.values())]
            traceback = traceback.tb_next
        error = error.__cause__ or error.__context__
    return "".join(found)


def attributes_of(value):
    if not isinstance(value, BaseException):
        return ""
    pgconn = getattr(value, "pgconn", None)
    return repr([value, vars(value), pgconn and pgconn.password])


def locals_of(frame: FrameType):
    """Return the local names of a frame, except those of this module."""
    return {} if frame.f_globals["__name__"] == __name__ else frame.f_locals


def refused_login(connect, **changes):
    connect(USER="somebody", **changes)
    return failure_of(lambda: connections["entra"].ensure_connection())


def pool_failure(connect):
    return refused_login(connect, options={"pool": {"min_size": 1, "timeout": 0.5}})


def interrupted_login(connect, monkeypatch):
    def interrupt(*args, **kwargs):
        raise Interrupted("in the middle of psycopg's connect()")

    monkeypatch.setattr("psycopg.connection.waiting.wait_conn", interrupt)
    connect()
    exc_info = failure_of(lambda: connections["entra"].ensure_connection())
    assert exc_info[0] is Interrupted
    return exc_info


def wrong_option(connect):
    exc_info = failure_of(lambda: connect({"no_such": 1}).ensure_connection())
    assert exc_info[0].__name__ == "ProgrammingError"
    return exc_info


def async_failure(connect):
    import asyncio

    params = connect(USER="somebody").get_async_connection_params()
    return failure_of(lambda: asyncio.run(AsyncConnection.connect(**params)))


def failing_psql(connect):
    wrapper = connect()
    with mock.patch.object(DatabaseClient, "executable_name", "false"):
        exc_info = failure_of(lambda: wrapper.client.runshell([]))
    assert exc_info[0] is subprocess.CalledProcessError
    return exc_info


def failed_query(connect):
    wrapper = connect()
    return failure_of(lambda: wrapper.cursor().execute("SELECT nonsense"))


@pytest.fixture(
    params=[
        refused_login,
        pool_failure,
        interrupted_login,
        wrong_option,
        async_failure,
        failed_query,
        pytest.param(
            failing_psql,
            marks=pytest.mark.skipif(os.name == "nt", reason="no program `false`"),
        ),
    ],
    ids=lambda function: function.__name__.replace("_", " "),
)
def exc_info(request, connect, monkeypatch):
    """What sys.exc_info() says after one of several failures with a token at hand."""
    if request.param is interrupted_login:
        return interrupted_login(connect, monkeypatch)
    return request.param(connect)


def test_an_error_page_shows_no_token(exc_info, identity):
    reporter = ExceptionReporter(RequestFactory().get("/"), *exc_info)

    assert_secret(identity, reporter.get_traceback_html())
    assert_secret(identity, reporter.get_traceback_text())


def test_no_frame_or_attribute_of_an_error_has_the_token(exc_info, identity):
    assert_secret(identity, everything_in(exc_info[1]))


def test_an_e_mail_to_the_administrators_has_no_token(
    exc_info, identity, settings, mailoutbox
):
    settings.ADMINS = [("Ada", "ada@contoso.com")]
    record = logging.LogRecord(
        "django.request", logging.ERROR, "", 0, "x", (), exc_info
    )
    record.request = RequestFactory().get("/")

    AdminEmailHandler(include_html=True).emit(record)

    (mail,) = mailoutbox
    assert mail.alternatives
    assert_secret(identity, mail.message().as_string())
    assert_secret(identity, mail.alternatives[0][0] + mail.body)


def test_no_log_record_has_the_token(connect, identity, caplog, clock):
    caplog.set_level(logging.DEBUG)
    for name in ("azure", "msal", "urllib3", "psycopg", "psycopg.pool", "django"):
        caplog.set_level(logging.DEBUG, logger=name)

    connect().ensure_connection()
    clock.advance(7200)
    pool_failure(connect)

    loggers = {record.name.split(".")[0] for record in caplog.records}
    assert {"azure", "msal", "psycopg"} <= loggers
    assert_secret(identity, "".join(str(vars(record)) for record in caplog.records))


@pytest.fixture
def json_line():
    """The line of JSON that a log record becomes."""
    options = dict(JSON_LOGGING["formatters"]["json"])
    return options.pop("()")(**options).format


def test_no_line_of_json_has_the_token(exc_info, identity, json_line):
    record = logging.LogRecord("shop", logging.ERROR, "", 0, "x", (), exc_info)

    line = json_line(record)

    assert "Traceback" in json.loads(line)["exception"]
    assert_secret(identity, line)


def test_a_token_that_something_writes_is_taken_out_of_a_line(
    identity, issuer, json_line
):
    text = issuer.issue(oid="nobody's")
    identity.issued.append(text)
    message = "password=%s, and again: %s"
    record = logging.LogRecord("shop", 40, "", 0, message, (text, text), None)

    line = json_line(record)

    assert json.loads(line)["event"] == "password=(secret), and again: (token)"
    assert_secret(identity, line)


@pytest.fixture
def traced(settings):
    """Make spans of all connections; returns what they are exported to."""
    settings.MIDDLEWARE = list(settings.MIDDLEWARE)
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracing.instrument(provider)
    yield exporter
    tracing.uninstrument()


def test_no_span_and_no_error_of_a_traced_connection_has_the_token(
    traced, connect, identity
):
    connect().cursor().execute("SELECT 1")
    exc_info = refused_login(connect)

    spans = traced.get_finished_spans()
    assert "SELECT 1" in [span.attributes["db.statement"] for span in spans]
    assert_secret(identity, "".join(span.to_json() for span in spans))
    assert_secret(identity, everything_in(exc_info[1]))


def test_settings_and_parameters_have_no_token(connect, identity):
    wrapper = connect()
    wrapper.ensure_connection()

    shown = repr([wrapper.settings_dict, wrapper.get_connection_params()])
    shown += repr(
        [vars(wrapper), vars(wrapper.connection), wrapper.connection.info.dsn]
    )

    assert_secret(identity, shown)


def test_psycopg_alone_would_show_it(gateway, authority, identity, issuer, backend):
    """The tests above can fail: this is what they look for."""
    token = issuer.issue(oid="nobody's")
    identity.issued.append(token)
    exc_info = failure_of(
        lambda: psycopg.connect(
            host="127.0.0.1",
            port=gateway.port,
            user=backend.role,
            password=token,
            sslmode="require",
        )
    )

    with pytest.raises(AssertionError):
        assert_secret(identity, everything_in(exc_info[1]))
    with pytest.raises(AssertionError):
        assert_secret(identity, ExceptionReporter(None, *exc_info).get_traceback_html())
