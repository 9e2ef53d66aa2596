"""The signals that RecordingMiddleware listens to, for tests."""

from django.core.signals import got_request_exception

from products.search.signals import embedded, searched


def forget_signals():
    """Let nothing be recorded any more."""
    for sent in (searched, embedded, got_request_exception):
        sent.disconnect(dispatch_uid="recording")
