"""The log as other tools read it: JSON Lines in the shape of UBI 1.3.

See https://github.com/o19s/ubi/tree/main/schema/1.3.0
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, BinaryIO

from django.db.models import Exists, OuterRef

from products.logged import LoggedEvent, LoggedQuery
from products.search_log.period import Period

# The names of the indexes in which OpenSearch looks for them.
QUERIES = "ubi_queries"
EVENTS = "ubi_events"

ID_FIELD = "sku"
CHUNK = 2_000

Record = dict[str, Any]


def queries(period: Period, *, using: str) -> Iterator[Record]:
    """Yield the searches of a period, the oldest first."""
    searches = logged(period, using)
    for search in searches.order_by("timestamp", "pk").iterator(CHUNK):
        yield query_record(search)


def events(period: Period, *, impressions: bool, using: str) -> Iterator[Record]:
    """Yield the clicks on what the searches of a period showed, the oldest first.

    impressions: first comes an event for each product that a search showed.
    """
    searches = logged(period, using)
    if impressions:
        for search in searches.order_by("timestamp", "pk").iterator(CHUNK):
            yield from impressions_of(search)
    same = searches.filter(pk=OuterRef("query_id"), client_id=OuterRef("client_id"))
    clicks = LoggedEvent.objects.using(using).filter(Exists(same))
    for click in clicks.order_by("timestamp", "pk").iterator(CHUNK):
        yield event_record(click)


def logged(period: Period, using: str) -> Any:
    """Return the searches of a period, all of them."""
    return LoggedQuery.objects.using(using).filter(
        timestamp__gte=period.start, timestamp__lt=period.end
    )


def query_record(search: LoggedQuery) -> Record:
    """Return a search as UBI has it; what UBI has no name for is an attribute."""
    return {
        "application": search.application,
        "query_id": str(search.query_id),
        "client_id": search.client_id,
        "user_query": search.user_query,
        "object_id_field": ID_FIELD,
        "timestamp": timestamp(search.timestamp),
        "query_attributes": {
            **search.query_attributes,
            "first_position": search.first_position,
            "found": search.found,
            "filtered": search.filtered,
            "typed": search.typed,
        },
        # A search is answered once.
        "query_response_id": str(search.query_id),
        "query_response_hit_ids": search.query_response_hit_ids,
    }


def impressions_of(search: LoggedQuery) -> Iterator[Record]:
    """Yield an event for each product that a search showed."""
    for position, sku in enumerate(
        search.query_response_hit_ids, start=search.first_position
    ):
        yield event_record(
            LoggedEvent(
                action_name="impression",
                timestamp=search.timestamp,
                query_id=search.query_id,
                client_id=search.client_id,
                object_id=sku,
                position=position,
            )
        )


def event_record(event: LoggedEvent) -> Record:
    """Return an event as UBI has it. The shop's session is the visitor's day."""
    return {
        "action_name": event.action_name,
        "timestamp": timestamp(event.timestamp),
        "query_id": str(event.query_id),
        "session_id": event.client_id,
        "client_id": event.client_id,
        "event_attributes": {
            "object": {"object_id": event.object_id, "object_id_field": ID_FIELD},
            "position": {"ordinal": event.position},
        },
    }


def timestamp(moment: datetime) -> str:
    """Return a time as OpenSearch reads it: 2026-01-02T03:04:05.678Z."""
    utc = moment.astimezone(UTC).isoformat(timespec="milliseconds")
    return utc.replace("+00:00", "Z")


def write_lines(
    records: Iterable[Record], target: BinaryIO, *, index: str | None = None
) -> int:
    """Write records, one a line, and return how many.

    index: its name, for OpenSearch's bulk API, which wants a line before each record.
    """
    before = json_line({"index": {"_index": index}}) if index else b""
    count = 0
    for record in records:
        target.write(before + json_line(record))
        count += 1
    return count


def json_line(value: Record) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode() + b"\n"
