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


FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
SAFARI = "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Safari/604.1"
GOOGLEBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
