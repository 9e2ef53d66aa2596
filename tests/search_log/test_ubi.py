"""The export has the shape of UBI 1.3, by its published schemas."""

import gzip
import json
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from jsonschema import Draft202012Validator, FormatChecker

from tests.search_log.logs import clicked, searched

SCHEMAS = Path(__file__).parent / "ubi"

pytestmark = pytest.mark.django_db


def validator(name):
    schema = json.loads((SCHEMAS / f"{name}.schema.json").read_text())
    # The published schema allows exactly one of "a known name" and "any name", which no
    # known name is.
    if name == "event":
        action = schema["properties"]["action_name"]
        action["anyOf"] = action.pop("oneOf")
    return Draft202012Validator(schema, format_checker=FormatChecker()), schema


def export(tmp_path, *options):
    """The records of both files."""
    files = [tmp_path / "queries.jsonl", tmp_path / "events.jsonl"]
    call_command(
        "export_search_log", queries=files[0], events=files[1], **dict(options)
    )
    return [[json.loads(line) for line in f.read_text().splitlines()] for f in files]


@pytest.fixture
def search():
    return searched(
        "Lämp",
        skus=["a", "b"],
        timestamp=timezone.now() - timedelta(days=1),
        first_position=25,
        query_attributes={"mode": "hybrid", "page": 2},
    )


def test_an_export_is_read_by_its_owner_alone(search, tmp_path):
    export(tmp_path)

    modes = {
        path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()
    }
    assert modes == {"queries.jsonl": 0o600, "events.jsonl": 0o600}


def test_the_export_is_valid_and_uses_only_published_names(search, tmp_path):
    clicked(search, "b", 26)

    queries, events = export(tmp_path, ("impressions", True))

    for name, records in (("query.request", queries), ("event", events)):
        check, schema = validator(name)
        for record in records:
            check.validate(record)
            assert record.keys() <= schema["properties"].keys()
    assert [event["action_name"] for event in events] == [
        "impression",
        "impression",
        "click",
    ]


def test_a_search_is_exported_with_all_that_is_known(search, tmp_path):
    search.timestamp = datetime(2026, 1, 2, 3, 4, 5, 678_000, tzinfo=UTC)
    search.save()

    [[query], events] = export(tmp_path, ("days", 3650))

    assert query == {
        "application": "shop",
        "query_id": str(search.query_id),
        "client_id": "anna",
        "user_query": "Lämp",
        "object_id_field": "sku",
        "timestamp": "2026-01-02T03:04:05.678Z",
        "query_attributes": {
            "mode": "hybrid",
            "page": 2,
            "first_position": 25,
            "found": 2,
            "filtered": False,
            "typed": False,
        },
        "query_response_id": str(search.query_id),
        "query_response_hit_ids": ["a", "b"],
    }
    assert events == []


def test_a_click_is_exported_if_its_search_is_the_visitors_own(search, tmp_path):
    clicked(search, "b", 26)
    clicked(search, "a", 25, visitor="bert")

    [event] = export(tmp_path)[1]

    assert event["query_id"] == str(search.query_id)
    assert event["event_attributes"] == {
        "object": {"object_id": "b", "object_id_field": "sku"},
        "position": {"ordinal": 26},
    }


def test_only_the_days_that_are_asked_for_are_exported(search, tmp_path):
    searched("today")

    queries, _ = export(tmp_path, ("days", 1))

    assert [query["user_query"] for query in queries] == ["today"]


def test_the_bulk_api_gets_the_name_of_the_index_before_each_record(search, tmp_path):
    file = tmp_path / "bulk.gz"
    call_command("export_search_log", queries=file, bulk=True)

    action, query = map(json.loads, gzip.decompress(file.read_bytes()).splitlines())
    assert action == {"index": {"_index": "ubi_queries"}}
    assert query["user_query"] == "Lämp"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "Name a file: --queries FILE, --events FILE, or both."),
        ({"queries": Path("q"), "days": 0}, "--days takes a number from 1 to 3650."),
        ({"queries": Path("/nowhere/q")}, "/nowhere/q cannot be written"),
    ],
    ids=["no-file", "days", "no-folder"],
)
def test_the_command_says_what_is_wrong(options, message):
    with pytest.raises(CommandError, match=message):
        call_command("export_search_log", **options)
