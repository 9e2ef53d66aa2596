import threading
import time

import pytest
from django.db import OperationalError

from products.models import LoggedEvent, LoggedQuery
from products.search_log.visitors import Visitor
from products.search_log.writing import Writer

ANNA = Visitor("192.0.2.7", "Firefox")


def search(text="lamp"):
    return LoggedQuery(user_query=text)


@pytest.mark.django_db
def test_a_batch_that_the_database_does_not_take_is_dropped(log, monkeypatch, caplog):
    def away(batch):
        raise OperationalError("the server is away")

    log.put((ANNA, search()))
    log.put((ANNA, search()))
    with monkeypatch.context() as patch:
        patch.setattr(log, "store", away)
        log.handle_all()
    log.put((ANNA, search("sofa")))
    log.handle_all()

    assert "The search log lost 2 entries: the server is away" in caplog.text
    assert [query.user_query for query in LoggedQuery.objects.all()] == ["sofa"]
    assert (log.written, log.lost) == (1, 2)


@pytest.mark.django_db
def test_a_batch_is_a_handful_of_statements(log, django_assert_num_queries):
    log.put((ANNA, search()))
    log.handle_all()
    for number in range(100):
        log.put((ANNA, search(f"lamp {number}")))
        click = LoggedEvent(query_id=search().pk, object_id=f"{number}", position=1)
        log.put((ANNA, click))

    with django_assert_num_queries(4):  # the transaction, searches, clicks
        log.handle_all()


@pytest.mark.django_db(transaction=True)
def test_a_thread_writes_by_itself_and_without_the_page(settings, monkeypatch):
    settings.SEARCH_LOG = True
    own = Writer()
    own.gather_seconds = 0.01
    page = threading.Thread(target=own.put, args=((ANNA, search()),), daemon=True)
    page.start()
    page.join()
    deadline = time.monotonic() + 60
    while not LoggedQuery.objects.exists() and time.monotonic() < deadline:
        time.sleep(0.01)

    assert LoggedQuery.objects.get().user_query == "lamp"
    monkeypatch.setattr(threading.main_thread(), "is_alive", lambda: False)
    own.thread.join(60)
    assert not own.thread.is_alive()
