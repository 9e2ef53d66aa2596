"""What the log forgets: what is old, one text, or everything."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils import timezone

from products.logged import LoggedEvent, LoggedQuery
from products.plain_text import tidy
from products.search_log.visitors import forget_salts

# So many rows go in one transaction, so that none of them is long.
BATCH = 10_000


def forget_old(*, using: str) -> int:
    """Delete what is older than SEARCH_LOG_DAYS, and past days' salts; return how much.

    A salt is not counted.
    """
    forget_salts(using)
    oldest = timezone.now() - timedelta(days=settings.SEARCH_LOG_DAYS)
    return forget(Q(timestamp__lt=oldest), LoggedQuery, LoggedEvent, using=using)


def forget_everything(*, using: str) -> int:
    """Delete all searches and clicks, and return how many there were."""
    return forget(Q(), LoggedQuery, LoggedEvent, using=using)


def forget_text(text: str, *, using: str, anywhere: bool = False) -> int:
    """Delete the searches for a text, and return how many there were.

    The letters may be small or large, blanks single or many. Also those in whose place
    this text was searched for. anywhere: also where it is a part of what was typed. Their
    clicks name no text and belong to nothing any more. Raises ValueError for a text of
    blanks alone, which says nothing about what to delete.
    """
    words = tidy(text).split()
    if not words:
        raise ValueError("Name a text, which is more than blanks.")
    pattern = r"[\s\xa0]+".join(re.escape(word) for word in words)
    if not anywhere:
        pattern = f"^{pattern}$"
    typed = Q(user_query__iregex=pattern)
    corrected = Q(query_attributes__corrected__iregex=pattern)
    return forget(typed | corrected, LoggedQuery, using=using)


def forget(which: Q, *models: type[LoggedQuery] | type[LoggedEvent], using: str) -> int:
    """Delete rows in batches, and return how many there were."""
    return sum(
        forget_rows(model.objects.using(using).filter(which)) for model in models
    )


def forget_rows(rows: QuerySet[Any]) -> int:
    """Delete rows in batches, and return how many there were."""
    count = 0
    some = rows.model.objects.using(rows.db).filter(pk__in=rows.values("pk")[:BATCH])
    while deleted := some.delete()[0]:
        count += deleted
    return count
