import pytest
from django.test import Client

from products.search_log.writing import Writer, writer
from tests.search_log.logs import FIREFOX


@pytest.fixture
def log(settings, monkeypatch):
    """The writer of a log that is on; it writes when the test says so."""
    settings.SEARCH_LOG = True
    monkeypatch.setattr(Writer, "start", lambda self: None)
    writer.forget()
    yield writer
    writer.forget()


@pytest.fixture
def anna(log):
    """A visitor with a browser."""
    return Client(headers={"User-Agent": FIREFOX}, REMOTE_ADDR="192.0.2.7")
