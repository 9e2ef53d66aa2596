"""What the admin's log says of imports, in the language of who reads it."""

from __future__ import annotations

import json
from typing import Any

from django.contrib.admin.models import LogEntry
from django.utils.translation import gettext

from products.numbers import grouped


def import_message(new: int, changed: int, refused: int, failure: str) -> str:
    """Return what LogEntry.change_message keeps of an import: JSON, as Django's own.

    failure: why it did not finish, in the language of who ran it; "" if it did.
    """
    counts = {"new": new, "changed": changed, "refused": refused, "failure": failure}
    return json.dumps([{"imported": counts}])


def log_text(entry: LogEntry) -> str:
    """Return what an entry is about: the object, or what an import did."""
    counts = imported_counts(entry.change_message)
    if counts is None:
        return entry.object_repr
    text = gettext(
        "Imported %(file)s: %(new)s new, %(changed)s changed, %(refused)s refused"
    ) % {
        "file": entry.object_repr,
        **{name: grouped(counts[name]) for name in ("new", "changed", "refused")},
    }
    if counts["failure"]:
        return gettext("%(import)s; it did not finish") % {"import": text}
    return text


def imported_counts(message: str) -> dict[str, Any] | None:
    """Return what import_message() kept, None for any other message."""
    try:
        [first] = json.loads(message)
        counts: dict[str, Any] = first["imported"]
    except (ValueError, TypeError, KeyError):
        return None
    return counts
