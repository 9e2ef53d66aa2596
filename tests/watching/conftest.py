import pytest
from django.core.signals import got_request_exception

from products.search.signals import embedded, searched
from products.watching.recording import Recorder, recorder


@pytest.fixture
def recording(settings, monkeypatch):
    """The recorder of a shop that is watched; it works when the test says so."""
    settings.MIDDLEWARE = [
        "products.watching.recording.RecordingMiddleware",
        *settings.MIDDLEWARE,
    ]
    monkeypatch.setattr(Recorder, "start", lambda self: None)
    recorder.forget()
    yield recorder
    for sent in (searched, embedded, got_request_exception):
        sent.disconnect(dispatch_uid="recording")
