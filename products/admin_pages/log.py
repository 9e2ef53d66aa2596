"""What the admin's log says of imports and measurements, in the reader's language.

Django's log keeps both, so that all processes know the last import and the last recall.
"""

from __future__ import annotations

import json
from typing import Any, cast

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model
from django.http import HttpRequest
from django.utils.formats import number_format
from django.utils.translation import gettext, ngettext

from products.admin_log import IMPORTED, MEASURED, log_work
from products.numbers import grouped

__all__ = ["IMPORTED", "MEASURED", "last_of", "log", "log_text"]


def log(
    request: HttpRequest,
    model: type[Model],
    kind: str,
    about: str,
    *,
    flag: int = CHANGE,
    **values: Any,
) -> None:
    """Leave a trace in the admin's log, which shows it under "Recent actions".

    kind, about, values: see log_work().
    """
    user_id = cast(int, request.user.pk)  # staff, who are logged in
    log_work(user_id, model, kind, about, flag=flag, **values)


def last_of(model: type[Model], kind: str) -> LogEntry | None:
    """Return the last entry of a kind about a model, None if there is none."""
    return (
        LogEntry.objects.filter(
            content_type=ContentType.objects.get_for_model(model),
            change_message__startswith=f'[{{"{kind}": ',
        )
        .select_related("user")
        .order_by("-pk")
        .first()
    )


def log_text(entry: LogEntry) -> str:
    """Return what an entry is about: the object, or what was done."""
    imported, measured = values_of(entry, IMPORTED), values_of(entry, MEASURED)
    if imported:
        return import_text(entry.object_repr, imported)
    if measured:
        return recall_text(measured)
    return entry.object_repr


def import_text(source: str, counts: dict[str, Any]) -> str:
    """Return what an import of a file did, or of a batch that came with an API key."""
    if counts.get("by_key"):
        text = gettext(
            "Imported by the API key %(source)s: %(new)s new, %(changed)s changed, "
            "%(refused)s refused"
        )
    else:
        text = gettext(
            "Imported %(source)s: %(new)s new, %(changed)s changed, %(refused)s refused"
        )
    text %= {
        "source": source,
        **{name: grouped(counts[name]) for name in ("new", "changed", "refused")},
    }
    if counts["failure"]:
        return gettext("%(import)s; it did not finish") % {"import": text}
    return text


def recall_text(values: dict[str, Any]) -> str:
    """Return what a measurement of the recall found."""
    text = ngettext(
        "Measured a recall of %(recall)s for %(asked)s product",
        "Measured a recall of %(recall)s for %(asked)s products",
        values["asked"],
    )
    recall = number_format(values["recall"], 3)
    return text % {"recall": recall, "asked": grouped(values["asked"])}


def values_of(entry: LogEntry, kind: str) -> dict[str, Any] | None:
    """Return what log() kept of an entry of this kind, None for any other entry."""
    try:
        [first] = json.loads(entry.change_message)
        values: dict[str, Any] = first[kind]
    except (ValueError, TypeError, KeyError):
        return None
    return values
