"""LOG_FORMAT=json: one line a request, and nothing in it that is somebody's own."""

import json
import logging
import os
import re
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.utils import timezone

from products.search import search
from products.watching import request_lines
from tests.factory import make_product
from vectorshop import logs

ROOT = Path(__file__).resolve().parents[2]
MINUTE = timedelta(minutes=1)

pytestmark = pytest.mark.django_db


@pytest.fixture
def lines(settings, client, recording, capsys):
    """A function that asks for a page and returns the lines that were written."""
    settings.LOG_FORMAT = "json"
    client.raise_request_exception = False

    def ask(address, **options):
        response = client.get(address, **options)
        capsys.readouterr()
        recording.handle_all()
        return response, [
            json.loads(line) for line in capsys.readouterr().err.splitlines()
        ]

    return ask


def test_a_request_has_one_line_with_id_route_status_and_times(lines):
    product = make_product()

    response, [line] = lines(product.get_absolute_url())

    assert line["request_id"] == response["X-Request-ID"]
    assert re.fullmatch("[0-9a-f]{32}", line["request_id"])
    assert abs(datetime.fromisoformat(line["timestamp"]) - timezone.now()) < MINUTE
    assert line["route"] == "GET /products/<int:pk>/"
    assert (line["status"], line["level"]) == (200, "info")
    assert line["ms"] >= line["search"]["ms"] >= line["search"]["sql_ms"] > 0
    assert set(line) == {
        "event",
        "level",
        "ms",
        "request_id",
        "route",
        "search",
        "status",
        "timestamp",
    }


def test_what_a_search_did_is_in_the_line_and_its_text_is_not(lines):
    make_product(name="Lamp", embedding=None)

    _, [line] = lines("/?q=lamp&mode=keyword&max_price=5")

    search = line["search"]
    assert {**search, "ms": 0, "sql_ms": 0} == {
        "mode": "keyword",
        "plan": "keyword",
        "filtered": True,
        "found": 0,
        "ms": 0,
        "embedding_ms": 0.0,
        "sql_ms": 0,
    }
    assert "lamp" not in json.dumps(line)


def test_the_text_is_in_the_line_where_that_is_allowed(lines, settings):
    settings.LOG_QUERIES = True

    _, [line] = lines('/?q="red+lamp"+table&mode=keyword')

    assert line["search"]["query"] == '"red lamp" table'


def test_a_search_is_in_the_line_of_its_own_request_alone(lines):
    make_product()
    lines("/?q=lamp")

    _, [line] = lines("/robots.txt")

    assert "search" not in line


def test_an_unknown_address_is_not_repeated(lines):
    _, [line] = lines("/ada@example.com?q=secret")

    assert (line["route"], line["status"], line["level"]) == ("GET -", 404, "warning")
    assert "ada@" not in json.dumps(line)


def test_a_failed_request_has_its_traceback_and_no_local_value(lines, monkeypatch):
    def fail(**kwargs):
        typed = kwargs["text"]
        raise ValueError(f"a text of {len(typed)} letters")

    monkeypatch.setattr("products.views.catalogue.search", fail)

    _, [line] = lines("/?q=verysecret")

    assert (line["route"], line["status"]) == ("GET /", 500)
    assert line["exception"].endswith("ValueError: a text of 10 letters")
    assert "verysecret" not in json.dumps(line)


def test_no_line_names_the_visitor(lines, admin_client, settings):
    _, [line] = lines(
        "/",
        REMOTE_ADDR="203.0.113.9",
        headers={"user-agent": "Nobody", "authorization": "Bearer abcdef"},
    )

    text = json.dumps(line)
    for private in ("203.0.113.9", "Nobody", "abcdef", "admin"):
        assert private not in text


def test_a_page_takes_not_one_statement_more(lines, client):
    product = make_product()
    lines(product.get_absolute_url())
    statements = []

    def count(execute, *arguments):
        statements.append(arguments[0])
        return execute(*arguments)

    with connection.execute_wrapper(count):
        _, [line] = lines(product.get_absolute_url())
    assert not any("session" in sql or "auth_user" in sql for sql in statements)


def test_what_is_written_meanwhile_has_the_id_of_the_request(lines, monkeypatch):
    seen = []

    def look(**kwargs):
        seen.append(logs.add_request_id(None, "", {}))
        return search(**kwargs)

    monkeypatch.setattr("products.views.catalogue.search", look)

    _, [line] = lines("/?q=lamp")

    assert seen == [{"request_id": line["request_id"]}]
    assert logs.add_request_id(None, "", {}) == {}


