"""Searches and clicks of the log, for tests."""

from products.models import LoggedEvent, LoggedQuery


def searched(text, *, visitor="anna", skus=(), **kwargs):
    """A search in the log; without *skus* it found nothing."""
    return LoggedQuery.objects.create(
        user_query=text,
        client_id=visitor,
        query_response_hit_ids=list(skus),
        found=len(skus),
        **kwargs,
    )


def clicked(query, sku, position, *, visitor=None):
    """A click in the log, by whoever searched or another *visitor*."""
    return LoggedEvent.objects.create(
        query_id=query.query_id,
        client_id=visitor or query.client_id,
        object_id=sku,
        position=position,
    )
