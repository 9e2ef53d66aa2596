"""What the log forgets: what is old, one text, or everything."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils import timezone

from products.logged import LoggedEvent, LoggedQuery
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


def forget_text(text: str, *, using: str) -> int:
    """Delete the searches for a text, in small or large letters; return how many.

    Also those in whose place another text was searched for. Their clicks name no text
    and belong to nothing any more.
    """
    typed = Q(user_query__iexact=text)
    corrected = Q(query_attributes__corrected__iexact=text)
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