def test_lines_are_written_together_up_to_what_a_pipe_takes(monkeypatch):
    monkeypatch.setattr(request_lines, "PIPE_BYTES", 10)

    texts = list(
        request_lines.together(["1234", "1234", "ä", "a long line, alone", "b"])
    )

    assert texts == ["1234\n1234\n", "ä\n", "a long line, alone\n", "b\n"]


# The log as a whole

PROGRAM = """
import django, logging; django.setup()
logging.getLogger("shop").warning("a warning with Bearer abc.def and api_key=xyz")
logging.getLogger("django.request").warning("Not Found: /ada@example.com")
logging.getLogger("django.server").warning("GET /?q=ada HTTP/1.1")
logging.getLogger("axes").warning("Login failed by 203.0.113.9")
"""


def log_of(**variables):
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "vectorshop.settings"}
    return subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=environment | variables,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    ).stderr


def test_all_lines_are_json_without_secrets_and_people():
    [line] = log_of(LOG_FORMAT="json").splitlines()

    found = json.loads(line)
    assert found["event"] == "a warning with Bearer (secret) and api_key=(secret)"
    assert (found["level"], found["logger"]) == ("warning", "shop")


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ('{"password": "x y"}', '{"password": (secret)}'),
        (r"{\"password\": \"x y\"}", r"{\"password\": (secret)}"),
        (r'{"password": "x\"y"}', '{"password": (secret)}'),
        ("DB_PASSWORD='x y' more", "DB_PASSWORD=(secret) more"),
        ("DB_PASSWORD=x' more", "DB_PASSWORD=(secret)' more"),
        ("'password': 'no end", "'password': (secret) end"),
        ("postgres://u:pw@h/db", "postgres://(secret)@h/db"),
        ("see https://u:p@w@h/?a=b@c", "see https://(secret)@h/?a=b@c"),
        ("https://h/path?at=b@c", "https://h/path?at=b@c"),
        ("AccountKey=a/b==;Name=x", "AccountKey=(secret);Name=x"),
        ("?sv=1&sig=a%2B&se=2", "?sv=1&sig=(secret)&se=2"),
        (f"a key vs_{'a-B_' * 10}abc here", "a key (secret) here"),
        ("Authorization: Basic dTpw", "Authorization: Basic (secret)"),
        ("access_token = abc", "access_token = (secret)"),
        ("SECRET_KEY='a b'", "SECRET_KEY=(secret)"),
        ("password1=a&password2=b", "password1=(secret)&password2=(secret)"),
        ("sig=a, compass: north", "sig=(secret), compass: north"),
        ("password authentication failed", "password authentication failed"),
        ("eyJh.eyJi.c", "(token)"),
        ("a%22eyJh.eyJi.c%22", "a%22(token)%22"),
        # Tokens begin words: a text of many beginnings is not read from each of them.
        ("xeyJh.eyJi.c", "xeyJh.(token)"),
    ],
)
def test_no_secret_is_in_a_text(written, kept):
    assert logs.clean_text(written) == kept


def test_no_secret_is_in_a_value_of_a_line():
    event = {
        "event": "e",
        "data": {"api_key": "x", "of": ["password=y", 1, None]},
        "passing": 1,
    }

    assert logs.without_secrets(None, "", event) == {
        "event": "e",
        "data": {"api_key": "(secret)", "of": ["password=(secret)", 1, None]},
        "passing": 1,
    }


def test_a_long_text_is_cut_before_a_pattern_reads_it(monkeypatch):
    read = []

    class Pattern:
        def sub(self, instead, text):
            read.append(len(text))
            return text

    monkeypatch.setattr(logs, "SECRETS", [(Pattern(), "")])
    logs.clean_text("'password" + " " * 100_000)

    assert read == [(logs.MAX_TEXT - len(logs.CUT)) // 2 + len(logs.CUT)]


def test_a_long_text_keeps_its_beginning_and_its_last_lines():
    text = "begins" + " " * 100_000 + "password=half of it\nValueError: ends"

    found = logs.clean_text(text)

    assert found.startswith("begins")
    assert found.endswith("(cut)\nValueError: ends")


def test_on_a_laptop_the_log_stays_plain():
    assert log_of().splitlines()[0] == "a warning with Bearer abc.def and api_key=xyz"


def test_a_form_that_there_is_not_is_refused():
    assert ImproperlyConfigured.__name__ in log_of(LOG_FORMAT="xml")


def test_the_plain_log_has_no_line_for_a_request(client, caplog):
    with caplog.at_level(logging.INFO):
        client.get("/")

    assert caplog.records == []
