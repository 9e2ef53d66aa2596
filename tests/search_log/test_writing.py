import os
import threading
import time

import pytest
from django.db import OperationalError

from products.models import LoggedEvent, LoggedQuery
from products.search_log import writing
from products.search_log.visitors import Visitor
from products.search_log.writing import Writer

ANNA = Visitor("192.0.2.7", "Firefox")


def search(text="lamp"):
    return LoggedQuery(user_query=text)


@pytest.mark.django_db
def test_what_there_is_no_room_for_is_dropped_and_counted(log, monkeypatch):
    monkeypatch.setattr(writing, "MOST_WAITING", 2)
    log.forget()
    for text in ("a", "b", "c"):
        log.note(ANNA, search(text))
    log.write_all()

    assert [query.user_query for query in LoggedQuery.objects.all()] == ["a", "b"]
    assert (log.written, log.dropped) == (2, 1)


@pytest.mark.django_db
def test_a_batch_that_the_database_does_not_take_is_dropped(log, monkeypatch, caplog):
    def away(batch):
        raise OperationalError("the server is away")

    log.note(ANNA, search())
    log.note(ANNA, search())
    with monkeypatch.context() as patch:
        patch.setattr(log, "store", away)
        log.write_all()
    log.note(ANNA, search("sofa"))
    log.write_all()

    assert "The search log lost 2 entries: the server is away" in caplog.text
    assert [query.user_query for query in LoggedQuery.objects.all()] == ["sofa"]
    assert (log.written, log.dropped) == (1, 2)


@pytest.mark.django_db
def test_a_batch_is_a_handful_of_statements(log, django_assert_num_queries):
    log.note(ANNA, search())
    log.write_all()
    for number in range(100):
        log.note(ANNA, search(f"lamp {number}"))
        log.note(
            ANNA,
            LoggedEvent(query_id=search().pk, object_id=f"{number}", position=1),
        )

    with django_assert_num_queries(4):  # the transaction, searches, clicks
        log.write_all()


@pytest.mark.django_db(transaction=True)
def test_a_thread_writes_by_itself_and_without_the_page(settings, monkeypatch):
    settings.SEARCH_LOG = True
    monkeypatch.setattr(writing, "GATHER_SECONDS", 0.01)
    own = Writer()
    page = threading.Thread(target=own.note, args=(ANNA, search()), daemon=True)
    page.start()
    page.join()
    deadline = time.monotonic() + 60
    while not LoggedQuery.objects.exists() and time.monotonic() < deadline:
        time.sleep(0.01)

    assert LoggedQuery.objects.get().user_query == "lamp"
    assert own.thread.is_alive()
    assert not own.thread.daemon  # so a process that ends waits for it
    monkeypatch.setattr(writing.threading.main_thread(), "is_alive", lambda: False)
    own.thread.join(60)
    assert not own.thread.is_alive()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_process_has_a_thread_of_its_own(log):
    log.note(ANNA, search())
    child = os.fork()
    if not child:
        os._exit(0 if log.waiting.empty() and log.thread is None else 1)

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert len(log.take()) == 1
