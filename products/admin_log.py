"""Entries of the admin's log, which shows what was done under "Recent actions"."""

from __future__ import annotations

import json
from typing import Any

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model
from django.utils.text import Truncator

IMPORTED = "imported"
MEASURED = "measured"


def log_work(
    user_id: int,
    model: type[Model],
    kind: str,
    about: str,
    *,
    flag: int = CHANGE,
    **values: Any,
) -> None:
    """Leave a trace of work on a table.

    kind: IMPORTED or MEASURED. about: such as the name of a file. values: numbers and
    texts, kept as JSON like Django's own messages, so that they have no language.
    """
    log_entry(user_id, model, about, flag, json.dumps([{kind: values}]))


def log_entry(
    user_id: int,
    model: type[Model],
    about: str,
    flag: int,
    message: str,
    *,
    pk: object = None,
) -> None:
    """Leave a trace of what somebody did; pk: with the row of a table."""
    LogEntry.objects.create(
        user_id=user_id,
        content_type=ContentType.objects.get_for_model(model),
        object_id=None if pk is None else str(pk),
        object_repr=Truncator(about).chars(200),
        action_flag=flag,
        change_message=message,
    )
